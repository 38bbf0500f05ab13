// Patterns in pool names, as Go's path/filepath.Match reads them, so that annotations written for
// it mean the same. Pure.

/** True for a name with wildcards; all others are literal. */
export const isPattern = (name: string): boolean => /[*?]/.test(name) || (name.includes('[') && name.includes(']'))

export class PatternError extends Error {
  override readonly name = 'PatternError'
}

/**
 * `*` any run of characters but '/', `?` one of them, `[a-c]` and `[^a-c]` classes, `\` escapes.
 * Throws PatternError where the pattern ends in the middle or a class is empty, whatever the name
 * is.
 */
export function patternOf(pattern: string): RegExp {
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at)
    if (char === '*') source += '[^/]*'
    else if (char === '?') source += '[^/]'
    else if (char === '[') {
      const { text, end } = classAt(pattern, at)
      source += text
      at = end
    } else if (char === '\\') source += literal(charAt(pattern, ++at))
    else source += literal(char)
  }
  return new RegExp(`^${source}$`)
}

const literal = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')

function charAt(pattern: string, at: number): string {
  if (at >= pattern.length) throw new PatternError(`pattern "${pattern}" ends in the middle`)
  return pattern.charAt(at)
}

/** `at` is at '['; `end` is at its ']'. A bare ']' or '-' is no member: it has to be escaped. */
function classAt(pattern: string, at: number): { readonly text: string; readonly end: number } {
  const negated = pattern.charAt(at + 1) === '^'
  let end = at + (negated ? 2 : 1)
  const members: string[] = []
  const member = (): string => {
    const char = charAt(pattern, end++)
    if (char === '\\') return charAt(pattern, end++)
    if (char === ']' || char === '-') throw new PatternError(`pattern "${pattern}": a class has "${char}" without \\`)
    return char
  }
  while (charAt(pattern, end) !== ']' || members.length === 0) {
    const first = member()
    if (charAt(pattern, end) !== '-') members.push(literal(first))
    else {
      end++
      const last = member()
      // A range that runs backwards matches nothing; RegExp would refuse it.
      if (first <= last) members.push(`${literal(first)}-${literal(last)}`)
      else members.push('')
    }
  }
  const set = members.join('')
  if (set === '') return { text: negated ? '[^]' : '(?!)', end }
  return { text: `[${negated ? '^' : ''}${set}]`, end }
}
