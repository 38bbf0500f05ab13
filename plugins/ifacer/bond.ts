// Plans the bond, with the VLAN on it, compares an existing bond with the conf, and parses
// `bond.options`. Pure.
import { CniError } from '../../lib/cni/error.js'
import { familyOf, parseIp, type Ip } from '../../lib/ip/address.js'
import { parseMac, type Mac } from '../../lib/ip/mac.js'
import { RT_SCOPE_LINK } from '../../lib/linux/constants.js'
import { isDefault, linkNamed, type NetnsState, type ObservedBond, type ObservedLink } from '../../lib/plan/state.js'
import type { BondNumber, BondOptions, Plan } from '../../lib/plan/step.js'
import type { BondConf, IfacerConf } from './config.js'
import { mark, unfinishedName, up, upIfDown } from './ownership.js'
import { checkMtu, vlanOnNewBond } from './vlan.js'

export const MODES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const

const IFF_LOOPBACK = 0x8 // <linux/if.h>
const inBond = 'failed to createBondDevice: '
const refuse = (message: string, details = ''): CniError => new CniError('internal', inBond + message, details)
const refuseConf = (message: string): CniError => new CniError('invalidConfig', inBond + message)

/**
 * The steps towards the bond of the conf.
 * @throws CniError if it exists with another configuration
 */
export function bondPlan(bond: BondConf, config: IfacerConf, node: NetnsState): Plan {
  const existing = linkNamed(node, bond.name)
  if (existing === undefined) return newBond(bond, config, node)
  checkBond(bond, existing, node)
  checkMtu(config, existing)
  return upIfDown(existing)
}

const ANOTHER = 'name another bond in bond.name, or '

function checkBond({ name, mode, members, options }: BondConf, is: ObservedLink, node: NetnsState): void {
  if (is.kind !== 'bond')
    throw refuse(`createBondDevice failure: a non-bond type interface named ${name} already exists on the host`)
  if (is.bond?.mode !== mode)
    throw refuse(
      `bond ${name} exists with mode ${modeText(is.bond?.mode)}, want mode ${modeText(mode)}`,
      `${ANOTHER}give bond.mode the value that it has`,
    )
  const has = node.links.filter(({ master }) => master === is.index).map(({ name: member }) => member)
  const wanted = members.map(member => linkNamed(node, member)?.name ?? member) // members may be named by altname
  if ([...has].sort().join() !== [...wanted].sort().join())
    throw refuse(
      `bond ${name} exists with members ${has.join(', ') || 'none'}, want ${members.join(', ')}`,
      `${ANOTHER}give interfaces those that it has`,
    )
  const other = differences(optionsOf(options), is.bond, node)
  if (other.length > 0)
    throw refuse(
      `bond ${name} exists with ${other.map(([actual]) => actual).join(', ')}, want ${other.map(([, wanted]) => wanted).join(', ')}`,
      `${ANOTHER}give bond.options the values that it has`,
    )
}

const modeText = (mode: number | undefined): string => `${mode} (${MODES[mode ?? -1] ?? 'unknown'})`

/**
 * The options of the conf that differ from the bond's. `active_slave` is not compared, since
 * failover changes it; neither are options that the kernel does not report.
 */
function differences(
  wanted: BondOptionValues,
  is: ObservedBond,
  node: NetnsState,
): readonly (readonly [actual: string, wanted: string])[] {
  const texts = (key: string, has: readonly string[], wants: readonly string[]) =>
    [...has].sort().join() === [...wants].sort().join()
      ? []
      : [[`${key} ${has.join() || 'none'}`, `${key} ${wants.join()}`] as const]
  const numbers = (Object.entries(wanted.numbers) as [BondNumber, number][]).flatMap(([key, value]) =>
    is[key] === undefined || is[key] === roundedToMiimon(key, value, is)
      ? []
      : [[numberText(key, is[key]), numberText(key, value)] as const],
  )
  const primary = node.links.find(({ index }) => index === is.primary)?.name
  return [
    ...numbers,
    ...(wanted.primary === undefined
      ? []
      : texts('primary', primary === undefined ? [] : [primary], [
          linkNamed(node, wanted.primary)?.name ?? wanted.primary,
        ])),
    ...(wanted.arpIpTarget ? texts('arp_ip_target', is.arpIpTarget ?? [], wanted.arpIpTarget) : []),
    ...(wanted.adActorSystem && is.adActorSystem
      ? texts('ad_actor_system', [is.adActorSystem], [wanted.adActorSystem])
      : []),
  ]
}

/** The kernel rounds updelay and downdelay down to multiples of miimon. */
function roundedToMiimon(key: BondNumber, value: number, { miimon = 0 }: ObservedBond): number {
  const isDelay = key === 'updelay' || key === 'downdelay'
  return isDelay && miimon > 0 ? value - (value % miimon) : value
}

/**
 * Creates the bond and the VLAN on it under a temporary name; the rename makes them visible
 * atomically. The next call removes what a killed one left.
 * @throws CniError for a conf that this node cannot satisfy
 */
