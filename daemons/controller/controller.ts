// The controller assembled: leader election, informers, reconcilers, health checks, metrics.
// Client, clock and settings are arguments.
import type { Kube } from '../../lib/kube/client.js'
import { Election } from '../../lib/kube/lease.js'
import type { Log } from '../../lib/log.js'
import { familyOf, type Metrics } from '../../lib/metrics.js'
import { CONTROLLER_METRICS } from './metrics.js'
import { guarded, type LeaderGuard } from './runtime/leader-guard.js'
import { BatchedLiveReader } from '../runtime/live-reader.js'
import type { Check, HealthChecks } from '../runtime/health.js'
import type { CacheReader } from '../runtime/lister.js'
import { Outage } from '../runtime/outage-log.js'
import { agentGauge } from './reconcilers/agents.js'
import { coordinatorGauge } from './reconcilers/coordinator/metrics.js'
import { poolGauges } from './reconcilers/ippool/reconcile.js'
import type { ReconcileContext, Reconciler } from './runtime/reconciler.js'
import { reconcilersFor } from './reconcilers/all.js'
import { Manager, type ManagerDeps } from './runtime/manager.js'
import { subnetGauges } from './reconcilers/subnet/metrics.js'
import type { Conf, ControllerSettings } from './settings.js'
import { EventRecorder } from './runtime/event-recorder.js'
import type { Serving } from './webhooks/server.js'

/** Each attempt ends within half of the renewal deadline; this is many of them. */
const STUCK_MS = 120_000

export const LEASE = 'spiderpool-controller-leases'

export interface Parts {
  readonly kube: Kube
  readonly settings: ControllerSettings
  readonly conf: Conf
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly signal: AbortSignal
  readonly webhooks: {
    /** Set where the controller makes its certificates itself. */
    readonly serving: Serving | undefined
    /** Set where they are provided: returns the CA (PEM) that came with them. */
    readonly authority: (() => string | undefined) | undefined
    readonly check: Check
    readonly expiresAtMs: () => number | undefined
  }
  readonly metrics: Metrics
  /** Gets every change of an object. */
  readonly observe?: ManagerDeps['observe'] | undefined
  readonly seams: ManagerDeps['seams'] & { readonly clock: () => Date; readonly suffix: () => string }
}

export interface Controller {
  readonly health: HealthChecks
  readonly metrics: Metrics
  readonly cache: CacheReader
  /** Kinds that have not synced yet. */
  missing(): readonly string[]
  /** Runs until the signal; then finishes what is running and releases the lease. */
  run(): Promise<void>
}

export function controllerOf(parts: Parts): Controller {
  const { kube, settings, log, signal, seams, metrics } = parts
  const outage = new Outage(log, seams.now)
  const lease = `the renewal of Lease ${settings.namespace}/${LEASE}`
  const election: Election = new Election({
    ...{ kube, signal, now: seams.now, sleep: seams.sleep },
    namespace: settings.namespace,
    name: LEASE,
    identity: settings.podName,
    timing: settings.timing,
    onChange(isLeading) {
      log.info(isLeading ? 'started leading' : 'stopped leading', { identity: settings.podName })
      manager.setLeading(isLeading)
    },
    onTrouble: error => outage.failed(lease, error),
    onAnswer: () => outage.answered(lease),
  })
  const { contextFor, recorder } = contextsFor(parts, election)
  const manager = new Manager({
    reconcilers: reconcilersFor({ ...parts, ...parts.webhooks }),
    kube,
    log,
    outage,
    signal,
    seams,
    contextFor,
    onRun: countRuns(metrics),
    observe: parts.observe,
  })
  describe(metrics, manager, election)
  certificateGauge(metrics, () => parts.webhooks.expiresAtMs(), seams.clock)
  if (parts.conf.enableSpiderSubnet) subnetGauges(metrics, manager.cache)
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_request_counts'), () => [[kube.requests]])
  return {
    health: healthOf(manager, election, parts.webhooks.check),
    metrics,
    cache: manager.cache,
    missing: () => manager.missing(),
    async run() {
      await Promise.all([manager.run(), election.run()])
      await recorder.settled()
    },
  }
}

