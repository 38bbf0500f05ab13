// Steps for the links: the NIC's MAC and queue length, the veth pair, and sysctls. Pure.
import { CniError } from '../../lib/cni/error.js'
import { bytesOf } from '../../lib/ip/address.js'
import { parseMac, type Mac } from '../../lib/ip/mac.js'
import { linkNamed } from '../../lib/plan/state.js'
import type { NetnsState, ObservedLink } from '../../lib/plan/state.js'
import type { Plan, Step, Where } from '../../lib/plan/step.js'
import { addressesOf, type CoordinatorContext } from './context.js'

/** RFC 8200 §5; below it the kernel disables IPv6 on a link. */
const IPV6_MTU_MIN = 1280

/** podMACPrefix and the last four bytes of the NIC's first address. */
export function macFor(prefix: string, { own }: Pick<CoordinatorContext, 'own'>): Mac | undefined {
  const [first] = own
  const tail = first === undefined ? [] : [...bytesOf(first).subarray(-4)]
  return parseMac([prefix, ...tail.map(byte => byte.toString(16).padStart(2, '0'))].join(':'))
}

/** Steps for the NIC of the call. */
export function nicSteps(context: CoordinatorContext): Plan {
  const { ifName: name, settings, pod } = context
  const link = linkNamed(pod, name)
  if (link === undefined) return []
  const mac = settings.macPrefix === undefined ? undefined : macFor(settings.macPrefix, context)
  const { txQueueLen: length } = settings
  const here = { where: 'pod', name } as const
  return [
    { verb: 'setUp', ...here, was: link.up },
    ...(mac !== undefined && link.mac !== undefined ? [{ verb: 'setMac', ...here, mac, was: link.mac } as const] : []),
    ...(length > 0 ? [{ verb: 'setQueueLength', ...here, length, was: link.queueLength } as const] : []),
  ]
}

/**
 * Steps for the veth pair. The MACs are part of the request: udev may change them before a later
 * one.
 * @throws CniError for a vethMTU too small for IPv6
 */
export function vethSteps(context: CoordinatorContext): Plan {
  const { veth, node, pod, settings, families } = context
  const { vethMtu: mtu, vethLinkAddress: ip } = settings
  if (mtu < IPV6_MTU_MIN && families.includes(6))
    throw new CniError('invalidConfig', `vethMTU is ${mtu}; IPv6, which the pod has, needs ${IPV6_MTU_MIN} or more`)
  const ends = [
    { where: 'node', name: veth.node, is: linkNamed(node, veth.node) },
    { where: 'pod', name: veth.pod, is: linkNamed(pod, veth.pod) },
  ] as const
  return [
    {
      verb: 'addLink',
      where: 'pod',
      name: veth.pod,
      mac: veth.podMac,
      ...(veth.isNew && { mtu }),
      link: { kind: 'veth', peer: { where: 'node', name: veth.node, mac: veth.nodeMac, ...(veth.isNew && { mtu }) } },
    },
    ...ends.flatMap(({ is, ...end }): Plan => (is === undefined ? [] : [{ verb: 'setMtu', ...end, mtu, was: is.mtu }])),
    ...acceptNoRouters(context),
    ...ends.map(({ is, ...end }): Step => ({ verb: 'setUp', ...end, was: is?.up ?? false })),
    ...(ip !== undefined && families.includes(4)
      ? [{ verb: 'addAddress', where: 'pod', name: veth.pod, address: { ip, length: 32 } } as const]
      : []),
  ]
}

/**
 * The node ignores router advertisements of the pod. Below an MTU of 1280 the link has no IPv6
 * sysctls.
 */
function acceptNoRouters({ node, veth, settings }: CoordinatorContext): Plan {
  if (node.sysctls[NODE_HAS_IPV6] === undefined || settings.vethMtu < IPV6_MTU_MIN) return []
  return [sysctl(node, 'node', acceptRa(veth.node), '0')]
}

const NODE_HAS_IPV6 = 'net/ipv6/conf/all/accept_ra'
const acceptRa = (link: string): string => `net/ipv6/conf/${link}/accept_ra`
const disableIpv6 = (link: string): string => `net/ipv6/conf/${link}/disable_ipv6`
const rpFilter = (link: string): string => `net/ipv4/conf/${link}/rp_filter`

/** Paths of the node's sysctls that the plan reads. */
export const nodeSysctls = (vethOnNode: string): readonly string[] => [NODE_HAS_IPV6, acceptRa(vethOnNode)]

/**
 * The same in the pod. For rp_filter the maximum of `all` and the link counts, for disable_ipv6 the
 * link.
 */
export const podSysctls = (ifName: string, vethInPod: string): readonly string[] => [
  ...[...new Set(['all', vethInPod])].map(disableIpv6),
  ...filtered(ifName, vethInPod).map(rpFilter),
]

const filtered = (ifName: string, vethInPod: string): readonly string[] => [
  ...new Set(['all', 'default', ifName, vethInPod]),
]

/** Steps for disable_ipv6 and rp_filter. */
export function sysctlSteps({ pod, ifName, veth, families, settings }: CoordinatorContext): Plan {
  const { rpFilter: value } = settings
  const enabling = families.includes(6) ? [...new Set(['all', veth.pod])].map(disableIpv6) : []
  const paths = value === undefined ? [] : filtered(ifName, veth.pod).map(rpFilter)
  return [
    ...enabling.map(path => sysctl(pod, 'pod', path, '0')),
    ...paths.map(path => sysctl(pod, 'pod', path, String(value))),
  ]
}

const sysctl = (state: NetnsState, where: Where, path: string, value: string): Step => ({
  verb: 'setSysctl',
  where,
  path,
  value,
  was: state.sysctls[path],
})

/** The pod's other NICs that have addresses. */
export const otherNics = ({
  pod,
  ifName,
  veth,
}: Pick<CoordinatorContext, 'pod' | 'ifName' | 'veth'>): readonly ObservedLink[] =>
  pod.links.filter(
    ({ name }) => name !== 'lo' && name !== ifName && name !== veth.pod && addressesOf(pod, name).length > 0,
  )
