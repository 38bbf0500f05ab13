// A look at the links that a conf names: is there anything to do? A few questions by name, since a node may have thousands of links. Pure.
import { linkNamed, type Place } from '../../lib/plan/seen.js'
import type { Config } from './config.js'
import { isMarked } from './made.js'
import { madeBy, namesOf, planFor } from './plan.js'

/** Whoever answers for the node's links. */
export type Look = (wish: { readonly links: readonly string[]; readonly membersOf?: string }) => Place

/** The links that the conf names, and the bond's members. */
export const seenOf = (config: Config, look: Look): Place =>
  look({ links: namesOf(config), ...(config.bond && { membersOf: config.bond.name }) })

/** What is there, if nothing lacks. */
export function wholeOf(config: Config, look: Look): Place | undefined {
  const node = seenOf(config, look)
  const isThere = madeBy(config).every(name => linkNamed(node, name) !== undefined)
  return isThere && planFor(config, node).length === 0 ? node : undefined
}

/** What is there, if ADD has nothing to do: nothing lacks, and none of it goes with its last user, so that nothing need be noted. */
export function staysAsItIs(config: Config, look: Look): Place | undefined {
  const node = wholeOf(config, look)
  return node !== undefined && !madeBy(config).some(name => isMarkedIn(node, name)) ? node : undefined
}

function isMarkedIn(node: Place, name: string): boolean {
  const is = linkNamed(node, name)
  return is !== undefined && isMarked(is)
}
