// `migrate`: pools, address objects and reservations from what another IPAM has allocated.
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../../lib/crd/types.js'
import { familyOf, parseIp, toBigint, type Ip } from '../../../lib/ip/address.js'
import { includes } from '../../../lib/ip/range.js'
import { uidOf } from '../../../lib/ipam/store/pod.js'
import {
  NADS,
  PODS,
  SPIDER_ENDPOINTS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
} from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { printRows, type CtlCommand, type CtlContext, type RowsView } from '../context.js'
import { reservedIn } from '../facts.js'
import { counted } from '../output.js'
import { CtlError } from '../status.js'
import { statusNics } from '../who/decide.js'
import { applied, type MigrationRow } from './apply.js'
import { migrationOf, type MigrationStep } from './decide.js'
import { confFiles, hostLocalFiles } from './files.js'
import type { ForeignAllocation, ForeignState } from './foreign.js'
import { goSteps, type GoStep } from './go.js'
import { hostLocalState } from './host-local.js'
import {
  WHEREABOUTS_POOLS,
  WHEREABOUTS_RESERVATIONS,
  whereaboutsState,
  type WhereaboutsPool,
  type WhereaboutsReservation,
} from './whereabouts.js'

export interface MigrateOptions {
  readonly apply?: boolean
  readonly dir?: string
  readonly confDir?: string
  readonly node?: string
  readonly network?: string
}

const SOURCES = ['whereabouts', 'host-local', 'spiderpool-go'] as const
type SourceName = (typeof SOURCES)[number]

const ROWS: RowsView<MigrationRow> = {
  columns: [
    { head: 'ACTION', of: row => row.action, tone: row => (row.action === 'conflict' ? 'bad' : undefined) },
    { head: 'OBJECT', of: row => row.object },
    { head: 'ADDRESS', wide: true, of: row => row.address },
    { head: 'POD', of: row => row.pod },
    { head: 'FROM', of: row => row.from },
    { head: 'WHY', of: row => row.why },
    { head: 'DONE', wide: true, of: row => row.done },
  ],
  nameOf: row => row.object,
}

/** Pools and what is allocated, of the cluster of Spiderpool. */
interface Ours {
  readonly pools: readonly SpiderIPPool[]
  readonly addresses: ReadonlyMap<string, SpiderIPAddress>
  readonly reserved: readonly SpiderReservedIP[]
  readonly pods: readonly Pod[]
}

/** `migrate SOURCE [--apply]` */
export const migrate: CtlCommand<MigrateOptions> = async (context, [source = ''], options) => {
  if (!isSource(source))
    throw new CtlError('usage', `"${source}" cannot be migrated from; write one of ${SOURCES.join(', ')}`)
  const { cluster, warn, format, print } = context
  const ours = await oursOf(cluster)
  const { steps, faults } = await stepsOf(source, { ours, options, context })
  faults.forEach(warn)
  const apply = options.apply === true
  const rows = apply ? await applied(steps, source, cluster) : steps.map(step => ({ ...step, done: '' }))
  printRows(context, rows, ROWS)
  const writes = rows.filter(({ action }) => ['create', 'extend', 'reserve'].includes(action))
  const failed = rows.filter(({ action, done }) => action === 'conflict' || done.startsWith('failed'))
  if (format === 'table' || format === 'wide') {
    const todo = `${counted(writes.length, 'object')} would be written; --apply writes them`
    const done = `${counted(writes.filter(row => row.done === 'written').length, 'object')} written`
    print(rows.length === 0 ? `${source} has nothing to migrate\n` : `${apply ? done : todo}\n`)
  }
  for (const { object, done } of failed) if (done !== '') warn(`${object}: ${done}`)
  if (failed.length > 0) warn(`${counted(failed.length, 'line')} cannot be migrated as they are; see WHY`)
  return failed.length > 0 || faults.length > 0 ? 'no' : 'ok'
}

const isSource = (text: string): text is SourceName => (SOURCES as readonly string[]).includes(text)

async function oursOf(cluster: Cluster): Promise<Ours> {
  const [pools, addresses, reserved, pods] = await Promise.all([
    cluster.all<SpiderIPPool>(SPIDER_IPPOOLS),
    cluster.all<SpiderIPAddress>(SPIDER_IPADDRESSES),
    cluster.all<SpiderReservedIP>(SPIDER_RESERVEDIPS),
    cluster.all<Pod>(PODS),
  ])
  return { pools, addresses: new Map(addresses.map(one => [one.metadata.name, one])), reserved, pods }
}

