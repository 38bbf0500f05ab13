// Reports allocated addresses that a SpiderReservedIP covers: Events on both sides, and a gauge.
// Changes nothing: the pod runs, and only an administrator knows which of the two is right.
import type { SpiderIPAddress, SpiderReservedIP } from '../../../../lib/crd/types.js'
import { SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import type { Log } from '../../../../lib/log.js'
import { familyOf, type Metrics } from '../../../../lib/metrics.js'
import { CONTROLLER_METRICS } from '../../metrics.js'
import type { CacheReader } from '../../../runtime/lister.js'
import type { EventSpec } from '../../runtime/reconciler.js'
import { watchOf, type Reconciler } from '../../runtime/reconciler.js'
import type { ReconcileResult } from '../../runtime/workqueue.js'
import { ADDRESSES, RESERVED } from '../sources.js'
import {
  isCovered,
  messageForPod,
  messageForReserved,
  namesWithin,
  rangesOfReserved,
  type ReservedRanges,
} from './decide.js'

/** Pods of one reservation that get an Event of their own each time; the others are in its own. */
const POD_EVENTS_MAX = 50

const NOTHING: ReservedRanges = { 4: [], 6: [] }

/** Parsed once for each version of an object: every change of an address asks for all of them. */
function parser(): (reserved: SpiderReservedIP) => ReservedRanges {
  const parsed = new WeakMap<SpiderReservedIP, ReservedRanges>()
  return reserved => {
    const known = parsed.get(reserved)
    if (known) return known
    const ranges = rangesOrNothing(reserved)
    parsed.set(reserved, ranges)
    return ranges
  }
}

/** One that was stored without admission and does not parse covers nothing, as ADD refuses it. */
function rangesOrNothing(reserved: SpiderReservedIP): ReservedRanges {
  try {
    return rangesOfReserved(reserved)
  } catch {
    return NOTHING
  }
}

function coveredIn(ranges: ReservedRanges, cache: CacheReader): readonly SpiderIPAddress[] {
  const addresses = cache.of(ADDRESSES)
  const names = namesWithin(ranges, addresses.size)
  const candidates = names ? names.flatMap(name => addresses.get(name) ?? []) : [...addresses.all()]
  return candidates.filter(address => isCovered(address, ranges))
}

/** The reconciler of reserved addresses; one key for each SpiderReservedIP. */
export function reservations({ metrics }: { readonly metrics: Metrics }): Reconciler {
  const rangesOf = parser()
  /** By reservation: the holders that were reported, `address object UID/pod UID`. */
  const reported = new Map<string, ReadonlySet<string>>()
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_reserved_allocated_ip_counts'), () =>
    [...reported].map(([reservedip, holders]) => [holders.size, { reservedip }]),
  )
  return {
    name: 'reserved',
    needsLeadership: true,
    maxConcurrent: 1,
    watches: [
      watchOf(RESERVED, ({ metadata }) => [metadata.name]),
      watchOf(ADDRESSES, (address, cache) =>
        [...cache.of(RESERVED).all()]
          .filter(reserved => isCovered(address, rangesOf(reserved)))
          .map(({ metadata }) => metadata.name),
      ),
    ],
    reconcile(name, cache, { log, recordEvent }): Promise<ReconcileResult> {
      const reserved = cache.of(RESERVED).get(name)
      if (!reserved) reported.delete(name)
      else {
        const covered = coveredIn(rangesOf(reserved), cache)
        const before = reported.get(name)
        report(
          { reserved, covered, added: covered.filter(one => before?.has(holderKey(one)) !== true) },
          log,
          recordEvent,
        )
        reported.set(name, new Set(covered.map(holderKey)))
      }
      return Promise.resolve(undefined)
    },
    reset: () => reported.clear(),
  }
}

const holderKey = ({ metadata: { uid = '' }, spec: { pod } }: SpiderIPAddress): string => `${uid}/${pod.uid}`

interface Finding {
  readonly reserved: SpiderReservedIP
  readonly covered: readonly SpiderIPAddress[]
  /** Those of them that were not reported yet. */
  readonly added: readonly SpiderIPAddress[]
}

function report({ reserved, covered, added }: Finding, log: Log, recordEvent: (event: EventSpec) => void): void {
  if (added.length === 0) return
  const { name, uid } = reserved.metadata
  const message = messageForReserved(name, covered)
  log.warn(message, { reservedip: name })
  const warning = { type: 'Warning', reason: 'ReservedAddressAllocated' } as const
  const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderReservedIP', name, ...(uid !== undefined && { uid }) }
  recordEvent({ ...warning, regarding: about, message })
  for (const address of added.slice(0, POD_EVENTS_MAX)) {
    const { namespace, name: podName, uid: podUid } = address.spec.pod
    const pod = { apiVersion: 'v1', kind: 'Pod', namespace, name: podName, uid: podUid }
    recordEvent({ ...warning, regarding: pod, message: messageForPod(name, address) })
  }
}
