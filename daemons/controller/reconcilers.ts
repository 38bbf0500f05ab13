// Which reconcilers there are. Knows their names only; each says itself what it watches.
import type { Metrics } from '../../lib/metrics.js'
import type { Reconciler } from './reconciler.js'
import { endpoints } from './endpoints.js'
import { applications } from './applications.js'
import { ippools } from './ippools.js'
import { coordinators } from './coordinators.js'
import { nads } from './nads.js'
import { reclaim } from './reclaim.js'
import { certificates, provided } from './certificates.js'
import { overlaps } from './overlaps.js'
import type { Serving } from './webhook-server.js'
import type { Conf, ControllerSettings } from './settings.js'
import { subnets } from './subnets.js'

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
