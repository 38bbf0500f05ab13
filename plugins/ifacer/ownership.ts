// Links that ifacer owns: the temporary name, the mark of `removeUnused`, and when a marked link is
// unused. Pure.
import { linkNamed, type NetnsState, type ObservedLink } from '../../lib/plan/state.js'
import type { Plan, Step, StepOf } from '../../lib/plan/step.js'
import type { LinkUsers } from './link-users.js'

/** The alias of links with `removeUnused`; only marked links are ever removed. */
export const MARK = 'ifacer: removed with its last user'

/** True if the link has the mark. */
export const isMarked = ({ alias }: ObservedLink): boolean => alias === MARK

/** The temporary name of a link under construction, so that no other process sees a partial one. */
export function unfinishedName(name: string): string {
  let hash = 0x811c9dc5 // FNV-1a, 32 bits
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return `spb-${(hash >>> 0).toString(16).padStart(8, '0')}`
}

/** Removes a link of the node, of any kind. */
export const removal = (name: string): Step => ({ verb: 'removeLink', where: 'node', name })

/** Marks a new link. */
export const mark = (name: string): Step => ({ verb: 'setAlias', where: 'node', name, alias: MARK, was: undefined })
/** Sets a link up. */
export const up = (name: string): Step => ({ verb: 'setUp', where: 'node', name, was: false })
/** Sets a link up, unless it is up. */
export const upIfDown = (link: ObservedLink): Plan => (link.up ? [] : [up(link.name)])

const LINK_LOCAL = 'fe80::/64' // the kernel adds it to every link that is up

/** Marked links without users. */
export const idleIn = ({ links }: NetnsState, { usersOf }: Pick<LinkUsers, 'usersOf'>): readonly string[] =>
  links.filter(link => isMarked(link) && usersOf(link.name).length === 0).map(({ name }) => name)

/**
 * The link and, if it is a VLAN, its parent, as far as they are unused; the lowest last. `node` has
 * all links, global addresses and routes. Upper devices in other namespaces are found by `claimOf`.
 */
export function unusedFrom(
  name: string,
  node: NetnsState,
  hasUsers: (link: string) => boolean,
): readonly ObservedLink[] {
  const top = linkNamed(node, name)
  if (top === undefined || !isUnused(top, node, [])) return []
  const lower = node.links.find(({ index }) => index === top.parent && !top.parentElsewhere)
  return lower && !hasUsers(lower.name) && isUnused(lower, node, [top]) ? [top, lower] : [top]
}

function isUnused(
  link: ObservedLink,
  { links, addresses, routes }: NetnsState,
  removed: readonly ObservedLink[],
): boolean {
  const isUpper = (other: ObservedLink): boolean =>
    other.parent === link.index && !other.parentElsewhere && !removed.includes(other)
  return (
    isMarked(link) &&
    !link.master &&
    !links.some(isUpper) &&
    !addresses.some(({ dev }) => dev === link.name) &&
    !routes.some(({ dev, dst }) => dev === link.name && dst !== LINK_LOCAL)
  )
}

/**
 * Claims a link with a macvlan of mode passthru: the kernel creates it only if no macvlan, ipvlan,
 * bridge or bond uses the link, in any namespace, and then refuses others (drivers/net/macvlan.c).
 */
export const claimOf = ({ name }: ObservedLink): StepOf<'addLink'> => ({
  verb: 'addLink',
  where: 'node',
  name: unfinishedName(name),
  link: { kind: 'macvlan', on: name, mode: 'passthru' },
})
