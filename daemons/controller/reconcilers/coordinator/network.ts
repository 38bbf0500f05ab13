// Which network is the cluster's own, over several looks at a CNI conf folder: one failed or odd look changes nothing. Pure; reads no file.

/** What one look at the folder found: a podCIDRType, or why the folder could not be read. */
export type NetworkObservation = { readonly type: string } | { readonly error: string }

export interface KnownNetwork {
  /** The podCIDRType that counts; `undefined` until a look has given one. */
  readonly type: string | undefined
  /** Another type than that, and since when every look has found it; monotonic milliseconds. */
  readonly change: { readonly to: string; readonly sinceMs: number } | undefined
}

export const NETWORK_UNKNOWN: KnownNetwork = { type: undefined, change: undefined }

/**
 * Another type counts once each look has found it for so long: a folder that is emptied, moved or written has other files for a moment,
 * and a cluster does not change its network within seconds.
 */
export const SETTLE_MS = 10_000

/**
 * The network after a look. A folder that cannot be read leaves what is known, for however long.
 * `isSynced`: the SpiderCoordinator has CIDRs of an earlier process, so that `none` at a first look may be a folder between two states.
 */
export function networkAfter(
  known: KnownNetwork,
  look: NetworkObservation,
  { nowMs, isSynced }: { readonly nowMs: number; readonly isSynced: boolean },
): KnownNetwork {
  if ('error' in look) return { type: known.type, change: undefined }
  const { type } = look
  const isFirst = known.type === undefined && (type !== 'none' || !isSynced)
  if (isFirst || type === known.type) return { type, change: undefined }
  const change = known.change?.to === type ? known.change : { to: type, sinceMs: nowMs }
  return nowMs - change.sinceMs >= SETTLE_MS ? { type, change: undefined } : { type: known.type, change }
}
