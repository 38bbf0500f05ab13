// The inputs of the plan, derived from the observed state: mode, veth, families, tables. Pure.
import { RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import { CniError } from '../../lib/cni/error.js'
import { familyOf, type Family, type Ip } from '../../lib/ip/address.js'
import { containsIp, networkOf } from '../../lib/ip/cidr.js'
import type { Mac } from '../../lib/ip/mac.js'
import { linkNamed, type NetnsState, type Observed, type ObservedLink } from '../../lib/plan/state.js'
import type { CoordinatorSettings } from './settings.js'
import { FIRST_TABLE, markTableFor, otherDefaultNic, tableFor } from './tables.js'

export const POD_VETH = 'veth0'

/**
 * The node's end of the veth: `veth` and 11 characters of the container ID, the most that IFNAMSIZ
 * allows.
 */
export const hostVethName = (containerID: string): string => `veth${containerID.slice(0, 11)}`

export type WorkingMode = 'underlay' | 'overlay'

/** The veth pair between pod and node. */
export interface Veth {
  readonly pod: string
  readonly podMac: Mac
  readonly node: string
  readonly nodeMac: Mac
  /** It is to be created with these names and MACs. */
  readonly isNew: boolean
}

export interface CoordinatorContext {
  readonly ifName: string
  readonly settings: CoordinatorSettings
  readonly pod: NetnsState
  readonly node: NetnsState
  readonly mode: WorkingMode
  /** Underlay, and the pod's default interface, whose ADD creates the veth. */
  readonly isDefaultInterface: boolean
  readonly veth: Veth
  /** Usable addresses of the NIC, and their families. */
  readonly own: readonly Ip[]
  readonly families: readonly Family[]
  /**
   * Addresses of the node with routes by the veth; the first of a family is the gateway of `cidrs`.
   */
  readonly hostIps: readonly Ip[]
  /** The families of `own` that the node has an address of. */
  readonly nodeFamilies: readonly Family[]
  /**
   * Those whose host routes are in table main: of the default interface, or that it has no address
   * of.
   */
  readonly mainFamilies: readonly Family[]
  /**
   * IPv4 source address on the veth: the default interface's first. IPv6 selects one (RFC 6724).
   */
  readonly source: Ip | undefined
  readonly table: number
  /**
   * Table of replies to what came by the veth; in an overlay, of the default interface's address.
   */
  readonly markTable: number
  /** Families of `own` with a rule to `table`: those that another NIC has a default route of. */
  readonly tableFamilies: readonly Family[]
  /** Gateways of the NIC's default routes in prevResult. */
  readonly prevGateways: readonly Ip[]
}

/**
 * False for link-local (169.254.0.0/16, fe80::/10) and multicast addresses (224.0.0.0/4, ff00::/8).
 * Called often, so that it reads the canonical text.
 */
export function isUsable(ip: Ip): boolean {
  if (familyOf(ip) === 4) {
    const first = Number.parseInt(ip, 10)
    return !ip.startsWith('169.254.') && (first < 224 || first > 239)
  }
  const first = ip.startsWith('::') ? 0 : Number.parseInt(ip, 16)
  return (first & 0xffc0) !== 0xfe80 && (first & 0xff00) !== 0xff00
}

/** Usable addresses of a link, in the kernel's order. */
export const addressesOf = (state: NetnsState, link: string): readonly Ip[] =>
  state.addresses.filter(has => has.dev === link && isUsable(has.address.ip)).map(({ address }) => address.ip)

/** Usable addresses of all links except lo. */
export const podIps = (pod: NetnsState): readonly Ip[] =>
  pod.addresses.filter(({ dev, address }) => dev !== 'lo' && isUsable(address.ip)).map(({ address }) => address.ip)

/** The first address of the node of a family. */
export const gatewayOf = ({ hostIps }: Pick<CoordinatorContext, 'hostIps'>, family: Family): Ip | undefined =>
  hostIps.find(ip => familyOf(ip) === family)

/**
 * The mode of a call.
 * @throws CniError if it does not fit the pod
 */
export function modeFor(
  configured: CoordinatorSettings['mode'],
  ifName: string,
  firstNic: string,
  pod: NetnsState,
): WorkingMode {
  const hasVeth = linkNamed(pod, POD_VETH) !== undefined
  const mode =
    configured === 'underlay' || configured === 'overlay'
      ? configured
      : ifName === firstNic || hasVeth
        ? 'underlay'
        : 'overlay'
  const when = `when creating interface ${ifName} in ${mode} mode, it detects that`
  if (mode === 'underlay' && ifName !== firstNic && !hasVeth)
    throw new CniError(
      'internal',
      `${when} the auxiliary interface ${POD_VETH} was not created by previous interface. please enable coordinator plugin in previous interface`,
    )
  if (mode === 'overlay' && ifName === firstNic)
    throw new CniError(
      'internal',
      `${when} the current interface is first interface named ${ifName}, this plugin should not work for it. please modify in the CNI configuration`,
    )
  if (mode === 'overlay' && hasVeth)
    throw new CniError(
      'internal',
      `${when} the auxiliary interface ${POD_VETH} of underlay mode exists. It seems that the previous interface work in underlay mode. `,
    )
  return mode
}

/** Families that no other NIC of the pod has an address of. */
export const familiesOnlyOf = (pod: NetnsState, ifName: string): readonly Family[] =>
  ([4, 6] as const).filter(
    family =>
      has(pod, ifName, family) &&
      !pod.links.some(({ name }) => !['lo', ifName, POD_VETH].includes(name) && has(pod, name, family)),
  )

export interface ContextInput {
  readonly ifName: string
  readonly containerID: string
  readonly settings: CoordinatorSettings
  readonly mode: WorkingMode
  readonly observed: Observed
  readonly prevGateways: readonly Ip[]
  /** Random MACs for a new veth. */
  readonly macs: { readonly pod: Mac; readonly node: Mac }
}

/**
 * The inputs of the plan.
 * @throws CniError naming what the pod or the node has not
 */
export function contextOf({
  ifName,
  containerID,
  settings,
  mode,
  observed,
  prevGateways,
  macs,
}: ContextInput): CoordinatorContext {
  const { pod, node } = observed
  const { defaultIfName } = settings
  const own = ownAddresses(pod, ifName)
  const families = ([4, 6] as const).filter(family => own.some(ip => familyOf(ip) === family))
  const isDefaultInterface = mode === 'underlay' && ifName === defaultIfName
  const veth =
    mode === 'overlay'
      ? overlayVeth(observed, defaultIfName)
      : underlayVeth(observed, containerID, isDefaultInterface, macs)
  const hostIps = hostIpsFor(pod, node, settings.hostRuleTable).filter(ip => families.includes(familyOf(ip)))
  const nodeFamilies = families.filter(family => hostIps.some(ip => familyOf(ip) === family))
  if (nodeFamilies.length === 0)
    throw new CniError(
      'internal',
      `failed to get IPAddressOnNode: the node has no ${families.map(family => `IPv${family}`).join(' or ')} address that pod ip ${own[0] ?? ''} could reach it by`,
    )
  const source = addressesOf(pod, defaultIfName).find(ip => familyOf(ip) === 4)
  const markTable = markTableFor(pod, { podVeth: veth.pod, isOverlay: mode === 'overlay' })
  const table = isDefaultInterface
    ? FIRST_TABLE
    : tableFor(pod, { ifName, own, podVeth: veth.pod, markTable, takesOver: settings.defaultRouteNic === ifName })
  const hasRule = (of: Family): boolean =>
    pod.rules.some(rule => rule.family === of && rule.from !== undefined && rule.table === table)
  const tableFamilies = families.filter(
    family => !settings.tunePodRoutes || otherDefaultNic(pod, ifName, family) !== undefined || hasRule(family),
  )
  const mainFamilies =
    isDefaultInterface || mode === 'overlay'
      ? nodeFamilies
      : nodeFamilies.filter(family => !has(pod, defaultIfName, family))
  return {
    ifName,
    settings,
    pod,
    node,
    mode,
    isDefaultInterface,
    veth,
    own,
    families,
    hostIps,
    nodeFamilies,
    mainFamilies,
    source,
    table,
    markTable,
    tableFamilies,
    prevGateways,
  }
}

/** Whether a link has a usable address of a family. */
export const has = (state: NetnsState, link: string, family: Family): boolean =>
  addressesOf(state, link).some(ip => familyOf(ip) === family)

function ownAddresses(pod: NetnsState, ifName: string): readonly Ip[] {
  if (linkNamed(pod, ifName) === undefined)
    throw new CniError('internal', `failed to read addresses on "${ifName}": Link not found`)
  const own = addressesOf(pod, ifName)
  if (own.length === 0) throw new CniError('internal', `no usable IP addresses on "${ifName}"`)
  return own
}

/** Whether two links are the ends of one veth, verified by the ifindex of both ends. */
export const arePeers = (a: ObservedLink, b: ObservedLink): boolean =>
  a.parentElsewhere && b.parentElsewhere && a.parent === b.index && b.parent === a.index

function underlayVeth(
  observed: Observed,
  containerID: string,
  isDefaultInterface: boolean,
  macs: ContextInput['macs'],
): Veth {
  const name = hostVethName(containerID)
  const inPod = linkNamed(observed.pod, POD_VETH)
  const onNode = linkNamed(observed.node, name)
  if (inPod?.mac && onNode?.mac && inPod.kind === 'veth' && onNode.kind === 'veth' && arePeers(inPod, onNode))
    return { pod: POD_VETH, podMac: inPod.mac, node: name, nodeMac: onNode.mac, isNew: false }
  if (!isDefaultInterface)
    throw new CniError(
      'internal',
      `veth pair ${POD_VETH} of the container and ${name} of the node is broken`,
      `${onNode ? `${name} is no peer of ${POD_VETH}` : `the node has no ${name}`}; the pod must be created again`,
    )
  if (inPod || onNode)
    throw new CniError(
      'internal',
      `container veth name ("${POD_VETH}") peer provided ("${name}") already exists`,
      `${[inPod && `${POD_VETH} in the container`, onNode && `${name} on the node`].filter(Boolean).join(' and ')} is not coordinator's`,
    )
  return { pod: POD_VETH, podMac: macs.pod, node: name, nodeMac: macs.node, isNew: true }
}

const PAIRED: readonly (string | undefined)[] = ['veth', 'netkit']

/** In an overlay the default interface's CNI made the pair; the peer is known by its index. */
function overlayVeth({ pod, node }: Observed, firstNic: string): Veth {
  const inPod = linkNamed(pod, firstNic)
  if (inPod === undefined)
    throw new CniError('internal', `the container has no ${firstNic}, by which the node would be reached`)
  const onNode = node.links.find(({ index }) => index === inPod.parent)
  const isPair = PAIRED.includes(inPod.kind) && inPod.kind === onNode?.kind
  if (!isPair || !inPod.mac || !onNode?.mac || !arePeers(inPod, onNode))
    throw new CniError(
      'internal',
      `failed to find the node's end of ${firstNic}, which is of kind ${inPod.kind ?? 'none'}`,
      'in overlay mode the first interface must be a veth whose other end is on the node',
    )
  return { pod: firstNic, podMac: inPod.mac, node: onNode.name, nodeMac: onNode.mac, isNew: false }
}

/** Links whose addresses are not the node's own. */
const FOREIGN_LINKS = /^(docker|cbr|dummy|virbr|lxcbr|veth|cali|flannel|kube-ipvs|cni|cilium)|^lo$|^vx-submariner/

const ownAddressesOf = (node: NetnsState): NetnsState['addresses'] =>
  node.addresses.filter(({ dev, address }) => !FOREIGN_LINKS.test(dev) && isUsable(address.ip))

/** The node's addresses in the network of an address. If there is one, the node answers from it. */
const inNetworkOf = (node: NetnsState, ip: Ip): readonly Ip[] =>
  ownAddressesOf(node)
    .filter(({ address }) => containsIp(networkOf(address), ip))
    .map(({ address }) => address.ip)

/** The pod's addresses that need a route lookup to find the node's source address. */
export const ambiguousIps = (pod: NetnsState, node: NetnsState): readonly Ip[] =>
  podIps(pod).filter(ip => inNetworkOf(node, ip).length !== 1)

/**
 * The node's addresses: first the gateway that the pod has already, so that it does not change;
 * then the node's source addresses for the pod; then all others. A lookup in our own table is
 * ignored.
 */
export function hostIpsFor(pod: NetnsState, node: NetnsState, hostRuleTable: number): readonly Ip[] {
  const all = ownAddressesOf(node).map(({ address }) => address.ip)
  const answering = podIps(pod).flatMap(ip => {
    const candidates = inNetworkOf(node, ip)
    if (candidates.length === 1) return candidates
    const found = node.lookups[ip]
    return found?.src !== undefined && found.table !== hostRuleTable && isUsable(found.src) ? [found.src] : []
  })
  const used = pod.routes.flatMap(({ table, via }) =>
    via !== undefined && table !== RT_TABLE_MAIN && all.includes(via) ? [via] : [],
  )
  return [...new Set([...used, ...answering, ...all])]
}
