// Plans the macvlan of a pod and its addresses, and builds the result. Pure.
import { parseIp, familyOf, type Ip } from '../../lib/ip/address.js'
import { networkOf, parsePrefix, type Prefix } from '../../lib/ip/cidr.js'
import { parseMac, type Mac } from '../../lib/ip/mac.js'
import { CniError } from '../../lib/cni/error.js'
import { aliasOf, ownerByAlias } from '../../lib/cni/link-alias.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { defaultRouteLink, linkNamed, type NetnsState, type Observed, type ObservedLink } from '../../lib/plan/state.js'
import type { MacvlanMode, Plan, Route, Step, StepOf, Where } from '../../lib/plan/step.js'
import type { MacvlanConf } from './config.js'

export type MacvlanCall = Pick<Call<MacvlanConf>, 'config' | 'ifName' | 'containerID' | 'args' | 'cniVersion' | 'netns'>

const MODES: readonly MacvlanMode[] = ['private', 'vepa', 'bridge', 'passthru']

/** The namespace of the master. */
export const whereMaster = ({ linkInContainer }: MacvlanConf): Where => (linkInContainer ? 'pod' : 'node')

/**
 * The name of the master: the conf's, else the first default route's device.
 * @throws CniError for none
 */
export function masterName(config: MacvlanConf, observed: Observed): string {
  const name = config.master || defaultRouteLink(observed[whereMaster(config)])
  if (name === undefined)
    throw new CniError(
      'internal',
      'no default route interface found',
      'name the interface in "master", or give the node a default route',
    )
  return name
}

/** The master as observed. @throws CniError with the reference plugin's sentence */
export function masterOf(config: MacvlanConf, observed: Observed, name: string): ObservedLink {
  const master = linkNamed(observed[whereMaster(config)], name)
  if (master === undefined)
    throw new CniError(
      'internal',
      'Link not found',
      `master "${name}" is no interface of ${config.linkInContainer ? 'the container' : 'this node'}`,
    )
  return master
}

/**
 * The temporary name of the link, `veth` and eight hex digits: a function of the attachment, so
 * that the leftover of a killed ADD is found. Needed since older kernels check the final name in
 * the node's namespace.
 */
