// A VLAN sub-interface: the steps that make one; what must be if it is there. Pure.
import { CniError } from '../../lib/cni/error.js'
import { linkNamed, type NetnsState, type ObservedLink } from '../../lib/plan/state.js'
import type { Plan, Step } from '../../lib/plan/step.js'
import type { IfacerConf, VlanConf } from './config.js'
import { mark, unfinishedName, up, upUnless } from './ownership.js'

const inVlan = 'failed to createVlanDevice: '
const refuse = (message: string, details = ''): CniError => new CniError('internal', message, details)
const ETH_P_8021Q = 0x8100 // <linux/if_ether.h>

export function sameMtu({ mtu }: IfacerConf, is: ObservedLink): void {
  if (mtu > 0 && is.mtu !== mtu) throw refuse(`${is.name} is there with mtu ${is.mtu}, and mtu ${mtu} is wanted`)
}

/** On a parent that is there. One that `removeUnused` makes is marked before it has its name. */
export function vlanPlan(vlan: VlanConf, config: IfacerConf, node: NetnsState): Plan {
  const { name, on, id } = vlan
  const parent = linkNamed(node, on)
  if (parent === undefined) throw refuse(`${inVlan}failed to LinkByName ${on}: Link not found`)
  const is = linkNamed(node, name)
  if (is !== undefined) {
    sameVlan(vlan, is, node)
    sameMtu(config, is)
  }
  const parentUp = config.bond === undefined ? upUnless(parent) : [] // the bond's own plan sets it up
  if (is !== undefined) return [...parentUp, ...upUnless(is)]
  const other = node.links.find(link => isVlan(link, id) && link.parent === parent.index)
  if (other !== undefined)
    throw refuse(
      `cannot have multiple different vlan interfaces with the same vlanId ${id} on node at the same time`,
      `${on} has ${other.name} with this id`,
    )
  if (config.mtu > parent.mtu)
    throw new CniError(
      'invalidConfig',
      `${inVlan}${name} is wanted with mtu ${config.mtu}, and ${on} below it has mtu ${parent.mtu}`,
      `give ${on} that much first, or mtu no more than it has`,
    )
  if (!config.removeUnused) return [...parentUp, addVlan(name, vlan, config), up(name)]
  const unfinished = unfinishedName(name)
  return [
    ...parentUp,
    addVlan(unfinished, vlan, config),
    mark(unfinished),
    { verb: 'rename', where: 'node', name: unfinished, to: name },
    up(name),
  ]
}

/** On a bond that is being made, under the name that the bond has until it is whole. */
export function vlanOnNewBond(
  vlan: VlanConf,
  config: IfacerConf,
  { node, bond }: { node: NetnsState; bond: string },
): Plan {
  const is = linkNamed(node, vlan.name)
  if (is !== undefined) sameVlan(vlan, is, node) // throws: the bond is not there
  return [addVlan(vlan.name, { ...vlan, on: bond }, config), ...(config.removeUnused ? [mark(vlan.name)] : [])]
}

const addVlan = (name: string, { on, id }: VlanConf, { mtu }: IfacerConf): Step => ({
  verb: 'addLink',
  where: 'node',
  name,
  link: { kind: 'vlan', on, onWhere: 'node', id },
  ...(mtu > 0 && { mtu }),
})

/** 802.1ad is another network. */
const isVlan = ({ vlan }: ObservedLink, id: number): boolean =>
  vlan?.id === id && (vlan.protocol ?? ETH_P_8021Q) === ETH_P_8021Q

function sameVlan({ name, on, id }: VlanConf, is: ObservedLink, node: NetnsState): void {
  const wanted = `a vlan with id ${id} on ${on} is wanted`
  if (is.kind !== 'vlan') throw refuse(`${inVlan}${name} is there and is ${is.kind ?? 'no vlan'}, and ${wanted}`)
  if (is.vlan?.id !== id)
    throw refuse(`${inVlan}${name} is there with vlan id ${is.vlan?.id ?? 'unknown'}, and ${wanted}`)
  if (!isVlan(is, id)) throw refuse(`${inVlan}${name} is there with protocol 802.1ad, and ${wanted} of 802.1Q`)
  const parent = linkNamed(node, on)
  if (parent === undefined || is.parent !== parent.index || is.parentElsewhere) {
    const has = node.links.find(({ index }) => index === is.parent && !is.parentElsewhere)?.name ?? 'another interface'
    throw refuse(`${inVlan}${name} is there on ${has}, and ${wanted}`)
  }
}
