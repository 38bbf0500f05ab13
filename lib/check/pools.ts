// Differences of SpiderIPPools: counts, finalizers, the text of Go agents. Pure.
import { FINALIZER, IPAM_LABEL_POOL_UID } from '../crd/names.js'
import type { SpiderIPAddress, SpiderIPPool } from '../crd/types.js'
import { familyOfSpec, usableOf } from '../crd/addressing.js'
import { sizeOf } from '../ip/range.js'
import { recordsIn, sharedOf } from '../ipam/allocation/go-records.js'
import { isOfPod } from '../ipam/store/pod.js'
import { mayUse, versionOf, type CheckDifference, type Lookup, type CheckRepair } from './state.js'

/** Address objects by the UID of their pool, as the controller counts them. */
export function countsOf(addresses: readonly SpiderIPAddress[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const { metadata } of addresses) {
    const uid = metadata.labels?.[IPAM_LABEL_POOL_UID] ?? ''
    found.set(uid, (found.get(uid) ?? 0) + 1)
  }
  return found
}

/** Every difference of a pool. */
export function poolDifferences(
  pool: SpiderIPPool,
  counts: ReadonlyMap<string, number>,
  at: Lookup,
): readonly CheckDifference[] {
  const { metadata, status = {} } = pool
  const of = (kind: CheckDifference['kind'], what: string, more: Partial<CheckDifference> = {}): CheckDifference => ({
    ...{ kind, what, object: `spiderippool/${metadata.name}` },
    reads: { pool: metadata.name },
    seen: versionOf(pool),
    ...more,
  })
  const found: CheckDifference[] = []
  const withStatus = (more: object): CheckRepair => ({
    verb: 'replacePoolStatus',
    object: { ...pool, status: { ...status, ...more } },
  })
  const held = counts.get(metadata.uid ?? '') ?? 0
  const allocatedIPCount = held
  // While Go agents share the pool, they count too.
  if (!sharedOf(pool) && (status.allocatedIPCount ?? 0) !== held)
    found.push(
      of(
        'pool-count',
        `status.allocatedIPCount is ${status.allocatedIPCount ?? 'missing'}; there are ${held} address objects`,
        {
          ...{ seen: `${versionOf(pool)} ${held}`, repair: withStatus({ allocatedIPCount }) },
        },
      ),
    )
  const total = sizeOf(usableOf(pool.spec, familyOfSpec(pool.spec)))
  if (total <= BigInt(Number.MAX_SAFE_INTEGER) && status.totalIPCount !== Number(total))
    found.push(
      of('pool-total', `status.totalIPCount is ${status.totalIPCount ?? 'missing'}; the pool has ${total} addresses`, {
        repair: withStatus({ totalIPCount: Number(total) }),
      }),
    )
  const { finalizers = [] } = metadata
  const withFinalizers = (list: readonly string[]): CheckRepair => ({
    verb: 'replacePool',
    object: { ...pool, metadata: { ...metadata, finalizers: list } },
  })
  if (metadata.deletionTimestamp === undefined && !finalizers.includes(FINALIZER))
    found.push(
      of('pool-finalizer', `it has no finalizer ${FINALIZER}`, { repair: withFinalizers([...finalizers, FINALIZER]) }),
    )
  if (
    metadata.deletionTimestamp !== undefined &&
    finalizers.includes(FINALIZER) &&
    held === 0 &&
    status.allocatedIPs === undefined
  )
    found.push(
      of('pool-terminating', 'it is being deleted, and none of its addresses is allocated', {
        repair: withFinalizers(finalizers.filter(name => name !== FINALIZER)),
      }),
    )
  return [...found, ...textDifferences(pool, of, at)]
}

/** The records of Go agents in status.allocatedIPs, where they share the pool. */
function textDifferences(
  pool: SpiderIPPool,
  of: (kind: CheckDifference['kind'], what: string, more?: Partial<CheckDifference>) => CheckDifference,
  at: Lookup,
): readonly CheckDifference[] {
  if (!sharedOf(pool) || pool.status?.allocatedIPs === undefined || at.state.unread.has('pods')) return []
  return recordsIn(pool.status.allocatedIPs).records.flatMap(({ ip, namespace, pod: name, uid }) => {
    const pod = at.pod(`${namespace}/${name}`) ?? at.podOfUid(uid)
    const object = at.address(ip)
    const lives = pod !== undefined && isOfPod(uid, pod) && mayUse(pod)
    const seen = versionOf(pool, pod, object)
    if (object && lives && !isOfPod(object.spec.pod.uid, pod) && at.podOfUid(object.spec.pod.uid))
      return [
        of(
          'pool-text-other',
          `status.allocatedIPs gives ${ip} to ${namespace}/${name}, and the SpiderIPAddress to ${object.spec.pod.namespace}/${object.spec.pod.name}`,
          { seen },
        ),
      ]
    // The pod of a StatefulSet may come again: its record says so by name.
    const isKept = at.record(`${namespace}/${name}`) !== undefined
    if (lives || object || isKept || pod) return []
    const repair: CheckRepair = { verb: 'deleteEntry', pool: pool.metadata.name, ip, uid }
    return [
      of('pool-text-gone', `status.allocatedIPs gives ${ip} to ${namespace}/${name}, which does not exist`, {
        seen,
        repair,
      }),
    ]
  })
}
