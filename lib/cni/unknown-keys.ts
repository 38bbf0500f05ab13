// Unknown keys of a conf, most likely misspelt. A warning and no error, since a conf may be for a
// newer version. Pure.
import type { Keys } from './conf.js'

/** A key that is not in the schema, its path, and the keys that are valid there. */
export interface UnknownKey {
  readonly path: string
  readonly key: string
  readonly known: readonly string[]
}

/**
 * CNI spec 1.1.0, "Plugin configuration objects", and the device keys of Multus. The contents of
 * `args`, `capabilities`, `runtimeConfig` and `prevResult` are not checked; `ipam` is checked by
 * the IPAM.
 */
const GENERAL = [
  ...['cniVersion', 'cniVersions', 'name', 'type', 'args', 'capabilities', 'runtimeConfig', 'ipMasq', 'ipam', 'dns'],
  ...['prevResult', 'disableCheck', 'disableGC', 'loadOnlyInlinedPlugins', 'deviceID', 'pciBusID', 'resourceName'],
] as const
/** Keys of Go Spiderpool's executables, whose confs remain valid. */
const OF_GO: readonly string[] = ['ipam_unix_socket_path', 'detectoptions']
const CLOSED: readonly string[] = ['args', 'capabilities', 'runtimeconfig', 'prevresult', 'ipam']
const GENERAL_LOWER: readonly string[] = GENERAL.map(key => key.toLowerCase())

/** The unknown keys of a conf (`where` '') or of an object in it; case is ignored. */
export function unknownKeys(raw: unknown, keys: Keys, where: string): readonly UnknownKey[] {
  if (Array.isArray(raw)) return raw.flatMap(item => unknownKeys(item, keys, where))
  if (typeof raw !== 'object' || raw === null) return []
  return Object.entries(raw).flatMap(([key, value]: [string, unknown]): readonly UnknownKey[] => {
    const lowerKey = key.toLowerCase()
    const below = Object.hasOwn(keys, lowerKey) ? keys[lowerKey] : undefined
    const isGeneral = where === '' && (GENERAL_LOWER.includes(lowerKey) || lowerKey.startsWith('cni.dev/'))
    if (where === '' && CLOSED.includes(lowerKey)) return []
    if (below?.[2] !== undefined) return unknownKeys(value, below[2], `${where}${key}.`)
    if (below !== undefined || isGeneral || OF_GO.includes(lowerKey)) return []
    const own = Object.values(keys).map(([name]) => name)
    return [{ path: `${where}${key}`, key, known: where === '' ? [...own, ...GENERAL] : own }]
  })
}

/** A warning per key, with the key that was probably meant. */
export async function sentencesOf(unknown: readonly UnknownKey[]): Promise<readonly string[]> {
  if (unknown.length === 0) return []
  const { nearest } = await import('../edit-distance.js')
  return unknown.map(one => sentenceOf(one, nearest))
}

/** The warning for one key; `nearest` is that of lib/edit-distance.ts. */
export function sentenceOf(
  { path, key, known }: UnknownKey,
  nearest: (word: string, known: readonly string[]) => string | undefined,
): string {
  const meant = nearest(key, known)
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`
  return `${path} of the CNI conf is unknown and has no effect; ${hint}`
}
