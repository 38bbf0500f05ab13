// Keys of a conf without effect: most likely misspelt. Never a reason to fail, for a conf may be for a newer version. Pure.
import type { Keys } from './conf.js'

/** A key that the schema does not have, the path to it, and the keys that its place may have. */
export interface UnknownKey {
  readonly path: string
  readonly key: string
  readonly known: readonly string[]
}

/**
 * CNI spec 1.1.0, "Plugin configuration objects", and what Multus adds for a device. What is in `args`, `capabilities`, `runtimeConfig` and
 * `prevResult` is not ours to know; nor what is in `ipam`, which the IPAM judges itself.
 */
const GENERAL = [
  ...['cniVersion', 'cniVersions', 'name', 'type', 'args', 'capabilities', 'runtimeConfig', 'ipMasq', 'ipam', 'dns'],
  ...['prevResult', 'disableCheck', 'disableGC', 'loadOnlyInlinedPlugins', 'deviceID', 'pciBusID', 'resourceName'],
] as const
/** Of the Go executables, whose confs stay as they are when ours take their place. */
const OF_GO: readonly string[] = ['ipam_unix_socket_path', 'detectoptions']
const CLOSED: readonly string[] = ['args', 'capabilities', 'runtimeconfig', 'prevresult', 'ipam']
const GENERAL_SMALL: readonly string[] = GENERAL.map(key => key.toLowerCase())

/** `where` '': the whole conf, with the keys that every conf may have; else an object of it. Keys in any case. */
export function unknownKeys(raw: unknown, keys: Keys, where: string): readonly UnknownKey[] {
  if (Array.isArray(raw)) return raw.flatMap(item => unknownKeys(item, keys, where))
  if (typeof raw !== 'object' || raw === null) return []
  return Object.entries(raw).flatMap(([key, value]: [string, unknown]): readonly UnknownKey[] => {
    const small = key.toLowerCase()
    const below = Object.hasOwn(keys, small) ? keys[small] : undefined
    const isGeneral = where === '' && (GENERAL_SMALL.includes(small) || small.startsWith('cni.dev/'))
    if (where === '' && CLOSED.includes(small)) return []
    if (below?.[2] !== undefined) return unknownKeys(value, below[2], `${where}${key}.`)
    if (below !== undefined || isGeneral || OF_GO.includes(small)) return []
    const own = Object.values(keys).map(([name]) => name)
    return [{ path: `${where}${key}`, key, known: where === '' ? [...own, ...GENERAL] : own }]
  })
}

/** A sentence for each, with the key that was probably meant. What compares them is loaded only where there is one. */
export async function sentencesOf(unknown: readonly UnknownKey[]): Promise<readonly string[]> {
  if (unknown.length === 0) return []
  const { nearest } = await import('../edit-distance.js')
  return unknown.map(one => sentenceOf(one, nearest))
}

/** `nearest` is that of lib/edit-distance.ts. */
export function sentenceOf(
  { path, key, known }: UnknownKey,
  nearest: (word: string, known: readonly string[]) => string | undefined,
): string {
  const meant = nearest(key, known)
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`
  return `${path} of the CNI conf is unknown and has no effect; ${hint}`
}
