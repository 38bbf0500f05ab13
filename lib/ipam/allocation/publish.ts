// Pools that Go agents allocate from as well: an allocation of ours becomes final when the pool's text names it. On a port.
import type { SpiderIPPool } from '../../crd/types.js'
import type { Family, Ip } from '../../ip/address.js'
import type { Ranges } from '../../ip/range.js'
import {
  allocatedText,
  entriesIn,
  isRecordOf,
  markOfText,
  recordAt,
  recordedIn,
  recordsIn,
  sharedOf,
  withRecordOf,
  type SharedPool,
} from './go-records.js'
import type { Holder } from './claim.js'
import type { Allocated, Store } from '../store/store.js'
import { Refused } from '../errors.js'

interface Publishing {
  readonly ip: Ip
  readonly family: Family
  /** Of the pool: what may be given out. */
  readonly ranges: Ranges
  readonly holder: Holder
}

/** Each conflict is another write of the same pool that went through: so many at once are a node full of ADDs. */
const PUBLISH_TRIES_MAX = 100

/**
 * Writes the pod's record into `status.allocatedIPs` where the pool has not changed since it was read, which is what a Go agent does too:
 * of two that want one address at once the second finds the first's record. Returns the addresses that the text names where this one is another
 * pod's by now, `undefined` where it is the asking pod's.
 * @throws Refused `contended` where the pool is written by others again and again
 */
export async function publish(shared: SharedPool, publishing: Publishing, store: Store): Promise<Ranges | undefined> {
  const { ip, family, ranges, holder } = publishing
  const { claimant } = holder
  const { name } = shared.pool.metadata
  let now: SharedPool | undefined = shared
  for (let tries = 0; tries < PUBLISH_TRIES_MAX && now; tries++) {
    const there = recordAt(now, ip)
    if (!now.isReadable || now.unreadable.includes(ip) || (there && !isRecordOf(there, holder)))
      return recordedIn(now, ranges, family)
    const uid = claimant.apiUid ?? claimant.uid // a Go controller compares it with the pod's object
    if (there?.uid === uid) return undefined
    const record = { ip, namespace: claimant.namespace, pod: claimant.record, uid }
    const entries = withRecordOf(now, record)
    const written = await store.writeAllocated(now.pool, allocated(now.pool, entries))
    if (written !== 'conflict') return undefined
    const pool = await store.pool(name)
    if (!pool) throw new Refused('noPool', `no IPPool available: SpiderIPPool ${name} was deleted meanwhile`)
    now = sharedOf(pool) // `undefined`: our controller has seen meanwhile that no Go agent is left
  }
  if (!now) return undefined
  throw new Refused(
    'contended',
    `exhaust all retries (${PUBLISH_TRIES_MAX} times) in pool ${name}: status.allocatedIPs is written by others at the same moment`,
  )
}

function allocated(before: SpiderIPPool, entries: readonly (readonly [string, unknown])[]): Allocated {
  const text = allocatedText(entries)
  return { text, count: entries.length, mark: markOfText(before, text) }
}

/** Conflicts of one removal before it is left to the controller. */
const UNPUBLISH_TRIES_MAX = 5

/**
 * Takes the record of a pod that is gone out of the text: a Go record that no controller has adopted has no SpiderIPAddress whose
 * deletion would say so. What cannot be written is left to the controller.
 */
export async function unpublish(
  ip: Ip,
  { pool: name, uid }: { readonly pool: string; readonly uid: string },
  store: Store,
): Promise<void> {
  for (let tries = 0; tries < UNPUBLISH_TRIES_MAX; tries++) {
    const pool = await store.pool(name)
    const text = pool && sharedOf(pool) && pool.status?.allocatedIPs
    if (!pool || text === undefined) return
    const record = recordsIn(text).records.find(one => one.ip === ip)
    if (record?.uid !== uid) return
    const left = (entriesIn(text) ?? []).filter(([key]) => key !== String(ip))
    if ((await store.writeAllocated(pool, allocated(pool, left))) !== 'conflict') return
  }
}
