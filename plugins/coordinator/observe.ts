// Observes pod and node with narrow queries: a node may have thousands of links.
import { familyOf, type Family, type Ip } from '../../lib/ip/address.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import type { Query } from '../../lib/kernel/observe.js'
import { NFT_TABLE } from '../../lib/plan/nft-table.js'
import { linkNamed, EMPTY_NETNS, type NetnsState, type Observed } from '../../lib/plan/state.js'
import {
  familiesOnlyOf,
  hostIpsFor,
  hostVethName,
  modeFor,
  podIps,
  POD_VETH,
  ambiguousIps,
  type WorkingMode,
} from './context.js'
import { nodeSysctls, podSysctls } from './nic.js'
import { needsLookups, packetsToPod } from './rule-priorities.js'
import type { CoordinatorSettings } from './settings.js'
import { hostOf } from './tables.js'

interface ObserveInput {
  readonly ifName: string
  readonly containerID: string
  readonly settings: CoordinatorSettings
}

/**
 * The state for ADD, CHECK and a dry run.
 * @throws CniError if the mode does not fit the pod; NetlinkError
 */
export function observeAll(
  kernel: Kernel,
  { ifName, containerID, settings }: ObserveInput,
): { mode: WorkingMode; observed: Observed } {
  const { mode: configured, defaultIfName } = settings
  const sysctls = [...new Set([...podSysctls(ifName, POD_VETH), ...podSysctls(ifName, defaultIfName)])]
  const pod = observePod(kernel, { sysctls, neighsOn: 'all', ...(ifName === defaultIfName && { nft: [NFT_TABLE] }) })
  const mode = modeFor(configured, ifName, defaultIfName, pod)
  const veth = mode === 'underlay' ? hostVethName(containerID) : parentOf(pod, defaultIfName)
  const links = veth === undefined ? [] : [veth]
  const ips = podIps(pod)
  const { node } = kernel.observe({
    node: {
      links,
      addressesOn: 'global',
      addressesOf: onlyFamilyOf(ips),
      routes: { table: settings.hostRuleTable, to: ips },
      rules: true,
      ...(veth !== undefined && { neighsOn: veth }),
      ...(typeof veth === 'string' && { sysctls: nodeSysctls(veth) }),
    },
  })
  const { hostRuleTable: table } = settings
  const observed = { ...withStaleNeighs(kernel, { pod, node, table }), lookups: lookupsFor(kernel, pod, node) }
  return {
    mode,
    observed: { pod, node: { ...observed, resolved: resolvedFor(kernel, { pod, node: observed, table }) } },
  }
}

/** Route lookups for packets from the node to the pod, only if rules of others precede ours. */
function resolvedFor(
  kernel: Kernel,
  { pod, node, table }: { pod: NetnsState; node: NetnsState; table: number },
): NetnsState['resolved'] {
  const ips = podIps(pod)
  if (!needsLookups(node, ips, table)) return []
  const hostIps = hostIpsFor(pod, node, table)
  const packets = packetsToPod({ node, hostIps, ips, hostRuleTable: table })
  return kernel.observe({ node: { packets } }).node.resolved
}

const lookupsFor = (kernel: Kernel, pod: NetnsState, node: NetnsState): NetnsState['lookups'] => {
  const lookups = ambiguousIps(pod, node)
  return lookups.length === 0 ? {} : kernel.observe({ node: { lookups } }).node.lookups
}

const observePod = (kernel: Kernel, more: Pick<Query, 'sysctls' | 'nft' | 'neighsOn'>): NetnsState =>
  kernel.observe({ pod: { links: 'all', addressesOn: 'all', routes: {}, rules: true, ...more } }).pod

/** Undefined: both. */
const onlyFamilyOf = (ips: readonly Ip[]): Family | undefined =>
  ips.some(ip => familyOf(ip) === 6) ? (ips.some(ip => familyOf(ip) === 4) ? undefined : 6) : 4

/** The index of a veth's peer. */
const parentOf = (pod: NetnsState, name: string): number | undefined => linkNamed(pod, name)?.parent

/** Adds the neighbours of other links with routes to our addresses: of an older pod. */
function withStaleNeighs(
  kernel: Kernel,
  { pod, node, table }: { pod: NetnsState; node: NetnsState; table: number },
): NetnsState {
  const hosts = podIps(pod).map(hostOf)
  const links = node.links.map(({ name }) => name)
  const stale = node.routes.flatMap(({ dst, dev, table: of }) =>
    of === table && dev !== undefined && hosts.includes(dst) && !links.includes(dev) ? [dev] : [],
  )
  const more = [...new Set(stale)].flatMap(link => kernel.observe({ node: { neighsOn: link } }).node.neighs)
  return { ...node, neighs: [...node.neighs, ...more] }
}

const routesBy = (kernel: Kernel, link: number): NetnsState['routes'] =>
  kernel.observe({ node: { routes: { on: link } } }).node.routes

/**
 * The state for DEL. A pod that is gone is empty; `table` is read first.
 * @throws NetlinkError, NetnsError
 */
export function observeForDel(
  kernel: Kernel,
  {
    ifName,
    containerID,
    firstNic,
    table,
    hasPod,
  }: Omit<ObserveInput, 'settings'> & { firstNic: string; table: number; hasPod: boolean },
): Observed {
  const pod = hasPod ? observePod(kernel, {}) : EMPTY_NETNS
  const name = hostVethName(containerID)
  const isOverlay = linkNamed(pod, POD_VETH) === undefined && ifName !== firstNic
  const veth = isOverlay ? parentOf(pod, firstNic) : name
  const { node } = kernel.observe({
    node: {
      links: veth === undefined ? [name] : [...new Set([name, veth])],
      ...(veth !== undefined && { routes: { table, on: veth } }),
    },
  })
  const there = node.links.find(link => link.name === veth || link.index === veth)
  // All tables of a full node have thousands of routes: read only if `table` has none by the veth.
  const inTable = there ? node.routes : kernel.observe({ node: { routes: { table } } }).node.routes
  const routes = there && inTable.length === 0 ? routesBy(kernel, there.index) : inTable
  const goesWhole = there?.kind === 'veth' && ifName === firstNic // and its neighbours too
  const neighs = there && !goesWhole ? kernel.observe({ node: { neighsOn: there.index } }).node.neighs : []
  const goesWithFamily = ifName !== firstNic && familiesOnlyOf(pod, ifName).length > 0
  const inPod = hasPod && (isOverlay || goesWithFamily) ? kernel.observe({ pod: { neighsOn: 'all' } }).pod.neighs : []
  const globalQuery: Query = { addressesOn: 'global', addressesOf: onlyFamilyOf(podIps(pod)) }
  const addresses = isOverlay ? kernel.observe({ node: globalQuery }).node.addresses : []
  const lookups = isOverlay ? lookupsFor(kernel, pod, { ...node, addresses }) : {}
  return {
    pod: { ...pod, neighs: inPod },
    node: { ...node, routes, neighs, addresses, lookups },
  }
}
