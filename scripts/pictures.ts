// Draws docs/pictures/*.svg from the tables below: boxes on a grid, arrows between them, labels.
// `--write` writes them; without it, fails where a file is not what the tables say.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { ROOT } from './source-tree.js'

interface Box {
  readonly name: string
  /** Column and row of the grid, and how many columns wide. */
  readonly at: readonly [number, number, number]
  readonly text: readonly string[]
  readonly kind?: 'ours' | 'group'
  /** How many rows high. */
  readonly rows?: number
}
interface Arrow {
  readonly from: string
  readonly to: string
  readonly text: string
  readonly isDashed?: boolean
}
interface Picture {
  readonly title: string
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
}

const [COLUMN, ROW, PAD, LINE] = [110, 84, 14, 17]
const FILL = { ours: '#dbeafe', group: '#f8fafc', other: '#f1f5f9' } as const

const PICTURES: Readonly<Record<string, Picture>> = {
  add: {
    title: 'The flow of an ADD',
    boxes: [
      { name: 'kubelet', at: [0, 0, 2], text: ['kubelet,', 'container runtime'] },
      { name: 'multus', at: [3, 0, 1], text: ['Multus'] },
      { name: 'ifacer', at: [5, 0, 2], text: ['ifacer', 'VLAN, bond'], kind: 'ours' },
      { name: 'macvlan', at: [5, 1, 2], text: ['macvlan-wrapper', 'interface, routes'], kind: 'ours' },
      { name: 'coordinator', at: [5, 2, 2], text: ['coordinator', 'node, Services'], kind: 'ours' },
      { name: 'agent', at: [3, 1, 1], text: ['agent', 'caches'], kind: 'ours' },
      { name: 'apiserver', at: [0, 1, 2], text: ['API server'] },
    ],
    arrows: [
      { from: 'kubelet', to: 'multus', text: 'ADD' },
      { from: 'multus', to: 'ifacer', text: '1' },
      { from: 'multus', to: 'macvlan', text: '2' },
      { from: 'multus', to: 'coordinator', text: '3' },
      { from: 'macvlan', to: 'agent', text: 'IPAM' },
      { from: 'agent', to: 'apiserver', text: 'POST address' },
    ],
  },
  lock: {
    title: 'The name is the lock',
    boxes: [
      { name: 'one', at: [0, 0, 2], text: ['node 1', 'wants 172.18.30.131'], kind: 'ours' },
      { name: 'two', at: [0, 1, 2], text: ['node 2', 'wants 172.18.30.131'], kind: 'ours' },
      { name: 'server', at: [4, 0, 3], text: ['API server', 'SpiderIPAddress', '172.18.30.131'], rows: 2 },
    ],
    arrows: [
      { from: 'one', to: 'server', text: 'POST: 201 Created' },
      { from: 'two', to: 'server', text: 'POST: 409 Conflict, next address' },
    ],
  },
  routes: {
    title: 'Underlay routes of a pod',
    boxes: [
      { name: 'pod', at: [0, 0, 2], text: ['pod', 'eth0: macvlan', 'veth0: to its node'], kind: 'ours', rows: 2 },
      { name: 'network', at: [4, 0, 3], text: ['L2 network', 'gateway, other pods'] },
      { name: 'node', at: [4, 1, 3], text: ['node', 'kubelet, Services (kube-proxy),', 'overlay pods'] },
    ],
    arrows: [
      { from: 'pod', to: 'network', text: 'eth0: default route' },
      { from: 'pod', to: 'node', text: 'veth0: node, Service CIDRs' },
    ],
  },
}

const rectOf = ({ at: [column, row, width], rows = 1 }: Box) => ({
  ...{ x: PAD + column * COLUMN, y: PAD + 24 + row * ROW },
  ...{ width: width * COLUMN, height: rows * ROW - 26 },
})

/** From the edge of one box to the edge of the other, level with the smaller of the two. */
function ends(from: Box, to: Box): readonly [number, number, number, number] {
  const [a, b] = [rectOf(from), rectOf(to)]
  const isRight = b.x > a.x
  const middle = (rect: typeof a): number => rect.y + rect.height / 2
  const x1 = isRight ? a.x + a.width : a.x
  const x2 = isRight ? b.x : b.x + b.width
  const y1 = (from.rows ?? 1) > (to.rows ?? 1) ? middle(b) : middle(a)
  const y2 = (to.rows ?? 1) > (from.rows ?? 1) ? middle(a) : middle(b)
  return [x1, y1, x2, y2]
}

function draw({ title, boxes, arrows }: Picture): string {
  const rects = boxes.map(rectOf)
  const width = Math.max(...rects.map(rect => rect.x + rect.width)) + PAD
  const height = Math.max(...rects.map(rect => rect.y + rect.height)) + PAD
  const byName = new Map(boxes.map(box => [box.name, box]))
  const shapes = boxes.map(box => {
    const { x, y, width: w, height: h } = rectOf(box)
    const top = y + h / 2 - ((box.text.length - 1) * LINE) / 2 + 5
    const lines = box.text.map(
      (text, at) =>
        `<text x="${x + w / 2}" y="${top + at * LINE}" text-anchor="middle"${at === 0 ? ' font-weight="600"' : ''}>${text}</text>`,
    )
    return `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="6" fill="${FILL[box.kind ?? 'other']}" stroke="#64748b"/>${lines.join('')}`
  })
  const lines = arrows.map(({ from, to, text, isDashed }) => {
    const [start, end] = [byName.get(from), byName.get(to)]
    if (!start || !end) throw new Error(`${title}: no box ${start ? to : from}`)
    const [x1, y1, x2, y2] = ends(start, end)
    const dash = isDashed === true ? ' stroke-dasharray="5 4"' : ''
    return (
      `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#334155" stroke-width="1.5" marker-end="url(#head)"${dash}/>` +
      `<text x="${(x1 + x2) / 2}" y="${(y1 + y2) / 2 - 6}" text-anchor="middle" fill="#334155" font-size="12">${text}</text>`
    )
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" font-family="sans-serif" font-size="13" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#334155"/></marker></defs>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#fff"/>`,
    `<text x="${PAD}" y="${PAD + 10}" font-weight="600">${title}</text>`,
    ...shapes,
    ...lines,
    '</svg>',
    '',
  ].join('\n')
}

const folder = `${ROOT}docs/pictures/`
const isWriting = process.argv.includes('--write')
mkdirSync(folder, { recursive: true })
for (const [name, picture] of Object.entries(PICTURES)) {
  const file = `${folder}${name}.svg`
  if (isWriting) writeFileSync(file, draw(picture))
  else if (readFileSync(file, 'utf8') !== draw(picture)) {
    console.log(
      `docs/pictures/${name}.svg is not what scripts/pictures.ts draws; run: npx tsx scripts/pictures.ts --write`,
    )
    process.exitCode = 1
  }
}
