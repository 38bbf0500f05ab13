// What the node needs for the links that are asked for. Pure: what is there must be just what is wanted, or it is refused; what is not there is made.
import { linkNamed, type NetnsState, type ObservedLink } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'
import { bondPlan, newBond } from './bond.js'
import type { IfacerConf } from './config.js'
import { removal } from './ownership.js'
import { vlanPlan } from './vlan.js'

/** Names of all links that the conf speaks of. */
export const namesOf = ({ bond, vlan }: IfacerConf): readonly string[] => [
  ...new Set([...(bond ? [bond.name, ...bond.members] : []), ...(vlan ? [vlan.on, vlan.name] : [])]),
]

/** Names of those that the conf has made, the lowest first. */
export const madeBy = ({ bond, vlan }: IfacerConf): readonly string[] =>
  [bond, vlan].flatMap(one => (one ? [one.name] : []))

/** The link that the next plugin stands on; `undefined` where nothing is made. */
export const topOf = ({ bond, vlan }: IfacerConf): string | undefined => (vlan ?? bond)?.name

/**
 * The steps that lack. `node` holds the links of `namesOf` and the bond's members; to make something, all links, and addresses and routes of the main table.
 * Throws CniError, in the reference plugin's words where it has any, for what is there and is not what is wanted.
 */
export function planFor(config: IfacerConf, node: NetnsState): Plan {
  const { bond, vlan } = config
  if (bond && linkNamed(node, bond.name) === undefined) return newBond(bond, config, node)
  return [...(bond ? bondPlan(bond, config, node) : []), ...(vlan ? vlanPlan(vlan, config, node) : [])]
}

/**
 * Removes what a killed call left: the caller holds the lock, so no other call is making it. The
 * links on a bond are removed with it.
 */
export const leftovers = ({ links }: NetnsState): Plan => links.filter(isUnfinished).map(({ name }) => removal(name))

const UNFINISHED = /^spb-[0-9a-f]{8}$/
const KINDS = ['bond', 'vlan', 'macvlan']
const isUnfinished = ({ name, kind }: ObservedLink): boolean => UNFINISHED.test(name) && KINDS.includes(kind ?? '')
