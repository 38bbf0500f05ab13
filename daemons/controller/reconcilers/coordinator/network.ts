// The cluster's default network over several reads of a CNI conf directory, so that one failed or
// odd read changes nothing. Reads no file.

/** The result of one read: a podCIDRType, or why the directory could not be read. */
export type NetworkObservation = { readonly type: string } | { readonly error: string }

export interface KnownNetwork {
  /** The podCIDRType in effect; undefined before the first successful read. */
  readonly type: string | undefined
  /** A different type, and since when every read has found it; monotonic milliseconds. */
  readonly change: { readonly to: string; readonly sinceMs: number } | undefined
}

export const NETWORK_UNKNOWN: KnownNetwork = { type: undefined, change: undefined }

/**
 * A different type takes effect once every read has found it for this long: a directory that is
 * being replaced has other files for a moment, and a cluster does not change its network within
 * seconds.
 */
export const SETTLE_MS = 10_000

/**
 * The network after one more read. A read that failed leaves it unchanged. `isSynced`: the
 * SpiderCoordinator has CIDRs of an earlier process, so a first read that finds `none` is not
 * believed.
 */
export function networkAfter(
  current: KnownNetwork,
  observation: NetworkObservation,
  { nowMs, isSynced }: { readonly nowMs: number; readonly isSynced: boolean },
): KnownNetwork {
  if ('error' in observation) return { type: current.type, change: undefined }
  const { type } = observation
  const isFirst = current.type === undefined && (type !== 'none' || !isSynced)
  if (isFirst || type === current.type) return { type, change: undefined }
  const change = current.change?.to === type ? current.change : { to: type, sinceMs: nowMs }
  return nowMs - change.sinceMs >= SETTLE_MS ? { type, change: undefined } : { type: current.type, change }
}
