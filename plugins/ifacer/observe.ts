// A look at the links that a conf names: is there anything to do? A few questions by name, since a node may have thousands of links. Pure.
import { linkNamed, type NetnsState } from '../../lib/plan/state.js'
import type { IfacerConf } from './config.js'
import { isMarked } from './ownership.js'
import { madeBy, namesOf, planFor } from './plan.js'

/** Whoever answers for the node's links. */
export type LinkLookup = (wish: { readonly links: readonly string[]; readonly membersOf?: string }) => NetnsState

/** The links that the conf names, and the bond's members. */
export const seenOf = (config: IfacerConf, look: LinkLookup): NetnsState =>
  look({ links: namesOf(config), ...(config.bond && { membersOf: config.bond.name }) })

/** What is there, if nothing lacks. */
export function wholeOf(config: IfacerConf, look: LinkLookup): NetnsState | undefined {
  const node = seenOf(config, look)
  const isThere = madeBy(config).every(name => linkNamed(node, name) !== undefined)
  return isThere && planFor(config, node).length === 0 ? node : undefined
}

/** What is there, if ADD has nothing to do: nothing lacks, and none of it goes with its last user, so that nothing need be noted. */
export function staysAsItIs(config: IfacerConf, look: LinkLookup): NetnsState | undefined {
  const node = wholeOf(config, look)
  return node !== undefined && !madeBy(config).some(name => isMarkedIn(node, name)) ? node : undefined
}

function isMarkedIn(node: NetnsState, name: string): boolean {
  const is = linkNamed(node, name)
  return is !== undefined && isMarked(is)
}