export function newBond(bond: BondConf, config: IfacerConf, node: NetnsState): Plan {
  const { name: finalName, mode, members } = bond
  if (MODES[mode] === undefined) throw refuseConf(`unknown bond mode: ${mode}, available mode: [0,6]`)
  const options = optionsOf(bond.options)
  const name = unfinishedName(finalName)
  const links = members.map(member => memberOf(bond, member, config, node))
  const twice = links.findIndex((link, at) => links.indexOf(link) !== at)
  if (twice >= 0)
    throw refuseConf(`interfaces has ${links[twice]?.name} twice, once as ${members[twice]}; name each interface once`)
  return [
    { verb: 'addLink', where: 'node', name, link: { kind: 'bond', options: kernelOptions(bond, options, node) } },
    ...links.flatMap((link): Plan => [
      ...(link.up ? [{ verb: 'setDown', where: 'node', name: link.name, was: true } as const] : []),
      { verb: 'setMaster', where: 'node', name: link.name, master: name, was: undefined },
      up(link.name),
    ]),
    ...(config.mtu > 0
      ? [{ verb: 'setMtu', where: 'node', name, mtu: config.mtu, was: links[0]?.mtu ?? 0 } as const]
      : []),
    ...(config.removeUnused ? [mark(name)] : []),
    ...(config.vlan ? vlanOnNewBond(config.vlan, config, { node, bond: name }) : []),
    { verb: 'rename', where: 'node', name, to: finalName },
    up(finalName),
    ...(config.vlan ? [up(config.vlan.name)] : []),
    ...(options.activeSlave === undefined
      ? []
      : [{ verb: 'setActiveSlave', where: 'node', name: finalName, slave: options.activeSlave } as const]),
  ]
}

function memberOf(
  { name: bond }: BondConf,
  member: string,
  { allowNodeNic }: IfacerConf,
  node: NetnsState,
): ObservedLink {
  const link = linkNamed(node, member)
  if (link === undefined) throw refuse(`failed to InterfaceByName ${member}: route ip+net: no such network interface`)
  if (link.flags & IFF_LOOPBACK) throw refuse(`${member} is the loopback interface and cannot be a member of ${bond}`)
  if (link.master) {
    const master = node.links.find(({ index }) => index === link.master)?.name ?? `interface ${link.master}`
    throw refuse(`${member} belongs to ${master} and is not taken from it for ${bond}`)
  }
  const carries = allowNodeNic ? undefined : nodeTrafficOn(link, node)
  if (carries !== undefined)
    throw refuse(
      `${carries} of the node, which would stop working in ${bond}`,
      'name other interfaces, or consent with "allowNodeNic": true',
    )
  return link
}

/** Kinds whose IFLA_LINK is the lower device; that of a veth is its peer. */
const STACKED: ReadonlySet<string> = new Set(['vlan', 'macvlan', 'ipvlan'])

/**
 * What the link, or an upper device of it, carries of the node: `eth0 carries the default route`.
 */
function nodeTrafficOn(link: ObservedLink, node: NetnsState, lower = ''): string | undefined {
  const { routes, addresses, links } = node
  const { name, index } = link
  if (routes.some(({ dst, dev }) => isDefault(dst) && dev === name)) return `${name}${lower} carries the default route`
  const own = addresses.find(({ dev, scope }) => dev === name && scope < RT_SCOPE_LINK) // global or site
  if (own) return `${name}${lower} carries the address ${own.address.ip}`
  const above = links.filter(
    ({ kind, parent, parentElsewhere }) => parent === index && !parentElsewhere && STACKED.has(kind ?? ''),
  )
  for (const one of above) {
    const carries = nodeTrafficOn(one, node, ` on ${name}${lower}`)
    if (carries !== undefined) return carries
  }
  return undefined
}

function kernelOptions({ mode, members }: BondConf, options: BondOptionValues, node: NetnsState): BondOptions {
  const { numbers, primary, activeSlave, ...more } = options
  const lookUp = (key: string, name: string): number => {
    const link = linkNamed(node, name)
    if (link === undefined) throw refuse(`failed to LinkByName bond ${key} ${name}: Link not found`)
    if (!members.some(member => linkNamed(node, member) === link))
      throw refuseConf(`${key} is ${name}, which is none of interfaces: ${members.join(', ')}`)
    return link.index
  }
  if (activeSlave !== undefined) lookUp('active_slave', activeSlave)
  return { mode, ...numbers, ...more, ...(primary !== undefined && { primary: lookUp('primary', primary) }) }
}

interface BondOptionValues {
  readonly numbers: Readonly<Partial<Record<BondNumber, number>>>
  readonly arpIpTarget?: readonly Ip[]
  readonly adActorSystem?: Mac
  /** Names of members. */
  readonly primary?: string
  readonly activeSlave?: string
}

/** Option values by number (Documentation/networking/bonding.rst). */
type Words = readonly string[]
const NONE: Words = []

