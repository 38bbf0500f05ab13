// CNI spec versions: their order, and the verbs that each version has. Pure.
import { CniError } from './error.js'

export const ALL_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const

type Parts = readonly [number, number, number]

const VERSION = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?$/

/** True for one to three numbers separated by dots. */
export const isVersion = (text: string): boolean => VERSION.test(text)

function partsOf(version: string): Parts {
  const match = VERSION.exec(version)
  if (!match)
    throw new CniError(
      'decodeFailure',
      `cniVersion is "${version}"; it must be 1 to 3 numbers with dots between, as 1.0.0`,
    )
  return [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)]
}

/** True if `version` is `least` or newer. @throws CniError 6 for an invalid version */
export function atLeast(version: string, least: string): boolean {
  const [a, b] = [partsOf(version), partsOf(least)]
  for (const at of [0, 1, 2] as const) if (a[at] !== b[at]) return a[at] > b[at]
  return true
}

/** Verbs that were added later: the version from which conf and plugin have them. */
const SINCE: ReadonlyMap<string, string> = new Map([
  ['CHECK', '0.4.0'],
  ['GC', '1.1.0'],
  ['STATUS', '1.1.0'],
])

/**
 * CNI spec, "Version considerations".
 * @throws CniError 1 if the plugin does not support the version, or the version has no such verb
 */
export function allows(verb: string, version: string, supported: readonly string[]): void {
  partsOf(version)
  const since = SINCE.get(verb)
  if (since !== undefined) {
    if (!atLeast(version, since)) throw new CniError('incompatibleVersion', `config version does not allow ${verb}`)
    if (!supported.some(own => atLeast(own, version)))
      throw new CniError('incompatibleVersion', `plugin version does not allow ${verb}`)
  }
  if (supported.includes(version)) return
  const list = supported.map(own => `"${own}"`).join(' ')
  throw new CniError(
    'incompatibleVersion',
    'incompatible CNI versions',
    `config is "${version}", plugin supports [${list}]`,
  )
}
