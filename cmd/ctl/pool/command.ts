// `pool list`, `pool show`, `pool overlap`. Reads the cluster.
import { IPAM_LABEL_POOL_UID } from '../../../lib/crd/names.js'
import type { SpiderCoordinator } from '../../../lib/crd/coordinator.js'
import type { SpiderIPAddress, SpiderIPPool, SpiderReservedIP, SpiderSubnet } from '../../../lib/crd/types.js'
import { COORDINATOR_NAME } from '../../../lib/coordinator/cluster-config.js'
import { fromBigint } from '../../../lib/ip/address.js'
import { nth, sizeOf } from '../../../lib/ip/range.js'
import {
  NODES,
  SPIDER_COORDINATORS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
  SPIDER_SUBNETS,
} from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { printRows, printValue, type CtlCommand, type CtlContext, type RowsView } from '../context.js'
import { byPool, poolFacts, type AddressMeta, type PoolFacts } from '../facts.js'
import { suggestion } from '../names.js'
import { counted, fieldsOf, tableOf, toned } from '../output.js'
import { CtlError } from '../status.js'
import {
  barOf,
  holdersOf,
  overlapsOf,
  poolRow,
  takenInLastHour,
  type NodeAddresses,
  type Overlap,
  type PoolRow,
} from './decide.js'
import { mapOf } from './map.js'

const FULL_PERCENT = 90

const POOL_ROWS: RowsView<PoolRow> = {
  columns: [
    { head: 'NAME', of: row => row.name },
    { head: 'VERSION', of: row => String(row.version) },
    { head: 'SUBNET', of: row => row.subnet },
    { head: 'TOTAL', of: row => String(row.total) },
    { head: 'USED', of: row => String(row.used) },
    { head: 'FREE', of: row => String(row.free), tone: row => (row.free === 0 ? 'bad' : undefined) },
    { head: 'RESERVED', of: row => String(row.reserved) },
    { head: 'QUARANTINED', of: row => String(row.quarantined), tone: row => (row.quarantined > 0 ? 'bad' : undefined) },
    { head: 'TAKEN', of: row => `${row.percent}%`, tone: row => (row.percent >= FULL_PERCENT ? 'bad' : undefined) },
    { head: 'BAR', of: row => barOf(row.percent) },
    { head: 'DISABLED', of: row => String(row.disabled), tone: row => (row.disabled ? 'bad' : undefined) },
    { head: 'DEFAULT', wide: true, of: row => String(row.default) },
    { head: 'GATEWAY', wide: true, of: row => row.gateway },
    { head: 'GO-RECORDS', wide: true, of: row => String(row.recordedByGo) },
    { head: 'MULTUS', wide: true, of: row => row.multusName.join(',') },
  ],
  nameOf: row => `spiderippool/${row.name}`,
}

const byName = <T extends { readonly metadata: { readonly name: string } }>(objects: readonly T[]): readonly T[] =>
  [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))

/** `pool list`: one line a pool. */
export const poolList: CtlCommand = async context => {
  const { cluster } = context
  const [pools, reserved, addresses] = await Promise.all([
    cluster.all<SpiderIPPool>(SPIDER_IPPOOLS),
    cluster.all<SpiderReservedIP>(SPIDER_RESERVEDIPS),
    cluster.all<AddressMeta>(SPIDER_IPADDRESSES, { metadataOnly: true }),
  ])
  const own = byPool(addresses)
  const rows = byName(pools).map(pool => poolRow(poolFacts(pool, own.get(pool.metadata.uid ?? '') ?? [], reserved)))
  if (rows.length === 0) context.warn('there is no SpiderIPPool')
  printRows(context, rows, POOL_ROWS)
  return 'ok'
}

/**
 * The pool of this name.
 * @throws CtlError `usage` with a suggestion
 */
export async function poolNamed(name: string, cluster: Cluster): Promise<SpiderIPPool> {
  const pool = await cluster.find<SpiderIPPool>(SPIDER_IPPOOLS, { name })
  if (pool) return pool
  const known = (await cluster.all<SpiderIPPool>(SPIDER_IPPOOLS, { metadataOnly: true })).map(one => one.metadata.name)
  throw new CtlError('usage', `there is no SpiderIPPool "${name}"${await suggestion(name, known)}`)
}

/** `pool show NAME`: the map of its addresses, its holders, the next free ones. */
export const poolShow: CtlCommand = async (context, [name = '']) => {
  const { cluster, now } = context
  const pool = await poolNamed(name, cluster)
  const [reserved, addresses] = await Promise.all([
    cluster.all<SpiderReservedIP>(SPIDER_RESERVEDIPS),
    cluster.all<SpiderIPAddress>(SPIDER_IPADDRESSES, { labelSelector: `${IPAM_LABEL_POOL_UID}=${pool.metadata.uid}` }),
  ])
  const facts = poolFacts(pool, addresses, reserved)
  const row = poolRow(facts)
  const holders = holdersOf(addresses)
  const next = nextFree(facts)
  const takenLastHour = takenInLastHour(addresses, now)
  if (context.format === 'name') context.print(`${POOL_ROWS.nameOf(row)}\n`)
  else if (!printValue(context, { ...row, nextFree: next, takenLastHour, holders }))
    printPool({ row, facts, holders, next, takenLastHour }, context)
  return 'ok'
}