/** By key: the netlink option, its maximum, and the names of its values. */
const NUMBERS: Readonly<Record<string, readonly [BondNumber, max: number, words: Words]>> = {
  miimon: ['miimon', 2 ** 31 - 1, NONE],
  updelay: ['updelay', 2 ** 31 - 1, NONE],
  up_delay: ['updelay', 2 ** 31 - 1, NONE], // Go's key
  downdelay: ['downdelay', 2 ** 31 - 1, NONE],
  use_carrier: ['useCarrier', 1, NONE],
  arp_interval: ['arpInterval', 2 ** 31 - 1, NONE],
  arp_validate: ['arpValidate', 6, ['none', 'active', 'backup', 'all', 'filter', 'filter_active', 'filter_backup']],
  arp_all_targets: ['arpAllTargets', 1, ['any', 'all']],
  primary_reselect: ['primaryReselect', 2, ['always', 'better', 'failure']],
  fail_over_mac: ['failOverMac', 2, ['none', 'active', 'follow']],
  xmit_hash_policy: ['xmitHashPolicy', 5, ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac']],
  resend_igmp: ['resendIgmp', 255, NONE],
  num_grat_arp: ['numPeerNotif', 255, NONE],
  num_unsol_na: ['numPeerNotif', 255, NONE],
  peer_notif_delay: ['numPeerNotif', 255, NONE], // Go's key: the number, in spite of its name
  all_slaves_active: ['allSlavesActive', 1, NONE],
  min_links: ['minLinks', 2 ** 31 - 1, NONE],
  lp_interval: ['lpInterval', 2 ** 31 - 1, NONE],
  packets_per_slave: ['packetsPerSlave', 65535, NONE],
  lacp_rate: ['adLacpRate', 1, ['slow', 'fast']],
  ad_select: ['adSelect', 2, ['stable', 'bandwidth', 'count']],
  ad_actor_sys_prio: ['adActorSysPrio', 65535, NONE],
  ad_user_port_key: ['adUserPortKey', 1023, NONE],
  tlb_dynamic_lb: ['tlbDynamicLb', 1, NONE],
}
/** An option with its value for a sentence: `lacp_rate fast`. */
function numberText(number: BondNumber, value: number | undefined): string {
  const [key, entry] = Object.entries(NUMBERS).find(([, [is]]) => is === number) ?? [number]
  return `${key} ${entry?.[2][value ?? -1] ?? value}`
}

const OTHERS = ['primary', 'active_slave', 'arp_ip_target', 'ad_actor_system']
const ARP_TARGETS_MAX = 16 // BOND_MAX_ARP_TARGETS, <net/bonding.h>

const fault = (what: string): CniError =>
  new CniError('invalidConfig', `parseString2BondOptions: failed to convert options to BondOptions: ${what}`)

/**
 * The parsed options.
 * @throws CniError that names the invalid piece: a misspelt `miimon` would mean no failover
 */
export function optionsOf(text: string): BondOptionValues {
  return text
    .split(';')
    .map(piece => piece.trim())
    .filter(piece => piece !== '')
    .reduce<BondOptionValues>(
      (options, piece) => {
        const [key = '', value = '', ...more] = piece.split('=').map(part => part.trim())
        if (value === '' || more.length > 0) throw fault(`"${piece}" is not key=value`)
        return withOption(options, key, value)
      },
      { numbers: {} },
    )
}

function withOption(options: BondOptionValues, key: string, value: string): BondOptionValues {
  switch (key) {
    case 'primary':
      return { ...options, primary: value }
    case 'active_slave':
      return { ...options, activeSlave: value }
    case 'arp_ip_target':
      return { ...options, arpIpTarget: targetsOf(value) }
    case 'ad_actor_system': {
      const mac = parseMac(value)
      if (mac === undefined) throw new CniError('invalidConfig', `invalid bond ad_actor_system: ${value}`)
      return { ...options, adActorSystem: mac }
    }
  }
  const entry = Object.hasOwn(NUMBERS, key) ? NUMBERS[key] : undefined
  if (entry === undefined)
    throw fault(`"${key}" is no option; there are ${[...Object.keys(NUMBERS), ...OTHERS].sort().join(', ')}`)
  return { ...options, numbers: { ...options.numbers, [entry[0]]: numberOf(key, value, entry) } }
}

function numberOf(key: string, value: string, [, max, words]: readonly [BondNumber, number, Words]): number {
  const word = words.indexOf(value)
  if (word >= 0) return word
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= 0 && number <= max) return number
  throw fault(`${key} is "${value}"; it must be from 0 to ${max}${words.length > 0 ? ` or ${words.join(', ')}` : ''}`)
}

/** `1.2.3.4,5.6.7.8` as in sysfs, or `["1.2.3.4","5.6.7.8"]` as in Go ifacer. */
function targetsOf(value: string): readonly Ip[] {
  const items = value.replace(/^\[|\]$/g, '').split(',')
  const targets = items.map(item => {
    const ip = parseIp(item.trim().replace(/^"|"$/g, ''))
    if (ip === undefined || familyOf(ip) !== 4) throw fault(`arp_ip_target is "${value}"; it must be IPv4 addresses`)
    return ip
  })
  if (targets.length > ARP_TARGETS_MAX) throw fault(`arp_ip_target has ${targets.length}; ${ARP_TARGETS_MAX} may be`)
  return targets
}