function contextsFor(
  { kube, settings, log, seams, metrics }: Parts,
  election: Election,
): { readonly contextFor: ManagerDeps['contextFor']; readonly recorder: EventRecorder } {
  const writes = metrics.counter(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_writes_total'))
  const onWrite: LeaderGuard['onWrite'] = (verb, { plural }) => writes.add({ verb, resource: plural })
  const live = new BatchedLiveReader(kube, seams.after)
  const { now, clock, suffix, after } = seams
  const counted = guarded(kube, { isLeading: () => true, onWrite })
  // An Event reports what was done while leading, so it is written also after the lease was
  // released.
  const recorder = new EventRecorder({ kube: counted, log, instance: settings.podName, now, clock, suffix, after })
  const contextWith = (own: Kube): ReconcileContext => ({
    ...{ kube: own, live, log, now },
    clock: () => clock().getTime(),
    after: (ms, call) => void after(ms, call),
    recordEvent: event => recorder.record(event),
  })
  const leading = contextWith(guarded(kube, { isLeading: () => election.holds(), onWrite }))
  const unguarded = contextWith(counted)
  return { contextFor: ({ needsLeadership }) => (needsLeadership ? leading : unguarded), recorder }
}

function healthOf(manager: Manager, election: Election, webhooks: Check): HealthChecks {
  const synced = (): string | undefined => {
    const missing = manager.missing()
    return missing.length === 0 ? undefined : `not listed yet: ${missing.join(', ')}`
  }
  const hasLeader = (): string | undefined => (election.leader === '' ? 'no leader is known' : undefined)
  // While the API server is unreachable attempts go on and fail, so liveness stays up and no pod is
  // restarted.
  const attempts = (): string | undefined =>
    election.idleMs > STUCK_MS ? `no attempt at the Lease for ${Math.round(election.idleMs / 1000)} s` : undefined
  return { startup: [synced], readiness: [synced, hasLeader, webhooks], liveness: [attempts] }
}

function describe(metrics: Metrics, manager: Manager, election: Election): void {
  const of = (name: keyof typeof CONTROLLER_METRICS) => familyOf(CONTROLLER_METRICS, name)
  poolGauges(metrics, manager.cache)
  coordinatorGauge(metrics, manager.cache)
  agentGauge(metrics, manager.cache)
  metrics.gauge(of('spiderpool_controller_leader'), () => [[election.holds() ? 1 : 0]])
  metrics.gauge(of('spiderpool_controller_forbidden_kinds'), () =>
    manager.forbidden().map(resource => [1, { resource }]),
  )
  metrics.gauge(of('spiderpool_controller_queue_keys'), () =>
    manager.depths().map(({ reconciler, keys }) => [keys, { reconciler }]),
  )
  metrics.gauge(of('spiderpool_controller_queue_depth'), () =>
    manager.depths().map(({ reconciler, depth }) => [depth, { reconciler }]),
  )
}

function countRuns(metrics: Metrics): NonNullable<ManagerDeps['onRun']> {
  const waited = metrics.histogram(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_queue_duration_seconds'))
  const ran = metrics.histogram(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_work_duration_seconds'))
  return (reconciler, { waitedMs, ranMs }) => {
    waited.observe(waitedMs / 1000, { reconciler })
    ran.observe(ranMs / 1000, { reconciler })
  }
}

function certificateGauge(metrics: Metrics, expiresAtMs: () => number | undefined, clock: () => Date): void {
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_certificate_remaining_seconds'), () => {
    const atMs = expiresAtMs()
    return atMs === undefined ? [] : [[(atMs - clock().getTime()) / 1000]]
  })
}