export function temporaryName({ containerID, ifName }: Pick<MacvlanCall, 'containerID' | 'ifName'>): string {
  let hash = 0x811c9dc5 // FNV-1a, 32 bits
  for (const char of `${containerID}/${ifName}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return `veth${(hash >>> 0).toString(16).padStart(8, '0')}`
}

/** The requested MAC, '' for none: runtimeConfig over CNI_ARGS over the conf. */
export const macText = ({ config, args }: Pick<MacvlanCall, 'config' | 'args'>): string =>
  config.runtimeMac || args.get('MAC') || config.mac

function macOf({ config, args }: MacvlanCall): Mac | undefined {
  const text = macText({ config, args })
  if (text === '') return undefined
  const mac = parseMac(text)
  if (mac === undefined)
    throw new CniError(
      config.runtimeMac === '' && args.get('MAC') ? 'invalidEnv' : 'invalidConfig',
      `invalid args ${text} for MAC addr: address ${text}: invalid MAC address`,
    )
  return mac
}

function modeOf({ mode }: MacvlanConf): MacvlanMode {
  const supported = MODES.find(name => name === mode)
  if (supported === undefined)
    throw new CniError('invalidConfig', `unknown macvlan mode: "${mode}"`, `"mode" may be ${MODES.join(', ')}`)
  return supported
}

/**
 * The kernel gives a macvlan of mode passthru its master's MAC whatever the request says
 * (drivers/net/macvlan.c: macvlan_common_newlink).
 */
function checkPassthru(mode: MacvlanMode, mac: Mac | undefined, master: ObservedLink): void {
  if (mode !== 'passthru' || mac === undefined || mac === master.mac) return
  throw new CniError(
    'invalidConfig',
    `MAC address ${mac} cannot be set with mode "passthru": the interface has that of master "${master.name}", ${master.mac ?? 'none'}`,
    'leave the MAC address out, or take another mode',
  )
}

/** Creates the interface in the pod, without addresses. @throws CniError for an invalid conf */
export function nicPlan(call: MacvlanCall, master: ObservedLink): Plan {
  const { config, ifName } = call
  if (config.mtu < 0 || config.mtu > master.mtu)
    throw new CniError('invalidConfig', `invalid MTU ${config.mtu}, must be [0, master MTU(${master.mtu})]`)
  if (config.ipamType === '' && /^0\.[12]\.0$/.test(call.cniVersion))
    throw new CniError(
      'internal',
      'cannot convert: no valid IP addresses',
      `cniVersion ${call.cniVersion} needs an "ipam"`,
    )
  const mac = macOf(call)
  const mode = modeOf(config)
  checkPassthru(mode, mac, master)
  const name = temporaryName(call)
  return [
    {
      verb: 'addLink',
      where: 'pod',
      name,
      link: {
        kind: 'macvlan',
        on: master.name,
        onWhere: whereMaster(config),
        mode,
        ...(config.broadcastQueueLength > 0 && { broadcastQueueLength: config.broadcastQueueLength }),
      },
      ...(config.mtu > 0 && { mtu: config.mtu }),
      ...(mac !== undefined && { mac }),
    },
    { verb: 'rename', where: 'pod', name, to: ifName, alias: aliasOf(call.containerID) },
  ]
}

/**
 * Removes what the attachment alone identifies: its link, and the link of an ADD that was killed.
 */
export function planForDel({ containerID, ifName }: Pick<MacvlanCall, 'containerID' | 'ifName'>): Plan {
  return [...leftovers({ containerID, ifName }), removalOf({ ifName })]
}

/** The step that removes the NIC, with its routes and addresses. */
export const removalOf = ({ ifName }: Pick<MacvlanCall, 'ifName'>): StepOf<'removeLink'> => ({
  ...{ verb: 'removeLink', where: 'pod', name: ifName },
})

/** Removes what a killed ADD may have left. */
export const leftovers = (of: Pick<MacvlanCall, 'containerID' | 'ifName'>): Plan => [
  { verb: 'removeLink', where: 'pod', name: temporaryName(of) },
]

/**
 * True if DEL may remove the link: CNI_NETNS may refer to another pod by now. The alias that ADD
 * set names the owner; without one (Go's macvlan, older versions) the MAC or an address of
 * prevResult must match. Without prevResult any macvlan of the name is removed, as by the reference
 * plugin.
 */
export function isOwnLink({ containerID, ifName, prevResult }: Leaving, link: ObservedLink, pod: NetnsState): boolean {
  if (link.kind !== 'macvlan') return false
  const owner = ownerByAlias(link.alias, containerID)
  if (owner !== undefined) return owner === 'own'
  const at = prevResult?.interfaces?.findIndex(({ name, sandbox }) => name === ifName && sandbox) ?? -1
  const mac = prevResult?.interfaces?.[at]?.mac
  if (mac === undefined || mac.toLowerCase() === link.mac) return true
  const ips = (prevResult?.ips ?? []).filter(ip => ip.interface === undefined || ip.interface === at)
  return ips.some(({ address }) => {
    const prefix = parsePrefix(address)
    return prefix !== undefined && pod.addresses.some(has => has.dev === ifName && has.address.ip === prefix.ip)
  })
}

type Leaving = Pick<Call<MacvlanConf>, 'containerID' | 'ifName' | 'prevResult'>

/** Sysctls that make the kernel announce addresses when a link comes up. */
export const notifiersOf = (ifName: string): readonly string[] => [
  `net/ipv4/conf/${ifName}/arp_notify`,
  `net/ipv6/conf/${ifName}/ndisc_notify`,
]

/** Sysctls that addressPlan() depends on. */
export const sysctlsOf = (ifName: string): readonly string[] => [
  ...notifiersOf(ifName),
  'net/ipv6/conf/lo/disable_ipv6',
  `net/ipv6/conf/${ifName}/disable_ipv6`,
  `net/ipv6/conf/${ifName}/keep_addr_on_down`,
]

export interface Addressed {
  readonly addresses: readonly Prefix[]
  readonly gateways: readonly Ip[]
  readonly routes: readonly Route[]
}

/** The parsed IPAM result. @throws CniError for an invalid address */
export function addressedBy(ifName: string, result: Result): Addressed {
  const ips = result.ips ?? []
  if (ips.length === 0) throw new CniError('internal', 'IPAM plugin returned missing IP config')
  const addresses = ips.map(({ address }) => must(parsePrefix(address), 'ips[].address', address))
  const gateways = ips.flatMap(({ gateway }) => (gateway ? [must(parseIp(gateway), 'ips[].gateway', gateway)] : []))
  const first = (family: 4 | 6): Ip | undefined => gateways.find(ip => familyOf(ip) === family)
  const routes = (result.routes ?? []).map(({ dst, gw, mtu, advmss, priority, table, scope }): Route => {
    const network = must(parsePrefix(dst), 'routes[].dst', dst)
    const via = gw ? must(parseIp(gw), 'routes[].gw', gw) : first(familyOf(network.ip))
    const numbers = Object.entries({ mtu, advmss, metric: priority, table, scope }).filter(
      ([, number]) => number !== undefined,
    )
    return { dst: networkOf(network), dev: ifName, ...(via !== undefined && { via }), ...Object.fromEntries(numbers) }
  })
  return { addresses, gateways, routes }
}

function must<T>(parsed: T | undefined, key: string, text: string): T {
  if (parsed === undefined) throw new CniError('internal', `the IPAM's result has ${key} "${text}", which is not valid`)
  return parsed
}

const isIpv6 = ({ ip }: Prefix): boolean => familyOf(ip) === 6

/** Adds the addresses and sets the link up. */
export function addressPlan({ ifName }: Pick<MacvlanCall, 'ifName'>, { addresses }: Addressed, pod: NetnsState): Plan {
  const sysctl = (path: string, value: string, optional = false): Step => ({
    verb: 'setSysctl',
    where: 'pod',
    path,
    value,
    was: pod.sysctls[path],
    ...(optional && { optional }),
  })
  const enabling = ['lo', ifName]
    .map(name => `net/ipv6/conf/${name}/disable_ipv6`)
    .filter(path => pod.sysctls[path] !== undefined && pod.sysctls[path] !== '0')
  return [
    sysctl(`net/ipv4/conf/${ifName}/arp_notify`, '1', true),
    sysctl(`net/ipv6/conf/${ifName}/ndisc_notify`, '1', true),
    ...(addresses.some(isIpv6)
      ? [...enabling.map(path => sysctl(path, '0')), sysctl(`net/ipv6/conf/${ifName}/keep_addr_on_down`, '1')]
      : []),
    ...addresses.map((address): Step => ({ verb: 'addAddress', where: 'pod', name: ifName, address })),
    ...upPlan({ ifName }),
  ]
}

/** The whole configuration of an L2-only interface. */
export const upPlan = ({ ifName }: Pick<MacvlanCall, 'ifName'>): Plan => [
  { verb: 'setUp', where: 'pod', name: ifName, was: false },
]

/** The routes, added after DAD: a tentative address cannot be a source. */
export const routePlan = ({ routes }: Addressed): Plan =>
  routes.map((route): Step => ({ verb: 'addRoute', where: 'pod', route, how: 'prepend' }))

/** True if there is an IPv6 address: then ADD waits for DAD. */
export const needsSettling = ({ addresses }: Addressed): boolean => addresses.some(isIpv6)

/** The addresses to announce: present, neither tentative nor duplicate. */
export const announceable = (pod: NetnsState, ifName: string, { addresses }: Addressed): readonly Ip[] =>
  addresses
    .map(({ ip }) => ip)
    .filter(ip =>
      pod.addresses.some(has => has.dev === ifName && has.address.ip === ip && !has.tentative && !has.dadFailed),
    )

/** The result for the runtime, from the observed link; the conf's `dns` replaces the IPAM's. */
export function resultOf(
  { config, netns, cniVersion }: MacvlanCall,
  nic: ObservedLink,
  ipam: Result | undefined,
): Result {
  // As the reference plugin: `mtu` is new in 1.1.0 and omitted for older versions.
  const mtu = cniVersion === '1.1.0' ? { mtu: nic.mtu } : {}
  return {
    interfaces: [{ name: nic.name, ...(nic.mac !== undefined && { mac: nic.mac }), ...mtu, sandbox: netns }],
    ...(ipam?.ips && { ips: ipam.ips.map(ip => ({ ...ip, interface: 0 })) }),
    ...(ipam?.routes && ipam.routes.length > 0 && { routes: ipam.routes }),
    ...(config.dns && { dns: config.dns }),
  }
}