interface Reading {
  readonly ours: Ours
  readonly options: MigrateOptions
  readonly context: CtlContext
}

async function stepsOf(
  source: SourceName,
  reading: Reading,
): Promise<{ readonly steps: readonly GoStep[]; readonly faults: readonly string[] }> {
  const { ours, context } = reading
  if (source === 'spiderpool-go') return { steps: await stepsOfGo(ours, context.cluster), faults: [] }
  const state = source === 'whereabouts' ? await whereabouts(context.cluster) : await hostLocal(reading)
  return { steps: stepsFrom(state, ours), faults: state.faults }
}

function stepsFrom(state: ForeignState, { pools, addresses, reserved, pods }: Ours): readonly MigrationStep[] {
  const byName = new Map(pods.map(pod => [`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, pod]))
  return migrationOf(state, {
    pools,
    addressNamed: name => addresses.get(name),
    podNamed: ({ namespace, name }) => byName.get(`${namespace}/${name}`),
    isReserved: ip => includes(reservedIn(reserved, familyOf(ip)), toBigint(ip)),
  })
}

interface NadConfig {
  readonly spec?: { readonly config?: string }
}

async function nadConfigs(cluster: Cluster): Promise<readonly string[]> {
  const nads = (await cluster.ifAllowed(NADS, cluster.all<NadConfig>(NADS))) ?? []
  return nads.flatMap(({ spec }) => spec?.config ?? [])
}

async function whereabouts(cluster: Cluster): Promise<ForeignState> {
  const [pools, reservations, configs] = await Promise.all([
    cluster.all<WhereaboutsPool>(WHEREABOUTS_POOLS),
    cluster.ifAllowed(WHEREABOUTS_RESERVATIONS, cluster.all<WhereaboutsReservation>(WHEREABOUTS_RESERVATIONS)),
    nadConfigs(cluster),
  ])
  return whereaboutsState({ pools, reservations: reservations ?? [], configs })
}

const DATA_DIR = '/var/lib/cni/networks'
const CONF_DIR = '/etc/cni/net.d'

async function hostLocal({ ours, options, context }: Reading): Promise<ForeignState> {
  const { dir = DATA_DIR, confDir = CONF_DIR, node, network } = options
  const files = hostLocalFiles(dir).filter(file => network === undefined || file.network === network)
  if (network !== undefined && files.length === 0)
    throw new CtlError('usage', `--network ${network}: ${dir} has no folder of this name with files in it`)
  const configs = [...confFiles(confDir), ...(await nadConfigs(context.cluster))]
  const byIp = new Map<Ip, ForeignAllocation['pod']>()
  for (const pod of ours.pods.filter(({ spec }) => node === undefined || spec?.nodeName === node))
    for (const ip of ipsOf(pod)) {
      const { namespace = '', name } = pod.metadata
      byIp.set(ip, { namespace, name })
    }
  return hostLocalState({ files, configs }, ip => byIp.get(ip))
}

/** A pod of the node's own network has the address of the node. */
const ipsOf = ({ metadata, spec, status }: Pod): readonly Ip[] =>
  spec?.hostNetwork === true
    ? []
    : [...(status?.podIPs ?? []).map(({ ip }) => ip), ...statusNics(metadata).flatMap(({ ips }) => ips)].flatMap(
        text => parseIp(text) ?? [],
      )

async function stepsOfGo({ pools, addresses, pods }: Ours, cluster: Cluster): Promise<readonly GoStep[]> {
  const endpoints = await cluster.all<SpiderEndpoint>(SPIDER_ENDPOINTS)
  const byKey = new Map(endpoints.map(one => [`${one.metadata.namespace ?? ''}/${one.metadata.name}`, one]))
  const byUid = new Map(pods.flatMap(pod => [[pod.metadata.uid ?? '', pod] as const, [uidOf(pod), pod] as const]))
  return pools.flatMap(pool =>
    goSteps(pool, {
      addressNamed: name => addresses.get(name),
      endpointOf: key => byKey.get(key),
      podWithUid: uid => byUid.get(uid),
    }),
  )
}
