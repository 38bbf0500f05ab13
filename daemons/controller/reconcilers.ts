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
import type { Conf, Settings } from './settings.js'
import { subnets } from './subnets.js'

export interface Making {
  readonly settings: Settings
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
export const reconcilersFor = (making: Making): readonly Reconciler[] => [
  ippools(making),
  overlaps(),
  endpoints(making),
  nads(making),
  coordinators(making),
  ...(making.conf.enableSpiderSubnet ? [subnets(making)] : []),
  ...(making.conf.enableSpiderSubnet && making.conf.enableAutoPoolForApplication ? [applications(making)] : []),
  ...(making.serving ? certificates(making.settings, making.serving) : []),
  ...(making.authority ? [provided(making.settings, making.authority)] : []),
  ...(making.settings.reclaim.enabled ? [reclaim(making)] : []),
]
