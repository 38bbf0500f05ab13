// Which links may go when their last user goes: those that `removeUnused` made, that nothing on the node stands on. Pure.
import { linkNamed, type NetnsState, type ObservedLink } from '../../lib/plan/state.js'
import type { StepOf } from '../../lib/plan/step.js'
import type { LinkUsers } from './link-users.js'
import { isMarked, unfinishedName } from './ownership.js'

const LINK_LOCAL = 'fe80::/64' // every link that is up has it

/** Links that go with their last user, and have none. */
export const idleIn = ({ links }: NetnsState, { usersOf }: Pick<LinkUsers, 'usersOf'>): readonly string[] =>
  links.filter(link => isMarked(link) && usersOf(link.name).length === 0).map(({ name }) => name)

/**
 * The link and, if it is a VLAN, what it stands on, each if it may go; the lowest last, for what stands on a link goes with it.
 * `node` is whole: all links, wide addresses, routes. What another namespace has on them does not show here: that is asked by `claimOf`.
 */
export function unusedFrom(name: string, node: NetnsState, isHeld: (link: string) => boolean): readonly ObservedLink[] {
  const top = linkNamed(node, name)
  if (top === undefined || !isUnused(top, node, [])) return []
  const below = node.links.find(({ index }) => index === top.parent && !top.parentElsewhere)
  return below && !isHeld(below.name) && isUnused(below, node, [top]) ? [top, below] : [top]
}

function isUnused(
  link: ObservedLink,
  { links, addresses, routes }: NetnsState,
  going: readonly ObservedLink[],
): boolean {
  const standsOnIt = (other: ObservedLink): boolean =>
    other.parent === link.index && !other.parentElsewhere && !going.includes(other)
  return (
    isMarked(link) &&
    !link.master &&
    !links.some(standsOnIt) &&
    !addresses.some(({ dev: on }) => on === link.name) &&
    !routes.some(({ dev: on, dst }) => on === link.name && dst !== LINK_LOCAL)
  )
}

/**
 * A macvlan of mode passthru: the kernel makes it only where no other macvlan, ipvlan, bridge or bond has the link, in whatever namespace,
 * and lets none of them come while it is there (drivers/net/macvlan.c). It goes with the link.
 */
export const claimOf = ({ name }: ObservedLink): StepOf<'addLink'> => ({
  verb: 'addLink',
  where: 'node',
  name: unfinishedName(name),
  link: { kind: 'macvlan', on: name, mode: 'passthru' },
})
