// `status.allocatedIPs`, the allocation format of the Go agents: parse, look up, write. Pure.
import { ANNOTATION_ALLOCATED_IPS } from '../../crd/names.js'
import type { SpiderIPPool } from '../../crd/types.js'
import { familyOf, parseIp, toBigint, type Family, type Ip } from '../../ip/address.js'
import { intersect, normal, type Ranges } from '../../ip/range.js'
import type { Holder } from './claimant.js'

/** One entry: `"172.18.41.40": {"pod": "default/app-x", "podUid": "…"}`. */
export interface GoRecord {
  readonly ip: Ip
  readonly namespace: string
  readonly pod: string
  readonly uid: string
}

export type Parsed = { readonly records: readonly GoRecord[]; readonly unreadable: readonly string[] }

/** Stands for a key where the text is not a JSON object. */
export const WHOLE_TEXT = 'the whole text'

/**
 * The records of the text. `unreadable` has the keys of malformed entries, which stay in the status
 * because their holder is unknown.
 */
export function recordsIn(allocatedIPs: string): Parsed {
  const entries = entriesIn(allocatedIPs)
  if (!entries) return { records: [], unreadable: [WHOLE_TEXT] }
  const records: GoRecord[] = []
  const unreadable: string[] = []
  for (const [key, value] of entries) {
    const record = recordOf(key, value)
    if (record) records.push(record)
    else unreadable.push(key)
  }
  return { records, unreadable }
}

/** The raw entries of the text; `undefined` where it is not a JSON object. */
export function entriesIn(text: string): readonly (readonly [string, unknown])[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined
  } catch {
    return undefined // not JSON
  }
}

function recordOf(key: string, value: unknown): GoRecord | undefined {
  const ip = parseIp(key)
  if (ip === undefined || typeof value !== 'object' || value === null) return undefined
  const { pod, podUid } = value as { readonly pod?: unknown; readonly podUid?: unknown }
  if (typeof pod !== 'string' || typeof podUid !== 'string' || podUid === '') return undefined
  const [namespace = '', name = '', ...more] = pod.split('/')
  return namespace === '' || name === '' || more.length > 0 ? undefined : { ip, namespace, pod: name, uid: podUid }
}

/** As the Go agents write it: compact JSON, keys in byte order; undefined when empty. */
export function allocatedText(entries: readonly (readonly [string, unknown])[]): string | undefined {
  if (entries.length === 0) return undefined
  const inOrder = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${inOrder.map(([ip, record]) => `${JSON.stringify(ip)}:${JSON.stringify(record)}`).join(',')}}`
}

/**
 * True where Go agents may allocate from the pool: then status.allocatedIPs counts beside the
 * SpiderIPAddresses, and our allocations are written into it. The controller annotates the pool
 * while it sees a Go agent, and marks it in its status while it sees none. A Go program that writes
 * the status removes the mark, because it does not know the field: a pool without a mark is shared
 * (decisions/0021).
 */
export const isShared = (pool: SpiderIPPool): boolean =>
  pool.metadata.annotations?.[ANNOTATION_ALLOCATED_IPS] === 'shared' ||
  pool.status?.allocatedIPsProjected === undefined ||
  isOwnText(pool)

/**
 * True where only our ADDs have written the text: each of its records had its SpiderIPAddress
 * first, and no Go program has written since.
 */
export const isOwnText = ({ status }: SpiderIPPool): boolean =>
  status?.allocatedIPs !== undefined && status.allocatedIPsProjected === false

/**
 * The mark of the status that an ADD or DEL writes: false records that only ours wrote the text,
 * `undefined` leaves the pool without a mark.
 */
export const markOfText = (before: SpiderIPPool, text: string | undefined): false | undefined =>
  text !== undefined && (before.status?.allocatedIPs === undefined || isOwnText(before)) ? false : undefined

/** A pool that is shared with Go agents, as read, and its records. */
export interface SharedPool {
  readonly pool: SpiderIPPool
  /** Those that make an address taken: none of a text that only ADDs of ours wrote. */
  readonly records: readonly GoRecord[]
  /** Addresses of entries that name no holder. */
  readonly unreadable: readonly Ip[]
  /** False: the text is not a JSON object, and every address may be taken. */
  readonly isReadable: boolean
}

/** `undefined` for a pool that only our allocations come from. */
export function sharedOf(pool: SpiderIPPool): SharedPool | undefined {
  if (!isShared(pool)) return undefined
  const { records: all, unreadable } = recordsIn(pool.status?.allocatedIPs ?? '{}')
  const records = isOwnText(pool) ? [] : all // SpiderIPAddresses are authoritative; a record may be stale
  const ips = unreadable.flatMap(key => parseIp(key) ?? [])
  return { pool, records, unreadable: ips, isReadable: !unreadable.includes(WHOLE_TEXT) }
}

/**
 * True where the record belongs to the claimant: by its UID or that of the pod it inherits from;
 * with retention also by name, which is unique at any time.
 */
export const isRecordOf = ({ uid, namespace, pod }: GoRecord, { claimant, was }: Holder): boolean =>
  uid === claimant.uid ||
  (claimant.apiUid !== undefined && uid === claimant.apiUid) ||
  (was?.uid !== undefined && uid === was.uid) ||
  (claimant.isRetained === true && namespace === claimant.namespace && pod === claimant.record)

/** The record of an address. */
export const recordAt = ({ records }: SharedPool, ip: Ip): GoRecord | undefined => records.find(one => one.ip === ip)

/** Addresses of `ranges` that the text records for any pod. */
export function recordedIn({ records, unreadable, isReadable }: SharedPool, ranges: Ranges, family: Family): Ranges {
  if (!isReadable) return ranges
  const ips = [...records.map(({ ip }) => ip), ...unreadable]
  return intersect(normal(ips.filter(ip => familyOf(ip) === family).map(single)), ranges)
}

const single = (ip: Ip): { readonly first: bigint; readonly last: bigint } => {
  const value = toBigint(ip)
  return { first: value, last: value }
}

/** The entries with this record added, or replacing the one of the same address. */
export function withRecordOf(
  { pool }: SharedPool,
  { ip, namespace, pod, uid }: GoRecord,
): readonly (readonly [string, unknown])[] {
  const entries = entriesIn(pool.status?.allocatedIPs ?? '{}') ?? []
  const others = entries.filter(([key]) => parseIp(key) !== ip)
  return [...others, [String(ip), { pod: `${namespace}/${pod}`, podUid: uid }]]
}
