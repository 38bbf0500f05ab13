// Parses a page of examples: its fenced blocks in order, and the lines of a result. Runs nothing.

export interface Block {
  readonly heading: string
  readonly language: string
  readonly text: string
}

/** Every fenced block, without the indentation of the list that it stands in. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = []
  let heading = ''
  for (const [, title, indent = '', language = '', body = ''] of markdown.matchAll(
    /^#+ (.*)$|^( *)```(\w*)\n([\s\S]*?)^ *```$/gm,
  )) {
    if (title !== undefined) heading = title
    else blocks.push({ heading, language, text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), '') })
  }
  return blocks
}

export type Line =
  | { readonly kind: 'gets'; readonly pod: string; readonly nic: string; readonly says: RegExp }
  | { readonly kind: 'same'; readonly pod: string; readonly nic: string }
  | { readonly kind: 'deleted'; readonly pod: string; readonly nic: string; readonly comesAgain: boolean }
  | { readonly kind: 'sandbox'; readonly pod: string }
  | { readonly kind: 'scaled'; readonly set: string; readonly replicas: number }
  | { readonly kind: 'moved'; readonly set: string; readonly nic: string; readonly pool: string }
  | { readonly kind: 'host'; readonly address: string }
  | { readonly kind: 'used'; readonly pool: string; readonly count: number }

/** The pod of an example that names none. */
export const POD = 'web'
const FIRST = 'eth0'

type Reader = (found: readonly string[]) => Line

const READERS: readonly (readonly [RegExp, Reader])[] = [
  [
    /^(\S+) is deleted(?:, and (comes again|(\S+) taken down))?$/,
    ([, pod = '', how = '', nic = FIRST]) => ({ kind: 'deleted', pod, nic, comesAgain: how === 'comes again' }),
  ],
  [/^(\S+) has a new sandbox$/, ([, pod = '']) => ({ kind: 'sandbox', pod })],
  [/^(\S+) is scaled to (\d+)$/, ([, set = '', count]) => ({ kind: 'scaled', set, replicas: Number(count) })],
  [
    /^(\S+) is applied with (\S+) for (\S+)$/,
    ([, set = '', pool = '', nic = '']) => ({ kind: 'moved', set, nic, pool }),
  ],
  [/^another host has (\S+)$/, ([, address = '']) => ({ kind: 'host', address })],
  [/^(\S+): (\d+) in use$/, ([, pool = '', count]) => ({ kind: 'used', pool, count: Number(count) })],
  [/^(?:(\S+) )?(\w+): the same address$/, ([, pod = POD, nic = '']) => ({ kind: 'same', pod, nic })],
  [
    /^(?:(\S+) )?(\w+): (.+)$/,
    ([, pod = POD, nic = '', says = '']) => ({ kind: 'gets', pod, nic, says: patternOf(says) }),
  ],
]

/** @throws for a line that no check understands: a page holds nothing unchecked. */
export const linesOf = (text: string): readonly Line[] =>
  text
    .trim()
    .split('\n')
    .map(line => {
      for (const [pattern, reader] of READERS) {
        const found = pattern.exec(line)
        if (found) return reader(found)
      }
      throw new Error(`no check understands this result of the page: ${line}`)
    })

/** `x` at the end of an address and `…` stand for anything. */
const patternOf = (says: string): RegExp =>
  new RegExp(
    `^${says
      .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/(?<=\\\.)x\b/g, '\\d+')
      .replaceAll(/(?<=::)x\b/g, '[0-9a-f]+')
      .replaceAll('…', '.+')}$`,
  )
