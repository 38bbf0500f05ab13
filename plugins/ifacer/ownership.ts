// What every link that ifacer makes has: the name that it bears until it is whole, and the mark of those that go with their last user. Pure.
import type { ObservedLink } from '../../lib/plan/state.js'
import type { Plan, Step } from '../../lib/plan/step.js'

/** The alias of a link that `removeUnused` made: only what has it is ever removed. */
export const MARK = 'ifacer: removed with its last user'

export const isMarked = ({ alias }: ObservedLink): boolean => alias === MARK

/** A link gets its name when it is whole, so that nobody ever sees half of one; until then it has this. */
export function unfinishedName(name: string): string {
  let hash = 0x811c9dc5 // FNV-1a, 32 bits
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return `spb-${(hash >>> 0).toString(16).padStart(8, '0')}`
}

/** Removes a link of the node, of any kind. */
export const removal = (name: string): Step => ({ verb: 'removeLink', where: 'node', name })

export const mark = (name: string): Step => ({ verb: 'setAlias', where: 'node', name, alias: MARK, was: undefined })
export const up = (name: string): Step => ({ verb: 'setUp', where: 'node', name, was: false })
export const upUnless = (link: ObservedLink): Plan => (link.up ? [] : [up(link.name)])
