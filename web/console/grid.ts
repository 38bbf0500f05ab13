// The cells of an address map: where they are, what they are called, how they are drawn.
import type { ConsoleMap } from '../../lib/console/json.js'
import { familyOf, fromBigint, toBigint, type Ip } from '../../lib/ip/address.js'
import type { Words } from './words.js'

export interface Grid {
  readonly map: ConsoleMap
  readonly columns: number
  readonly rows: number
  /** The first address of the map. */
  readonly first: bigint
}

export function gridOf(map: ConsoleMap): Grid {
  const count = map.cells.length
  const columns = 2 ** Math.ceil(Math.log2(count) / 2)
  return { map, columns, rows: Math.ceil(count / columns), first: toBigint(map.prefix.replace(/\/.*/, '') as Ip) }
}

/** The first address of a cell. */
export const addressAt = ({ map, first }: Grid, at: number): string =>
  fromBigint(first + (BigInt(at) << BigInt(map.cellBits)), map.version === 4 ? 4 : 6)

export const lengthOf = (prefix: string): number => Number(prefix.replace(/.*\//, ''))
const widthOf = ({ version }: ConsoleMap): number => (version === 4 ? 32 : 128)

/** log2 of the addresses of a map. */
export const bitsOf = (map: ConsoleMap): number => widthOf(map) - lengthOf(map.prefix)

/** How much a step of the zoom is, in bits. */
const STEP = 4
/** Addresses of the smallest map, in bits. */
const BITS_MIN = 4

/** The prefix one step closer around a cell; undefined where it is the closest. */
export function closer(grid: Grid, at: number): string | undefined {
  const bits = bitsOf(grid.map)
  if (bits <= BITS_MIN) return undefined
  return prefixAround(grid, at, Math.max(BITS_MIN, bits - STEP))
}

/** The prefix one step further away; undefined where the whole pool is shown. */
export function further(grid: Grid, at: number): string | undefined {
  const bits = bitsOf(grid.map)
  const most = widthOf(grid.map) - lengthOf(grid.map.extent)
  return bits >= most ? undefined : prefixAround(grid, at, Math.min(most, bits + STEP))
}

function prefixAround(grid: Grid, at: number, bits: number): string {
  const { map, first } = grid
  const value = first + (BigInt(at) << BigInt(map.cellBits))
  const start = (value >> BigInt(bits)) << BigInt(bits)
  return `${fromBigint(start, map.version === 4 ? 4 : 6)}/${widthOf(map) - bits}`
}

/** The cell of an address; undefined where the map does not have it. */
export function cellOf({ map, first }: Grid, address: string): number | undefined {
  if (familyOf(address as Ip) !== map.version) return undefined
  const at = (toBigint(address as Ip) - first) >> BigInt(map.cellBits)
  return at >= 0n && at < BigInt(map.cells.length) ? Number(at) : undefined
}

/** What a letter of the map means. */
export function meaningOf(letter: string, cellBits: number, words: Words): string {
  if (cellBits > 0) {
    if (letter === '.') return words.unused
    return letter === 'F' ? words.full : `≈ ${Math.round((Number(letter) * 100) / 9)} % ${words.taken}`
  }
  const meanings: Readonly<Record<string, string>> = {
    h: words.held,
    q: words.quarantined,
    g: words.recorded,
    r: words.reserved,
    f: words.free,
    x: words.excluded,
  }
  return meanings[letter] ?? words.outside
}

export interface Run {
  readonly at: number
  readonly count: number
  readonly letter: string
}

/** Neighbouring cells of one letter, without those that are not of the pool. */
export function runsOf(cells: string): readonly Run[] {
  const runs: Run[] = []
  for (let at = 0; at < cells.length;) {
    const letter = cells[at] ?? ''
    let end = at + 1
    while (cells[end] === letter) end++
    if (letter !== '.') runs.push({ at, count: end - at, letter })
    at = end
  }
  return runs
}

type Rgb = readonly [number, number, number]

/** The colour of a custom property, which the canvas writes as `#rrggbb`. */
function colourOf(styles: CSSStyleDeclaration, name: string, context: CanvasRenderingContext2D): Rgb {
  context.fillStyle = styles.getPropertyValue(name).trim()
  const value = Number.parseInt(String(context.fillStyle).slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

const between = (a: Rgb, b: Rgb, share: number): Rgb => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
]

const LETTERS = { h: 'held', q: 'quarantined', g: 'recorded', r: 'reserved', f: 'free', x: 'excluded', '.': 'outside' }

/** Colours by letter, of the style sheet: they follow dark mode. */
function palette(context: CanvasRenderingContext2D): ReadonlyMap<string, Rgb> {
  const styles = getComputedStyle(context.canvas)
  const found = new Map<string, Rgb>()
  for (const [letter, name] of Object.entries(LETTERS)) found.set(letter, colourOf(styles, `--${name}`, context))
  const [none, full] = [colourOf(styles, '--free', context), colourOf(styles, '--held', context)]
  for (let tenth = 0; tenth < 10; tenth++) found.set(String(tenth), between(none, full, (tenth / 9) * 0.85))
  return found.set('F', full)
}

/** Cells at least this wide have lines between them. */
const LINES_PX = 8

/** Draws the whole map: one pixel a cell first, then enlarged. */
export function draw(canvas: HTMLCanvasElement, { map, columns, rows }: Grid, cursor: number | undefined): void {
  const context = canvas.getContext('2d')
  if (!context) return
  performance.mark('map-draw-start')
  const colours = palette(context)
  const image = new ImageData(columns, rows)
  for (let at = 0; at < map.cells.length; at++) {
    const [red, green, blue] = colours.get(map.cells[at] ?? '.') ?? [0, 0, 0]
    image.data.set([red, green, blue, 255], at * 4)
  }
  const small = new OffscreenCanvas(columns, rows)
  small.getContext('2d')?.putImageData(image, 0, 0)
  const size = Math.max(1, Math.floor(canvas.width / columns))
  context.imageSmoothingEnabled = false
  context.clearRect(0, 0, canvas.width, canvas.height)
  context.drawImage(small, 0, 0, columns * size, rows * size)
  const styles = getComputedStyle(canvas)
  if (size >= LINES_PX) {
    context.fillStyle = styles.getPropertyValue('--page')
    for (let column = 1; column < columns; column++) context.fillRect(column * size, 0, 1, rows * size)
    for (let row = 1; row < rows; row++) context.fillRect(0, row * size, columns * size, 1)
  }
  if (cursor !== undefined) {
    context.strokeStyle = styles.getPropertyValue('--text')
    context.lineWidth = 2
    const wide = Math.max(size, 6)
    context.strokeRect((cursor % columns) * size - 1, Math.floor(cursor / columns) * size - 1, wide + 2, wide + 2)
  }
  performance.measure('map-draw', 'map-draw-start')
}
