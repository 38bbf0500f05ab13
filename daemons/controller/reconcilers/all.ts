// Which reconcilers there are. Knows their names only; each says itself what it watches.
import type { Metrics } from '../../../lib/metrics.js'
import type { Reconciler } from '../runtime/reconciler.js'
import { endpoints } from './endpoint/reconcile.js'
import { applications } from './application/reconcile.js'
import { ippools } from './ippool/reconcile.js'
import { coordinators } from './coordinator/reconcile.js'
import { nads } from './nad/reconcile.js'
import { reclaim } from './address-gc/reconcile.js'
import { certificates, provided } from '../webhooks/certificates.js'
import { overlaps } from './overlap/reconcile.js'
import type { Serving } from '../webhooks/server.js'
import type { Conf, ControllerSettings } from '../settings.js'
import { subnets } from './subnet/reconcile.js'

export interface ReconcilerDeps {
  readonly settings: ControllerSettings
  readonly conf: Conf
  /** The environment, for switches that one reconciler alone reads. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly metrics: Metrics
  /** Where the webhooks' certificates are our own to make. */
  readonly serving: Serving | undefined
  /** Where they are provided: the CA that came with them. */
  readonly authority?: (() => string | undefined) | undefined
}

/** In no order: each is on its own. */
export const reconcilersFor = (deps: ReconcilerDeps): readonly Reconciler[] => [
  ippools(deps),
  overlaps(),
  endpoints(deps),
  nads(deps),
  coordinators(deps),
  ...(deps.conf.enableSpiderSubnet ? [subnets(deps)] : []),
  ...(deps.conf.enableSpiderSubnet && deps.conf.enableAutoPoolForApplication ? [applications(deps)] : []),
  ...(deps.serving ? certificates(deps.settings, deps.serving) : []),
  ...(deps.authority ? [provided(deps.settings, deps.authority)] : []),
  ...(deps.settings.reclaim.enabled ? [reclaim(deps)] : []),
]
