// The controller, put together: election, caches, reconcilers, health and metrics. Is given its client, clock and settings; knows no process.
import type { Kube } from '../../lib/kube/client.js'
import { Election } from '../../lib/kube/lease.js'
import type { Log } from '../../lib/log.js'
import { Metrics } from '../../lib/metrics.js'
import { fenced, type Fence } from './fence.js'
import { FreshReads } from './fresh.js'
import type { Check, Health } from './http.js'
import { Outage } from './outage.js'
import { poolGauges } from './ippools.js'
import type { Hands, Reconciler } from './reconciler.js'
import { reconcilersFor } from './reconcilers.js'
import { Runner, type Running } from './runner.js'
import { subnetGauges } from './subnet-gauges.js'
import type { Conf, Settings } from './settings.js'
import { Teller } from './tell.js'
import type { Serving } from './webhook-server.js'

/** Each try ends within half of the renewal deadline; this is many of them. */
const STUCK_MS = 120_000

export const LEASE = 'spiderpool-controller-leases'

export interface Parts {
  readonly kube: Kube
  readonly settings: Settings
  readonly conf: Conf
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly signal: AbortSignal
  readonly webhooks: {
    /** Where certificates are our own to make. */
    readonly serving: Serving | undefined
    /** Where they are provided: the CA that came with them. */
    readonly authority: (() => string | undefined) | undefined
    readonly check: Check
  }
  readonly seams: Running['seams'] & { readonly clock: () => Date; readonly suffix: () => string }
}

export interface Controller {
  readonly health: Health
  readonly metrics: Metrics
  /** Until the signal; then what is at work ends, and the lease is given back. */
  run(): Promise<void>
}

export function controllerOf(parts: Parts): Controller {
  const { kube, settings, log, signal, seams } = parts
  const metrics = new Metrics()
  const outage = new Outage(log, seams.now)
  const lease = `the renewal of Lease ${settings.namespace}/${LEASE}`
  const election: Election = new Election({
    ...{ kube, signal, now: seams.now, sleep: seams.sleep },
    namespace: settings.namespace,
    name: LEASE,
    identity: settings.podName,
    timing: settings.timing,
    onChange(leads) {
      log.info(leads ? 'this process leads' : 'this process leads no more', { identity: settings.podName })
      runner.lead(leads)
    },
    onTrouble: error => outage.failed(lease, error),
    onAnswer: () => outage.answered(lease),
  })
  const { handsOf, teller } = handsFor(parts, election, metrics)
  const runner = new Runner({
    reconcilers: reconcilersFor({ ...parts, ...parts.webhooks, metrics }),
    kube,
    log,
    outage,
    signal,
    seams,
    handsOf,
  })
  describe(metrics, runner, election)
  if (parts.conf.enableSpiderSubnet) subnetGauges(metrics, runner.view)
  metrics.gauge(
    { name: 'spiderpool_controller_request_counts', help: 'Requests sent to the API server, each try' },
    () => [[kube.requests]],
  )
  return {
    health: healthOf(runner, election, parts.webhooks.check),
    metrics,
    async run() {
      await Promise.all([runner.run(), election.run()])
      await teller.settled()
    },
  }
}

function handsFor(
  { kube, settings, log, seams }: Parts,
  election: Election,
  metrics: Metrics,
): { readonly handsOf: (runs: Reconciler['runs']) => Hands; readonly teller: Teller } {
  const writes = metrics.counter({ name: 'spiderpool_controller_write_counts', help: 'Writes sent to the API server' })
  const onWrite: Fence['onWrite'] = (verb, { plural }) => writes.add({ verb, resource: plural })
  const fresh = new FreshReads(kube, seams.after)
  const { now, clock, suffix, after } = seams
  const always = fenced(kube, { holds: () => true, onWrite })
  // An Event says what was done while this process led, so it is written also after the lease was given back.
  const teller = new Teller({ kube: always, log, instance: settings.podName, now, clock, suffix, after })
  const hands = (own: Kube): Hands => ({
    ...{ kube: own, fresh, log, now },
    clock: () => clock().getTime(),
    after: (ms, call) => void after(ms, call),
    tell: telling => teller.tell(telling),
  })
  const made = { leader: hands(fenced(kube, { holds: () => election.holds(), onWrite })), always: hands(always) }
  return { handsOf: runs => made[runs], teller }
}

function healthOf(runner: Runner, election: Election, webhooks: Check): Health {
  const listed = (): string | undefined => {
    const missing = runner.missing()
    return missing.length === 0 ? undefined : `not listed yet: ${missing.join(', ')}`
  }
  const led = (): string | undefined => (election.leader === '' ? 'no replica is known to lead' : undefined)
  // An API server that is away restarts nobody: the tries go on and fail.
  const tries = (): string | undefined =>
    election.idleMs > STUCK_MS ? `no try at the Lease since ${Math.round(election.idleMs / 1000)} s` : undefined
  return { startup: [listed], readiness: [listed, led, webhooks], liveness: [tries] }
}

function describe(metrics: Metrics, runner: Runner, election: Election): void {
  poolGauges(metrics, runner.view)
  metrics.gauge({ name: 'spiderpool_controller_leader', help: '1 where this process leads' }, () => [
    [election.holds() ? 1 : 0],
  ])
  metrics.gauge(
    { name: 'spiderpool_controller_forbidden_kinds', help: 'Optional kinds that may not be listed (RBAC), 1 each' },
    () => runner.forbidden().map(resource => [1, { resource }]),
  )
  metrics.gauge({ name: 'spiderpool_controller_queue_keys', help: 'Keys ready, at work or waiting' }, () =>
    runner.depths().map(([reconciler, keys]) => [keys, { reconciler }]),
  )
}
