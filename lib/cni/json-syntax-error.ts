// Position and reason of a JSON syntax error (RFC 8259); the engine's message has no position.
// Pure. Iterative, since nesting may be as deep as the text is long.

const SHOWN_BEFORE = 20
const BLANK = /[ \t\r\n]*/y
const PLAIN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*/y
const OPEN: Readonly<Record<string, string>> = { '{': '}', '[': ']' }

interface Fault {
  /** Offset into the text. */
  readonly at: number
  readonly says: string
}

/**
 * `line 3, column 17: a comma before }, behind …"mode": "bridge"`; undefined for valid JSON.
 */
export function faultIn(text: string): string | undefined {
  const fault = faultOf(text)
  if (fault === undefined) return undefined
  const before = text.slice(0, fault.at)
  const line = before.split('\n').length
  const column = fault.at - before.lastIndexOf('\n')
  const start = Math.max(0, fault.at - SHOWN_BEFORE)
  const shown = before.slice(start).replace(/\s+/g, ' ').trim()
  const where = shown === '' ? '' : `, behind ${start > 0 ? '…' : ''}${shown}`
  return `line ${line}, column ${column}: ${fault.says}${where}`
}

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'next'

function faultOf(text: string): Fault | undefined {
  if (text.startsWith('\ufeff'))
    return { at: 0, says: 'a byte-order mark (U+FEFF), which JSON has none of: save the file as UTF-8 without BOM' }
  const closing: string[] = []
  let wanted: Wanted = 'value'
  let comma = 0
  for (let at = after(BLANK, text, 0); ; at = after(BLANK, text, at)) {
    const char = text[at]
    const end = closing.at(-1)
    if (wanted === 'next' && end === undefined) return char === undefined ? undefined : strange(char, at, 'the end')
    if (char === undefined) return { at, says: `it ends here, and ${end ?? 'a value'} is missing` }
    if (wanted === 'next' || ((wanted === 'value or ]' || wanted === 'key or }') && char === end)) {
      if (char === end) closing.pop()
      else if (char !== ',') return strange(char, at, `a comma or ${end}`)
      wanted = char === end ? 'next' : end === '}' ? 'key' : 'value'
      comma = at++
    } else if (wanted === 'colon') {
      if (char !== ':') return strange(char, at, 'a colon')
      wanted = 'value'
      at++
    } else if (char === end && text[comma] === ',' && after(BLANK, text, comma + 1) === at) {
      return { at: comma, says: `a comma before ${char}: take it out` }
    } else if ((wanted === 'value' || wanted === 'value or ]') && OPEN[char] !== undefined) {
      closing.push(OPEN[char])
      wanted = char === '{' ? 'key or }' : 'value or ]'
      at++
    } else {
      const isKey: boolean = wanted === 'key' || wanted === 'key or }'
      const ends = char === '"' ? after(STRING, text, at) : isKey ? at : after(PLAIN, text, at)
      if (ends === at) return strange(char, at, isKey ? 'a key in double quotes' : 'a value')
      if (char === '"' && text[ends] !== '"') return { at: ends, says: inString(text[ends]) }
      at = char === '"' ? ends + 1 : ends
      wanted = isKey ? 'colon' : 'next'
    }
  }
}

/** The end of a match of the sticky expression at `at`; `at` if it does not match. */
function after(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at
  return expression.test(text) ? expression.lastIndex : at
}

function strange(char: string, at: number, wanted: string): Fault {
  if (char === '/' || char === '#') return { at, says: 'a comment, which JSON has none of: take it out' }
  return { at, says: `${JSON.stringify(char)} in place of ${wanted}` }
}

function inString(char: string | undefined): string {
  if (char === undefined) return 'it ends in a string, whose closing " is missing'
  return char === '\\'
    ? 'a backslash that begins no escape of JSON'
    : 'a raw line break or control character in a string'
}
