// Plans the links of a conf: missing ones are created, existing ones must match the conf. Pure.
import { linkNamed, type NetnsState, type ObservedLink } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'
import { bondPlan, newBond } from './bond.js'
import type { IfacerConf } from './config.js'
import { isMarked, removal } from './ownership.js'
import { vlanPlan } from './vlan.js'

/** Names of all links in the conf. */
export const namesOf = ({ bond, vlan }: IfacerConf): readonly string[] => [
  ...new Set([...(bond ? [bond.name, ...bond.members] : []), ...(vlan ? [vlan.on, vlan.name] : [])]),
]

/** Names of the links that the conf creates, the lowest first. */
export const madeBy = ({ bond, vlan }: IfacerConf): readonly string[] =>
  [bond, vlan].flatMap(one => (one ? [one.name] : []))

/** The master of the next plugin; undefined if nothing is created. */
export const topOf = ({ bond, vlan }: IfacerConf): string | undefined => (vlan ?? bond)?.name

/**
 * The missing steps. `node` has the links of `namesOf` and the bond's members; to create links, all
 * links, and the addresses and routes of table main.
 * @throws CniError, with Go ifacer's sentences, for an existing link that does not match the conf
 */
export function planFor(config: IfacerConf, node: NetnsState): Plan {
  const { bond, vlan } = config
  if (bond && linkNamed(node, bond.name) === undefined) return newBond(bond, config, node)
  return [...(bond ? bondPlan(bond, config, node) : []), ...(vlan ? vlanPlan(vlan, config, node) : [])]
}

/** Looks up links of the node. */
export type LinkLookup = (query: { readonly links: readonly string[]; readonly membersOf?: string }) => NetnsState

/** The state of the links that the conf names and of the bond's members. */
export const linksOf = (config: IfacerConf, lookUp: LinkLookup): NetnsState =>
  lookUp({ links: namesOf(config), ...(config.bond && { membersOf: config.bond.name }) })

/** The state if nothing is missing; else undefined. @throws CniError as planFor() */
export function completeIn(config: IfacerConf, lookUp: LinkLookup): NetnsState | undefined {
  const node = linksOf(config, lookUp)
  const exists = madeBy(config).every(name => linkNamed(node, name) !== undefined)
  return exists && planFor(config, node).length === 0 ? node : undefined
}

/**
 * The state if ADD has nothing to do: nothing is missing, and no link is marked, so no user is
 * recorded.
 */
export function unchangedIn(config: IfacerConf, lookUp: LinkLookup): NetnsState | undefined {
  const node = completeIn(config, lookUp)
  return node !== undefined && !madeBy(config).some(name => isMarkedIn(node, name)) ? node : undefined
}

function isMarkedIn(node: NetnsState, name: string): boolean {
  const link = linkNamed(node, name)
  return link !== undefined && isMarked(link)
}

/**
 * Removes what a killed call left; the caller holds the lock, so no other call is creating it. The
 * links on a bond are removed with it.
 */
export const leftovers = ({ links }: NetnsState): Plan => links.filter(isUnfinished).map(({ name }) => removal(name))

const UNFINISHED = /^spb-[0-9a-f]{8}$/
const KINDS = ['bond', 'vlan', 'macvlan']
const isUnfinished = ({ name, kind }: ObservedLink): boolean => UNFINISHED.test(name) && KINDS.includes(kind ?? '')
