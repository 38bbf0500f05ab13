// All reconcilers of the controller, by what the configuration enables.
import type { Reconciler } from '../runtime/reconciler.js'
import type { ReconcilerDeps } from './deps.js'
import { endpoints } from './endpoint/reconcile.js'
import { applications } from './application/reconcile.js'
import { ippools } from './ippool/reconcile.js'
import { coordinators } from './coordinator/reconcile.js'
import { nads } from './nad/reconcile.js'
import { reclaim } from './address-gc/reconcile.js'
import { certificates, provided } from '../webhooks/certificates.js'
import { overlaps } from './overlap/reconcile.js'
import { reservations } from './reserved/reconcile.js'
import { subnets } from './subnet/reconcile.js'

/** The reconcilers that run with these settings; their order has no meaning. */
export const reconcilersFor = (deps: ReconcilerDeps): readonly Reconciler[] => [
  ippools(deps),
  overlaps(),
  reservations(deps),
  endpoints(deps),
  nads(deps),
  coordinators(deps),
  ...(deps.conf.enableSpiderSubnet ? [subnets(deps)] : []),
  ...(deps.conf.enableSpiderSubnet && deps.conf.enableAutoPoolForApplication ? [applications(deps)] : []),
  ...(deps.serving ? certificates(deps.settings, deps.serving) : []),
  ...(deps.authority ? [provided(deps.settings, deps.authority)] : []),
  ...(deps.settings.reclaim.enabled ? [reclaim(deps)] : []),
]
