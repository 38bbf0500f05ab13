// `gc --dry-run`: which addresses the controller would reclaim, by the controller's own decision.
import { CONF_DEFAULT, settingsOf, type Conf } from '../../../daemons/controller/settings.js'
import { confIn } from '../../../daemons/controller/conf-file.js'
import { fromCache } from '../../../daemons/controller/reconcilers/address-gc/lookup.js'
import { gcVerdict, type GcReason } from '../../../daemons/controller/reconcilers/address-gc/decide.js'
import { BECAUSE } from '../../../daemons/controller/reconcilers/address-gc/events.js'
import {
  ADDRESSES,
  CLUSTER_NODES,
  CLUSTER_PODS,
  ENDPOINTS,
  INSTANCES,
  MACHINES,
  SETS,
} from '../../../daemons/controller/reconcilers/sources.js'
import { Indexer, type CacheReader, type KubeObject, type WatchSource } from '../../../daemons/runtime/lister.js'
import { messageOf } from '../../../lib/errors.js'
import { isForbidden } from '../../../lib/kube/errors.js'
import { DEPLOYMENTS } from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { printRows, type CtlCommand, type CtlContext, type RowsView } from '../context.js'
import { confText, installed } from '../installation.js'
import { counted } from '../output.js'
import { CtlError } from '../status.js'
import { rowOf, type AddressRow } from '../who/decide.js'
import { ADDRESS_ROWS } from '../who/command.js'

interface ReclaimRow extends AddressRow {
  readonly reason: GcReason
  /** Seconds for which the controller observes the reason first. */
  readonly graceSeconds: number
}

const ROWS: RowsView<ReclaimRow> = {
  columns: [
    { head: 'ADDRESS', of: row => row.address },
    { head: 'POOL', of: row => row.pool },
    { head: 'POD', of: row => (row.pod === '' ? '' : `${row.namespace}/${row.pod}`) },
    { head: 'NODE', of: row => row.node },
    { head: 'REASON', of: row => row.reason },
    { head: 'GRACE', of: row => `${row.graceSeconds}s` },
    { head: 'WHY', of: row => row.why },
  ],
  nameOf: ADDRESS_ROWS.nameOf,
}

const CONTROLLER = 'spiderpool-controller'

/** `gc --dry-run` */
export const gc: CtlCommand<{ readonly dryRun?: boolean }> = async (context, _, { dryRun = false }) => {
  if (!dryRun)
    throw new CtlError(
      'usage',
      'gc needs --dry-run: spiderpool-controller reclaims by itself; to release one address, see spiderpoolctl release --help',
    )
  const { cluster, warn, now } = context
  const { rules, conf } = await settings(context)
  if (!rules.enabled) warn('the controller reclaims nothing: SPIDERPOOL_GC_IP_ENABLED of its Deployment is false')
  const cache = await cacheOf(cluster, warn)
  const features = { statefulSet: conf.enableStatefulSet, kubevirt: conf.enableKubevirtStaticIP }
  const lookup = { cache, features, nowMs: now, heartbeats: false }
  const rows = [...cache.of(ADDRESSES).all()].flatMap((address): readonly ReclaimRow[] => {
    const verdict = gcVerdict(address, fromCache(address, lookup), rules)
    if (verdict.kind === 'keep') return []
    const graceSeconds = Math.ceil(verdict.graceMs / 1000)
    return [{ ...rowOf(address, ''), reason: verdict.why, graceSeconds, why: BECAUSE[verdict.why] }]
  })
  printRows(context, rows, ROWS)
  if (rows.length === 0 && context.format === 'table')
    context.print(`nothing to reclaim among ${counted(cache.of(ADDRESSES).size, 'address', 'addresses')}\n`)
  return rows.length === 0 ? 'ok' : 'no'
}

/** The controller's settings; its defaults where it is not installed, or set from elsewhere. */
async function settings({ cluster, warn, yaml }: CtlContext) {
  const controller = await installed(cluster, DEPLOYMENTS, CONTROLLER)
  if (!controller) warn('there is no Deployment of spiderpool-controller; its default settings are taken')
  const outside = { namespace: controller?.namespace ?? CONTROLLER, podName: CONTROLLER }
  try {
    const text = await confText(cluster, controller?.namespace)
    const conf: Conf = text === '' ? CONF_DEFAULT : confIn(text, 'conf.yml', yaml.parse)
    const { SPIDERPOOL_POD_NAMESPACE: _, ...env } = controller?.env ?? {}
    return { rules: settingsOf(env, outside).reclaim, conf }
  } catch (error) {
    throw new CtlError('cluster', `the controller's settings cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

const SOURCES = [ADDRESSES, CLUSTER_PODS, ENDPOINTS, SETS, INSTANCES, MACHINES, CLUSTER_NODES] as const

/** The controller's cache, from one list a kind. */
async function cacheOf(cluster: Cluster, warn: (sentence: string) => void): Promise<CacheReader> {
  const listers = new Map<unknown, unknown>()
  const unserved = new Set<unknown>()
  const fill = async <T extends KubeObject, I extends string>(source: WatchSource<T, I>): Promise<void> => {
    const indexer = new Indexer<T, I>(source)
    listers.set(source, indexer)
    try {
      for (const item of await cluster.all<T>(source.kind, {}, source.transform)) indexer.put(item)
    } catch (error) {
      if (source.optional !== true || !(error instanceof CtlError || isForbidden(error))) throw error
      unserved.add(source)
      if (isForbidden(error)) warn(`this user may not read ${source.kind.plural}; what depends on them is kept`)
    }
  }
  // One after the other: a page of one kind at a time is in memory whole.
  for (const source of SOURCES) await fill(source as unknown as WatchSource<KubeObject, string>)
  return {
    of: source => listers.get(source) as Indexer<never, never>,
    isServed: source => !unserved.has(source),
    isForbidden: source => unserved.has(source),
  }
}
