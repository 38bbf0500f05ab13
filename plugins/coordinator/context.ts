// What the plan stands on, read out of what was seen: mode, veth, families, the node's addresses, the table of the NIC. Pure.
import { CniError } from '../../lib/cni/error.js'
import { familyOf, type Family, type Ip } from '../../lib/ip/address.js'
import { containsIp, networkOf } from '../../lib/ip/cidr.js'
import type { Mac } from '../../lib/ip/mac.js'
import { linkNamed, type NetnsState, type Observed, type ObservedLink } from '../../lib/plan/state.js'
import type { CoordinatorSettings } from './settings.js'
import { markTableFor, otherDefaultNic, tableFor } from './tables.js'

export const POD_VETH = 'veth0'
/** <linux/rtnetlink.h> RT_TABLE_MAIN, RT_SCOPE_LINK. */
export const MAIN = 254
export const SCOPE_LINK = 253
/** Of the default interface; further ones have the numbers above it. */
export const FIRST_TABLE = 101

/** As the runtime's users find it on the node: at most 15 bytes. */
export const hostVethName = (containerID: string): string => `veth${containerID.slice(0, 11)}`

export type WorkingMode = 'underlay' | 'overlay'

/** The two ends of the way between pod and node. */
export interface Veth {
  readonly pod: string
  readonly podMac: Mac
  readonly node: string
  readonly nodeMac: Mac
  /** Not there yet: it is to be made with these names and MACs. */
  readonly isNew: boolean
}

export interface CoordinatorContext {
  readonly ifName: string
  readonly settings: CoordinatorSettings
  readonly pod: NetnsState
  readonly node: NetnsState
  readonly mode: WorkingMode
  /** Underlay, and the pod's default interface: the one that the veth is made with. */
  readonly isDefaultInterface: boolean
  readonly veth: Veth
  /** Usable addresses of the NIC, and their families. */
  readonly own: readonly Ip[]
  readonly families: readonly Family[]
  /** The node's addresses that the pod reaches by the veth; the first of a family is the gateway of all that is hijacked. */
  readonly hostIps: readonly Ip[]
  /** The families of `own` that the node has an address of. */
  readonly nodeFamilies: readonly Family[]
  /** Those of them whose ways to the node stand in main and lead the pod's answers: the default interface's; a secondary one's, which the first has not. */
  readonly mainFamilies: readonly Family[]
  /** What the pod calls itself on the veth: the default interface's first IPv4 address. IPv6 chooses by itself. */
  readonly source: Ip | undefined
  readonly table: number
  /** Of what came by the veth, or in an overlay of the default interface's own address. */
  readonly markTable: number
  /** The families of `own` that the table is for. Where no other NIC has a default route, main does as well, and no rule leads to the table. */
  readonly tableFamilies: readonly Family[]
  /** Gateways that the main plugin gave the NIC's default routes. */
  readonly prevGateways: readonly Ip[]
}

/**
 * Neither of its link only (169.254.0.0/16, fe80::/10) nor a group's (224.0.0.0/4, ff00::/8). Asked of every address that is seen, several
 * times: the beginning of the canonical text tells it.
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

/** Usable addresses of all links but lo. */
export const podIps = (pod: NetnsState): readonly Ip[] =>
  pod.addresses.filter(({ dev, address }) => dev !== 'lo' && isUsable(address.ip)).map(({ address }) => address.ip)

export const gatewayOf = ({ hostIps }: Pick<CoordinatorContext, 'hostIps'>, family: Family): Ip | undefined =>
  hostIps.find(ip => familyOf(ip) === family)

/** Throws CniError where the mode does not fit the pod. */
export function modeFor(
  asked: CoordinatorSettings['mode'],
  ifName: string,
  firstNic: string,
  pod: NetnsState,
): WorkingMode {
  const hasVeth = linkNamed(pod, POD_VETH) !== undefined
  const mode =
    asked === 'underlay' || asked === 'overlay' ? asked : ifName === firstNic || hasVeth ? 'underlay' : 'overlay'
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

/** Families that are the pod's by this NIC alone. */
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
  readonly seen: Observed
  readonly prevGateways: readonly Ip[]
  /** Two that nobody has, for a veth that is to be made. */
  readonly macs: { readonly pod: Mac; readonly node: Mac }
}

