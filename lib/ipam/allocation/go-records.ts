// The Go format of what a pool has given out, `status.allocatedIPs`: read, asked whose an address is, written. Pure.
import { ANNOTATION_ALLOCATED_IPS } from '../../crd/names.js'
import type { SpiderIPPool } from '../../crd/types.js'
import { familyOf, parseIp, toBigint, type Family, type Ip } from '../../ip/address.js'
import { intersect, normal, type Ranges } from '../../ip/range.js'
import type { Holder } from './claim.js'

/** One entry: `"172.18.41.40": {"pod": "default/app-x", "podUid": "…"}`. */
export interface GoRecord {
  readonly ip: Ip
  readonly namespace: string
  readonly pod: string
  readonly uid: string
}

export type Parsed = { readonly records: readonly GoRecord[]; readonly unreadable: readonly string[] }

/** The word for a text that is no JSON object, in place of a key. */
export const WHOLE_TEXT = 'the whole text'

/** An entry that is no record is named by its key, and stays in the pool's status: its holder is unknown. Throws nothing. */
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

/** The entries of the text as they stand there; `undefined` where it is no JSON object. */
export function entriesIn(text: string): readonly (readonly [string, unknown])[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
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

/** As the Go programs write it (spec of status.allocatedIPs): compact, keys in byte order; absent when empty. */
export function allocatedText(entries: readonly (readonly [string, unknown])[]): string | undefined {
  if (entries.length === 0) return undefined
  const inOrder = [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${inOrder.map(([ip, record]) => `${JSON.stringify(ip)}:${JSON.stringify(record)}`).join(',')}}`
}

/**
 * True where Go agents may allocate from the pool: then its text counts beside the SpiderIPAddresses, and an allocation of ours is
 * written into it. The controller annotates the pool as long as it sees a Go agent, and marks it in its status while it sees none. A Go
 * program that writes the status drops the mark, which it does not know: a pool without a mark is shared (decisions/0021).
 */
export const isShared = (pool: SpiderIPPool): boolean =>
  pool.metadata.annotations?.[ANNOTATION_ALLOCATED_IPS] === 'shared' ||
  pool.status?.allocatedIPsProjected === undefined ||
  isOwnText(pool)

/** True where only ADDs of ours have written the text: each of its records had its SpiderIPAddress first, and no Go program has written since. */
export const isOwnText = ({ status }: SpiderIPPool): boolean =>
  status?.allocatedIPs !== undefined && status.allocatedIPsProjected === false

/** Of the status that an ADD or DEL writes: false keeps known that only ours wrote the text, `undefined` leaves the pool without a mark. */
export const markOfText = (before: SpiderIPPool, text: string | undefined): false | undefined =>
  text !== undefined && (before.status?.allocatedIPs === undefined || isOwnText(before)) ? false : undefined

/** A pool that is shared with Go agents, as it was read, and what its text says. */
export interface SharedPool {
  readonly pool: SpiderIPPool
  /** Of Go agents, or among theirs. */
  readonly records: readonly GoRecord[]
  /** Keys that are addresses, of entries that name no holder. */
  readonly unreadable: readonly Ip[]
  /** False: the text is no JSON object, and every address may be taken. */
  readonly isReadable: boolean
}

/** `undefined` for a pool that only our allocations come from. */
export function sharedOf(pool: SpiderIPPool): SharedPool | undefined {
  if (!isShared(pool)) return undefined
  const { records: all, unreadable } = recordsIn(pool.status?.allocatedIPs ?? '{}')
  const records = isOwnText(pool) ? [] : all // the SpiderIPAddress says whose it is; a record may have outlived it
  const ips = unreadable.flatMap(key => parseIp(key) ?? [])
  return { pool, records, unreadable: ips, isReadable: !unreadable.includes(WHOLE_TEXT) }
}

/**
 * True where the record is of the asking pod: by UID, its own or that of the pod it inherits from; of a StatefulSet's pod or a virtual
 * machine by its name, which no two have at once.
 */
export const isRecordOf = ({ uid, namespace, pod }: GoRecord, { claimant, was }: Holder): boolean =>
  uid === claimant.uid ||
  (claimant.apiUid !== undefined && uid === claimant.apiUid) ||
  (was?.uid !== undefined && uid === was.uid) ||
  (claimant.isKept === true && namespace === claimant.namespace && pod === claimant.record)

export const recordAt = ({ records }: SharedPool, ip: Ip): GoRecord | undefined => records.find(one => one.ip === ip)

/** Addresses of `ranges` that the text gives to any pod. */
export function recordedIn({ records, unreadable, isReadable }: SharedPool, ranges: Ranges, family: Family): Ranges {
  if (!isReadable) return ranges
  const ips = [...records.map(({ ip }) => ip), ...unreadable]
  return intersect(normal(ips.filter(ip => familyOf(ip) === family).map(single)), ranges)
}

const single = (ip: Ip): { readonly first: bigint; readonly last: bigint } => {
  const value = toBigint(ip)
  return { first: value, last: value }
}

/** The text with this record in it, in place of one of the same address. */
export function withRecordOf(
  { pool }: SharedPool,
  { ip, namespace, pod, uid }: GoRecord,
): readonly (readonly [string, unknown])[] {
  const entries = entriesIn(pool.status?.allocatedIPs ?? '{}') ?? []
  const others = entries.filter(([key]) => parseIp(key) !== ip)
  return [...others, [String(ip), { pod: `${namespace}/${pod}`, podUid: uid }]]
}
