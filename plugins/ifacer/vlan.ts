// Plans the VLAN sub-interface, and compares an existing one with the conf. Pure.
import { CniError } from '../../lib/cni/error.js'
import { linkNamed, type NetnsState, type ObservedLink } from '../../lib/plan/state.js'
import type { Plan, Step } from '../../lib/plan/step.js'
import type { IfacerConf, VlanConf } from './config.js'
import { mark, unfinishedName, up, upIfDown } from './ownership.js'

const inVlan = 'failed to createVlanDevice: '
const refuse = (message: string, details = ''): CniError => new CniError('internal', message, details)
const ETH_P_8021Q = 0x8100 // <linux/if_ether.h>

/** @throws CniError if the link has another MTU than the conf */
export function checkMtu({ mtu }: IfacerConf, is: ObservedLink): void {
  if (mtu > 0 && is.mtu !== mtu) throw refuse(`${is.name} exists with mtu ${is.mtu}, want mtu ${mtu}`)
}

/**
 * The steps towards the VLAN on an existing parent; with `removeUnused` it is marked before the
 * rename.
 * @throws CniError if it exists with another configuration, or the parent is missing
 */
export function vlanPlan(vlan: VlanConf, config: IfacerConf, node: NetnsState): Plan {
  const { name, on, id } = vlan
  const parent = linkNamed(node, on)
  if (parent === undefined) throw refuse(`${inVlan}failed to LinkByName ${on}: Link not found`)
  const is = linkNamed(node, name)
  if (is !== undefined) {
    checkVlan(vlan, is, node)
    checkMtu(config, is)
  }
  const parentUp = config.bond === undefined ? upIfDown(parent) : [] // the bond's own plan sets it up
  if (is !== undefined) return [...parentUp, ...upIfDown(is)]
  const other = node.links.find(link => isVlan(link, id) && link.parent === parent.index)
  if (other !== undefined)
    throw refuse(
      `cannot have multiple different vlan interfaces with the same vlanId ${id} on node at the same time`,
      `${on} has ${other.name} with this id`,
    )
  if (config.mtu > parent.mtu)
    throw new CniError(
      'invalidConfig',
      `${inVlan}${name} cannot have mtu ${config.mtu}: its parent ${on} has mtu ${parent.mtu}`,
      `raise the MTU of ${on}, or lower "mtu"`,
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

/** The VLAN on a bond under construction, named by the bond's temporary name. */
export function vlanOnNewBond(
  vlan: VlanConf,
  config: IfacerConf,
  { node, bond }: { node: NetnsState; bond: string },
): Plan {
  const is = linkNamed(node, vlan.name)
  if (is !== undefined) checkVlan(vlan, is, node) // throws: it cannot be on a bond that does not exist
  return [addVlan(vlan.name, { ...vlan, on: bond }, config), ...(config.removeUnused ? [mark(vlan.name)] : [])]
}

const addVlan = (name: string, { on, id }: VlanConf, { mtu }: IfacerConf): Step => ({
  verb: 'addLink',
  where: 'node',
  name,
  link: { kind: 'vlan', on, onWhere: 'node', id },
  ...(mtu > 0 && { mtu }),
})

/** True for an 802.1Q VLAN of this ID; 802.1ad is another network. */
const isVlan = ({ vlan }: ObservedLink, id: number): boolean =>
  vlan?.id === id && (vlan.protocol ?? ETH_P_8021Q) === ETH_P_8021Q

function checkVlan({ name, on, id }: VlanConf, is: ObservedLink, node: NetnsState): void {
  const wanted = `want vlan id ${id} on ${on}`
  if (is.kind !== 'vlan') throw refuse(`${inVlan}${name} exists with kind ${is.kind ?? 'none'}, ${wanted}`)
  if (is.vlan?.id !== id) throw refuse(`${inVlan}${name} exists with vlan id ${is.vlan?.id ?? 'unknown'}, ${wanted}`)
  if (!isVlan(is, id)) throw refuse(`${inVlan}${name} exists with protocol 802.1ad, ${wanted} with protocol 802.1Q`)
  const parent = linkNamed(node, on)
  if (parent === undefined || is.parent !== parent.index || is.parentElsewhere) {
    const has = node.links.find(({ index }) => index === is.parent && !is.parentElsewhere)?.name ?? 'another interface'
    throw refuse(`${inVlan}${name} exists on ${has}, ${wanted}`)
  }
}