/** Throws CniError for a pod or node that cannot be coordinated, naming what is missing. */
export function contextOf({
  ifName,
  containerID,
  settings,
  mode,
  seen,
  prevGateways,
  macs,
}: ContextInput): CoordinatorContext {
  const { pod, node } = seen
  const { defaultIfName } = settings
  const own = ownAddresses(pod, ifName)
  const families = ([4, 6] as const).filter(family => own.some(ip => familyOf(ip) === family))
  const isFirst = mode === 'underlay' && ifName === defaultIfName
  const veth = mode === 'overlay' ? overlayVeth(seen, defaultIfName) : underlayVeth(seen, containerID, isFirst, macs)
  const hostIps = hostIpsFor(pod, node, settings.hostRuleTable).filter(ip => families.includes(familyOf(ip)))
  const reached = families.filter(family => hostIps.some(ip => familyOf(ip) === family))
  if (reached.length === 0)
    throw new CniError(
      'internal',
      `failed to get IPAddressOnNode: the node has no ${families.map(family => `IPv${family}`).join(' or ')} address that pod ip ${own[0] ?? ''} could reach it by`,
    )
  const source = addressesOf(pod, defaultIfName).find(ip => familyOf(ip) === 4)
  const markTable = markTableFor(pod, { podVeth: veth.pod, isOverlay: mode === 'overlay' })
  const table = isFirst
    ? FIRST_TABLE
    : tableFor(pod, { ifName, own, podVeth: veth.pod, markTable, takesOver: settings.defaultRouteNic === ifName })
  const isLed = (of: Family): boolean =>
    pod.rules.some(rule => rule.family === of && rule.from !== undefined && rule.table === table)
  const tabled = families.filter(
    family => !settings.tunePodRoutes || otherDefaultNic(pod, ifName, family) !== undefined || isLed(family),
  )
  const led = isFirst || mode === 'overlay' ? reached : reached.filter(family => !has(pod, defaultIfName, family))
  return {
    ...{ ifName, settings, pod, node, mode, isDefaultInterface: isFirst, veth, own, families },
    ...{
      hostIps,
      nodeFamilies: reached,
      mainFamilies: led,
      source,
      table,
      markTable,
      tableFamilies: tabled,
      prevGateways,
    },
  }
}

/** Whether a link has a usable address of the family. */
export const has = (state: NetnsState, link: string, family: Family): boolean =>
  addressesOf(state, link).some(ip => familyOf(ip) === family)

function ownAddresses(pod: NetnsState, ifName: string): readonly Ip[] {
  if (linkNamed(pod, ifName) === undefined)
    throw new CniError('internal', `failed to read addresses on "${ifName}": Link not found`)
  const own = addressesOf(pod, ifName)
  if (own.length === 0) throw new CniError('internal', `no usable IP addresses on "${ifName}"`)
  return own
}

/** Each is the other's other end: names alone are not believed. */
export const arePeers = (a: ObservedLink, b: ObservedLink): boolean =>
  a.parentElsewhere && b.parentElsewhere && a.parent === b.index && b.parent === a.index

function underlayVeth(seen: Observed, containerID: string, isFirst: boolean, macs: ContextInput['macs']): Veth {
  const name = hostVethName(containerID)
  const inPod = linkNamed(seen.pod, POD_VETH)
  const onNode = linkNamed(seen.node, name)
  if (inPod?.mac && onNode?.mac && inPod.kind === 'veth' && onNode.kind === 'veth' && arePeers(inPod, onNode))
    return { pod: POD_VETH, podMac: inPod.mac, node: name, nodeMac: onNode.mac, isNew: false }
  if (!isFirst)
    throw new CniError(
      'internal',
      `veth pair ${POD_VETH} of the container and ${name} of the node is broken`,
      `${onNode ? `${name} is no peer of ${POD_VETH}` : `the node has no ${name}`}; the pod must be made anew`,
    )
  if (inPod || onNode)
    throw new CniError(
      'internal',
      `container veth name ("${POD_VETH}") peer provided ("${name}") already exists`,
      `${[inPod && `${POD_VETH} in the container`, onNode && `${name} on the node`].filter(Boolean).join(' and ')} belongs to somebody else`,
    )
  return { pod: POD_VETH, podMac: macs.pod, node: name, nodeMac: macs.node, isNew: true }
}

const PAIRED: readonly (string | undefined)[] = ['veth', 'netkit']

/** In an overlay the CNI of the default interface made the pair; its other end is known by number only. */
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

/** Links of the node whose addresses are not the node's own. */
const NOT_THE_NODES = /^(docker|cbr|dummy|virbr|lxcbr|veth|cali|flannel|kube-ipvs|cni|cilium)|^lo$|^vx-submariner/

const theNodes = (node: NetnsState): NetnsState['addresses'] =>
  node.addresses.filter(({ dev, address }) => !NOT_THE_NODES.test(dev) && isUsable(address.ip))

/** The node's addresses on the network that an address is in. Of one alone it is plain that the node answers from it. */
const besideOf = (node: NetnsState, ip: Ip): readonly Ip[] =>
  theNodes(node)
    .filter(({ address }) => containsIp(networkOf(address), ip))
    .map(({ address }) => address.ip)

/** The pod's addresses of which only the kernel can say what the node answers them from. For an IPv6 one it goes through all of the node's links. */
export const unclear = (pod: NetnsState, node: NetnsState): readonly Ip[] =>
  podIps(pod).filter(ip => besideOf(node, ip).length !== 1)

/**
 * The node's addresses, each once: first the gateway that the pod has already, so that nothing moves without need; then what the node itself
 * would answer the pod's addresses from; then all others. A lookup that leads by our own table tells only what we put there.
 */
export function hostIpsFor(pod: NetnsState, node: NetnsState, hostRuleTable: number): readonly Ip[] {
  const all = theNodes(node).map(({ address }) => address.ip)
  const answering = podIps(pod).flatMap(ip => {
    const beside = besideOf(node, ip)
    if (beside.length === 1) return beside
    const found = node.lookups[ip]
    return found?.src !== undefined && found.table !== hostRuleTable && isUsable(found.src) ? [found.src] : []
  })
  const used = pod.routes.flatMap(({ table, via }) =>
    via !== undefined && table !== MAIN && all.includes(via) ? [via] : [],
  )
  return [...new Set([...used, ...answering, ...all])]
}
