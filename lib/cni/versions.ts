// CNI spec versions: their order, and which verbs a version allows. Pure.
import { CniError } from './error.js'

export const ALL_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const

type Parts = readonly [number, number, number]

const VERSION = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?$/

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

export function atLeast(version: string, least: string): boolean {
  const [a, b] = [partsOf(version), partsOf(least)]
  for (const at of [0, 1, 2] as const) if (a[at] !== b[at]) return a[at] > b[at]
  return true
}

/** Verbs that came later: the version of conf and plugin from which they exist. */
const SINCE: ReadonlyMap<string, string> = new Map([
  ['CHECK', '0.4.0'],
  ['GC', '1.1.0'],
  ['STATUS', '1.1.0'],
])

/** CNI spec, "Version considerations": throws code 1 where the conf's version is not the plugin's, or does not have the verb. */
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
