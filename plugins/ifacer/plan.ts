// What the node needs for the links that are asked for. Pure: what is there must be just what is wanted, or it is refused; what is not there is made.
import { CniError } from '../../lib/cni/error.js'
import { isDefault, linkNamed, type Place, type SeenLink } from '../../lib/plan/seen.js'
import type { BondOptions, Plan, Step } from '../../lib/plan/step.js'
import type { BondConf, Config, VlanConf } from './config.js'
import { optionsOf, type Options } from './options.js'

export const MODES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const

const RT_SCOPE_LINK = 253 // <linux/rtnetlink.h>; wider scopes have smaller numbers
const inBond = 'failed to createBondDevice: '
const inVlan = 'failed to createVlanDevice: '
const refuse = (message: string, details = ''): CniError => new CniError('internal', message, details)

/** Names of all links that the conf speaks of. */
export const namesOf = ({ bond, vlan }: Config): readonly string[] => [
  ...new Set([...(bond ? [bond.name, ...bond.members] : []), ...(vlan ? [vlan.on, vlan.name] : [])]),
]

/** A bond gets its name when it is whole, so that nobody ever sees half a one; until then it has this. */
export function unfinishedName(bond: string): string {
  let hash = 0x811c9dc5 // FNV-1a, 32 bits
  for (const char of bond) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return `spb-${(hash >>> 0).toString(16).padStart(8, '0')}`
}

/** What an ADD that was killed may have left. */
export const leftovers = ({ bond }: Config): Plan =>
  bond
    ? [
        {
          verb: 'addLink',
          where: 'node',
          name: unfinishedName(bond.name),
          link: { kind: 'bond', options: { mode: 0 } },
        },
      ]
    : []

/**
 * The steps that lack. `node` holds the links of `namesOf` and the bond's members; to make something, all links, and addresses and routes of the main table.
 * Throws CniError, in the reference plugin's words where it has any, for what is there and is not what is wanted.
 */
export const planFor = (config: Config, node: Place): Plan => [
  ...(config.bond ? bondPlan(config.bond, config, node) : []),
  ...(config.vlan ? vlanPlan(config.vlan, config, node) : []),
]

const up = (name: string): Step => ({ verb: 'setUp', where: 'node', name, was: false })
const upUnless = (link: SeenLink): Plan => (link.up ? [] : [up(link.name)])

function bondPlan(bond: BondConf, config: Config, node: Place): Plan {
  const is = linkNamed(node, bond.name)
  if (is === undefined) return newBond(bond, config, node)
  sameBond(bond, is, node)
  sameMtu(config, is)
  return upUnless(is)
}

function sameBond({ name, mode, members }: BondConf, is: SeenLink, node: Place): void {
  if (is.kind !== 'bond')
    throw refuse(
      `${inBond}createBondDevice failure: a non-bond type interface named ${name} already exists on the host`,
    )
  if (is.bond?.mode !== mode)
    throw refuse(
      `${inBond}bond ${name} is there with mode ${modeText(is.bond?.mode)}, and mode ${modeText(mode)} is wanted`,
      'name another bond in bond.name, or give bond.mode the value that it has',
    )
  const has = node.links.filter(({ master }) => master === is.index).map(({ name: member }) => member)
  if ([...has].sort().join() !== [...members].sort().join())
    throw refuse(
      `${inBond}bond ${name} is there of ${has.join(', ') || 'no interfaces'}, and of ${members.join(', ')} is wanted`,
      'name another bond in bond.name, or give interfaces those that it has',
    )
}

const modeText = (mode: number | undefined): string => `${mode} (${MODES[mode ?? -1] ?? 'unknown'})`

function sameMtu({ mtu }: Config, is: SeenLink): void {
  if (mtu > 0 && is.mtu !== mtu) throw refuse(`${is.name} is there with mtu ${is.mtu}, and mtu ${mtu} is wanted`)
}

