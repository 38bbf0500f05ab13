// Pools shared with Go agents: an allocation is final once status.allocatedIPs records it.
import { ANNOTATION_ALLOCATED_IPS } from '../../crd/names.js'
import type { SpiderIPAddress, SpiderIPPool } from '../../crd/types.js'
import { ipOfObjectName, type Family, type Ip } from '../../ip/address.js'
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
import type { Holder } from './claimant.js'
import type { Pool } from './pool.js'
import type { Allocated, Store } from '../store/store.js'
import { Refused } from '../errors.js'

interface Publishing {
  readonly ip: Ip
  readonly family: Family
  /** Allocatable ranges of the pool. */
  readonly ranges: Ranges
  readonly holder: Holder
}

/**
 * Each conflict is another successful write of the pool; a node full of ADDs causes about as many.
 */
const PUBLISH_TRIES_MAX = 100

/**
 * Writes the pod's record into `status.allocatedIPs` if the pool is unchanged since it was read, as
 * a Go agent does: of two concurrent writers the second finds the first one's record. Returns the
 * recorded addresses of the pool where another pod has this one, `undefined` on success.
 * @throws Refused `contended` after `PUBLISH_TRIES_MAX` conflicts
 */
export async function publish(shared: SharedPool, publishing: Publishing, store: Store): Promise<Ranges | undefined> {
  const { ip, family, ranges, holder } = publishing
  const { claimant } = holder
  const { name } = shared.pool.metadata
  let now: SharedPool | undefined = shared
  for (let tries = 0; tries < PUBLISH_TRIES_MAX && now; tries++) {
    const recorded = recordAt(now, ip)
    if (!now.isReadable || now.unreadable.includes(ip) || (recorded && !isRecordOf(recorded, holder)))
      return recordedIn(now, ranges, family)
    const uid = claimant.apiUid ?? claimant.uid // a Go controller compares it with metadata.uid of the pod
    if (recorded?.uid === uid) return undefined
    const record = { ip, namespace: claimant.namespace, pod: claimant.record, uid }
    const entries = withRecordOf(now, record)
    const written = await store.writeAllocated(now.pool, allocated(now.pool, entries))
    if (written !== 'conflict') return undefined
    const pool = await store.pool(name, 'fresh')
    if (!pool) throw new Refused('noPool', `no IPPool available: SpiderIPPool ${name} was deleted meanwhile`)
    now = sharedOf(pool) // `undefined`: the controller has found that no Go agent is left
  }
  if (!now) return undefined
  throw new Refused(
    'contended',
    `exhaust all retries (${PUBLISH_TRIES_MAX} times) in pool ${name}: status.allocatedIPs is written by others at the same moment`,
  )
}

/**
 * Publishes the allocation in a pool that Go agents share. `undefined`: the address is this pod's
 * in both systems. Otherwise another pod was first: the object is deleted, and all recorded
 * addresses of the pool are returned.
 */
export async function publishAllocation(
  { object }: { readonly object: SpiderIPAddress },
  pool: Pool,
  holder: Holder,
  { store }: { readonly store: Store },
): Promise<Ranges | undefined> {
  const ip = ipOfObjectName(object.metadata.name)
  if (!pool.shared || ip === undefined) return undefined
  const { family, ranges } = pool
  const taken = await publish(pool.shared, { ip, family, ranges, holder }, store)
  if (taken) await store.deleteAddress(object)
  return taken
}

function allocated(before: SpiderIPPool, entries: readonly (readonly [string, unknown])[]): Allocated {
  const text = allocatedText(entries)
  return { text, count: entries.length, mark: markOfText(before, text) }
}

/** Conflicts of one removal before it is left to the controller. */
const UNPUBLISH_TRIES_MAX = 5

/**
 * Deletes the object of an address, then its record in the pool's text, where the ADD wrote one and
 * no controller of ours will remove it. False where the object was updated meanwhile.
 * @throws KubeError
 */
export async function deleteAllocation(object: SpiderIPAddress, store: Store): Promise<boolean> {
  const isDeleted = await store.deleteAddress(object)
  const { metadata, spec } = object
  const ip = ipOfObjectName(metadata.name)
  if (isDeleted && ip !== undefined && metadata.annotations?.[ANNOTATION_ALLOCATED_IPS] === 'shared')
    await unpublish(ip, { pool: spec.pool, uid: spec.pod.uid, isLeft: isLed }, store)
  return isDeleted
}

/** Our controller writes the text of such a pool within a second of a change of its addresses. */
const isLed = ({ metadata }: SpiderIPPool): boolean => metadata.annotations?.[ANNOTATION_ALLOCATED_IPS] === 'shared'

interface Unpublishing {
  readonly pool: string
  readonly uid: string
  /** True for a pool whose text is left as it is. */
  readonly isLeft?: (pool: SpiderIPPool) => boolean
}

/**
 * Removes the record of a deleted pod from `status.allocatedIPs`: a Go record that no controller
 * has adopted has no SpiderIPAddress to delete. After `UNPUBLISH_TRIES_MAX` conflicts the
 * controller does.
 */
export async function unpublish(
  ip: Ip,
  { pool: name, uid, isLeft = () => false }: Unpublishing,
  store: Store,
): Promise<void> {
  for (let tries = 0; tries < UNPUBLISH_TRIES_MAX; tries++) {
    const pool = await store.pool(name, 'fresh')
    const text = pool && sharedOf(pool) && pool.status?.allocatedIPs
    if (!pool || text === undefined || isLeft(pool)) return
    const record = recordsIn(text).records.find(one => one.ip === ip)
    if (record?.uid !== uid) return
    const left = (entriesIn(text) ?? []).filter(([key]) => key !== String(ip))
    if ((await store.writeAllocated(pool, allocated(pool, left))) !== 'conflict') return
  }
}
