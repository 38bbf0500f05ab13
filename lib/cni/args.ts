// CNI_ARGS: `K=V;K=V` (CNI spec, "CNI_ARGS"; IgnoreUnknown is the Go library's). Pure.
import { CniError } from './error.js'

/**
 * The pairs of CNI_ARGS; keys are case-sensitive, the last duplicate wins.
 * @throws CniError 4 for a malformed pair, or a key that is not in `known` unless IgnoreUnknown is
 *   set
 */
export function parseArgs(text: string, known: readonly string[]): ReadonlyMap<string, string> {
  const args = new Map<string, string>()
  if (text === '') return args
  for (const pair of text.split(';')) {
    const [key = '', value, ...more] = pair.split('=')
    if (value === undefined || more.length > 0)
      throw new CniError('invalidEnv', `ARGS: invalid pair "${pair}"`, `CNI_ARGS=${text}`)
    args.set(key, value)
  }
  const isLenient = ignoresUnknown(args.get('IgnoreUnknown')) // parsed even if nothing is unknown, as Go does
  const unknown = [...args].filter(([key]) => key !== 'IgnoreUnknown' && !known.includes(key))
  if (unknown.length > 0 && !isLenient) {
    const list = unknown.map(([key, value]) => `"${key}=${value}"`).join(' ')
    throw new CniError('invalidEnv', `ARGS: unknown args [${list}]`, `CNI_ARGS=${text}; IgnoreUnknown=1 lets them pass`)
  }
  return args
}

function ignoresUnknown(value: string | undefined): boolean {
  const text = (value ?? 'false').toLowerCase()
  if (text === '1' || text === 'true') return true
  if (text === '0' || text === 'false') return false
  throw new CniError('invalidEnv', `ARGS: IgnoreUnknown is "${value}"; it must be 1, true, 0 or false`)
}