function newBond(bond: BondConf, config: Config, node: Place): Plan {
  const { name: whole, mode, members } = bond
  if (MODES[mode] === undefined) throw refuse(`${inBond}unknown bond mode: ${mode}, available mode: [0,6]`)
  const options = optionsOf(bond.options)
  const name = unfinishedName(whole)
  const links = members.map(member => memberOf(bond, member, config, node))
  return [
    { verb: 'addLink', where: 'node', name, link: { kind: 'bond', options: kernelOptions(mode, options, node) } },
    ...links.flatMap((link): Plan => [
      ...(link.up ? [{ verb: 'setDown', where: 'node', name: link.name, was: true } as const] : []),
      { verb: 'setMaster', where: 'node', name: link.name, master: name, was: undefined },
      up(link.name),
    ]),
    ...(config.mtu > 0
      ? [{ verb: 'setMtu', where: 'node', name, mtu: config.mtu, was: links[0]?.mtu ?? 0 } as const]
      : []),
    { verb: 'rename', where: 'node', name, to: whole },
    up(whole),
    ...(options.activeSlave === undefined
      ? []
      : [{ verb: 'setActiveSlave', where: 'node', name: whole, slave: options.activeSlave } as const]),
  ]
}

function memberOf({ name: bond }: BondConf, member: string, { allowNodeNic }: Config, node: Place): SeenLink {
  const link = linkNamed(node, member)
  if (link === undefined)
    throw refuse(`${inBond}failed to InterfaceByName ${member}: route ip+net: no such network interface`)
  if (link.master) {
    const master = node.links.find(({ index }) => index === link.master)?.name ?? `interface ${link.master}`
    throw refuse(`${inBond}${member} belongs to ${master} and is not taken from it for ${bond}`)
  }
  const carries = allowNodeNic ? undefined : carriedBy(member, node)
  if (carries !== undefined)
    throw refuse(
      `${inBond}${member} carries ${carries} of the node, which would stop working in ${bond}`,
      'name other interfaces, or consent with "allowNodeNic": true',
    )
  return link
}

function carriedBy(name: string, { routes, addresses }: Place): string | undefined {
  if (routes.some(({ to, link }) => isDefault(to) && link === name)) return 'the default route'
  const own = addresses.find(({ link, scope }) => link === name && scope < RT_SCOPE_LINK)
  return own && `the address ${own.address.ip}`
}

function kernelOptions(mode: number, { numbers, primary, activeSlave, ...more }: Options, node: Place): BondOptions {
  const lookUp = (key: string, name: string): number => {
    const link = linkNamed(node, name)
    if (link === undefined) throw refuse(`${inBond}failed to LinkByName bond ${key} ${name}: Link not found`)
    return link.index
  }
  if (activeSlave !== undefined) lookUp('active_slave', activeSlave)
  return { mode, ...numbers, ...more, ...(primary !== undefined && { primary: lookUp('primary', primary) }) }
}

function vlanPlan({ name, on, id }: VlanConf, config: Config, node: Place): Plan {
  const parent = linkNamed(node, on)
  if (parent === undefined && config.bond?.name !== on)
    throw refuse(`${inVlan}failed to LinkByName ${on}: Link not found`)
  const is = linkNamed(node, name)
  if (is !== undefined) {
    sameVlan({ name, on, id }, is, node)
    sameMtu(config, is)
  }
  // A bond that this plan makes or sets up is up by then.
  const parentUp = parent && config.bond === undefined ? upUnless(parent) : []
  if (is !== undefined) return [...parentUp, ...upUnless(is)]
  const other = node.links.find(link => link.vlan?.id === id && parent !== undefined && link.parent === parent.index)
  if (other !== undefined)
    throw refuse(
      `cannot have multiple different vlan interfaces with the same vlanId ${id} on node at the same time`,
      `${on} has ${other.name} with this id`,
    )
  const mtu = config.mtu > 0 ? { mtu: config.mtu } : {}
  return [
    ...parentUp,
    { verb: 'addLink', where: 'node', name, link: { kind: 'vlan', on, onWhere: 'node', id }, ...mtu },
    up(name),
  ]
}

function sameVlan({ name, on, id }: VlanConf, is: SeenLink, node: Place): void {
  const wanted = `a vlan with id ${id} on ${on} is wanted`
  if (is.kind !== 'vlan') throw refuse(`${inVlan}${name} is there and is ${is.kind ?? 'no vlan'}, and ${wanted}`)
  if (is.vlan?.id !== id)
    throw refuse(`${inVlan}${name} is there with vlan id ${is.vlan?.id ?? 'unknown'}, and ${wanted}`)
  const parent = linkNamed(node, on)
  if (parent === undefined || is.parent !== parent.index || is.parentElsewhere) {
    const has = node.links.find(({ index }) => index === is.parent && !is.parentElsewhere)?.name ?? 'another interface'
    throw refuse(`${inVlan}${name} is there on ${has}, and ${wanted}`)
  }
}