const NEXT_FREE_MAX = 3n

/** The lowest free addresses. An ADD tries them in an order of its own, by pod and interface. */
function nextFree({ free, family }: PoolFacts): readonly string[] {
  const size = sizeOf(free)
  const count = size < NEXT_FREE_MAX ? size : NEXT_FREE_MAX
  return Array.from({ length: Number(count) }, (_, at) => fromBigint(nth(free, BigInt(at)) ?? 0n, family))
}

interface ShownPool {
  readonly row: PoolRow
  readonly facts: PoolFacts
  readonly holders: ReturnType<typeof holdersOf>
  readonly next: readonly string[]
  readonly takenLastHour: number
}

function printPool({ row, facts, holders, next, takenLastHour }: ShownPool, { print, colours }: CtlContext): void {
  const { spec } = facts.pool
  const use = `${row.percent}% ${barOf(row.percent)}  ${row.used} used, ${row.free} free, ${row.reserved} reserved, ${row.quarantined} quarantined of ${row.total}`
  const pace =
    takenLastHour === 0 || row.free === 0
      ? ''
      : `; full in ${Math.max(1, Math.round(row.free / takenLastHour))} h at this rate, if none is released`
  print(
    fieldsOf([
      ['Name', row.name],
      ['Subnet', `${row.subnet}${row.gateway === '' ? '' : `, gateway ${row.gateway}`}`],
      ['Ranges', (spec.ips ?? []).join(', ') || 'none'],
      ...((spec.excludeIPs ?? []).length > 0 ? [['Excluded', (spec.excludeIPs ?? []).join(', ')] as const] : []),
      ['Use', toned(use, row.free === 0 ? 'bad' : undefined, colours)],
      ...(row.recordedByGo > 0 ? [['Go records', counted(row.recordedByGo, 'address', 'addresses')] as const] : []),
      ...(row.disabled ? [['Disabled', row.disabledBecause || 'spec.disable is true'] as const] : []),
      ['Next free', next.join(', ') || 'none'],
      ['Last hour', `${counted(takenLastHour, 'address', 'addresses')} taken${pace}`],
    ]),
  )
  const lines = mapOf(facts)
  if (lines.length > 0) print(`\n${lines.join('\n')}\n`)
  if (holders.length === 0) return
  const columns = [
    { head: 'HOLDER', of: (one: (typeof holders)[number]) => one.owner },
    { head: 'ADDRESSES', of: (one: (typeof holders)[number]) => String(one.count) },
  ]
  print(`\n${tableOf(holders, columns)}`)
}

const OVERLAP_ROWS: RowsView<Overlap> = {
  columns: [
    { head: 'POOL', of: row => row.pool },
    { head: 'WITH', of: row => row.with },
    { head: 'ADDRESSES', of: row => row.addresses.join(',') },
    { head: 'WHY', of: row => row.why },
  ],
  nameOf: row =>
    row.pool.startsWith('subnet ') ? row.pool.replace('subnet ', 'spidersubnet/') : `spiderippool/${row.pool}`,
}

/** `pool overlap`: among pools and subnets, with nodes, Services and the pods' overlay. */
export const poolOverlap: CtlCommand = async context => {
  const { cluster } = context
  const [pools, subnets, reserved, nodes, coordinator] = await Promise.all([
    cluster.all<SpiderIPPool>(SPIDER_IPPOOLS),
    cluster.ifAllowed(SPIDER_SUBNETS, cluster.all<SpiderSubnet>(SPIDER_SUBNETS)),
    cluster.all<SpiderReservedIP>(SPIDER_RESERVEDIPS),
    cluster.ifAllowed(NODES, cluster.all<NodeAddresses>(NODES)),
    cluster.ifAllowed(
      SPIDER_COORDINATORS,
      cluster.find<SpiderCoordinator>(SPIDER_COORDINATORS, { name: COORDINATOR_NAME }),
    ),
  ])
  const { serviceCIDR = [], overlayPodCIDR: podCIDR = [] } = coordinator?.status ?? {}
  if (serviceCIDR.length === 0)
    context.warn(`SpiderCoordinator ${COORDINATOR_NAME} has no CIDRs; Services and the overlay are not compared`)
  const rows = overlapsOf({
    ...{ pools: byName(pools), subnets: byName(subnets ?? []), nodes: byName(nodes ?? []) },
    ...{ reserved, serviceCIDR, podCIDR },
  })
  printRows(context, rows, OVERLAP_ROWS)
  if (rows.length > 0) return 'no'
  if (context.format === 'table' || context.format === 'wide')
    context.print(
      `no overlap among ${counted(pools.length, 'pool')}, ${counted(subnets?.length ?? 0, 'subnet')} and ${counted(nodes?.length ?? 0, 'node')}\n`,
    )
  return 'ok'
}
