// Random schedules of ADD and DEL by many confs, some killed between two changes; what may come of
// each, and the least schedule that breaks it.
import type { ObservedLink } from '../../../lib/plan/state.js'
import { CniError } from '../../../lib/cni/error.js'
import { accepts, type IfacerConf } from '../../../plugins/ifacer/config.js'
import type { LinkUsers, LinkUser } from '../../../plugins/ifacer/link-users.js'
import { ensure, release, type IfacerKernel } from '../../../plugins/ifacer/links.js'
import { isMarked } from '../../../plugins/ifacer/ownership.js'
import { leftovers, topOf, unchangedIn } from '../../../plugins/ifacer/plan.js'
import { EMPTY_NETNS } from '../../../lib/plan/state.js'
import { World, type Arena } from './world.js'

export const NICS = ['eth1', 'eth2', 'eth3']
const removeUnused = true
const both = ['eth1', 'eth2']

/**
 * Each clashes with some of the others: a name, a member, a VLAN id, a mode, an MTU that no bond
 * has.
 */
export const CONFS: readonly object[] = [
  { interfaces: ['eth1'], vlanID: 5 },
  { interfaces: ['eth1'], vlanID: 5, removeUnused },
  { interfaces: ['eth2'], vlanID: 6, removeUnused },
  { interfaces: both, bond: { name: 'b' } },
  { interfaces: both, bond: { name: 'b' }, removeUnused },
  { interfaces: both, bond: { name: 'b' }, vlanID: 5 },
  { interfaces: both, bond: { name: 'b' }, vlanID: 5, removeUnused },
  { interfaces: both, bond: { name: 'b', mode: 2 }, removeUnused },
  { interfaces: ['b'], vlanID: 5, removeUnused },
  { interfaces: ['b'], vlanID: 7, removeUnused },
  { interfaces: ['eth3', 'eth2'], bond: { name: 'c', mode: 1 }, vlanID: 6, removeUnused },
  { interfaces: ['eth1', 'eth3'], bond: { name: 'd' }, vlanID: 6, mtu: 99_999, removeUnused },
  { interfaces: ['eth3'], vlanID: 8 }, // clashes with none
]

/**
 * A call by the pod `pod` for conf `conf`. `dies` is how many changes are made before it is killed;
 * `other` is the call of another pod that comes in at the moment `at`, of those where this one has
 * not the lock.
 */
export interface Op {
  readonly verb: 'ADD' | 'DEL'
  readonly conf: number
  readonly pod: number
  readonly dies?: number
  readonly at?: number
  readonly other?: Op
}

/** How much of a schedule is what. `deaths`: `dies` is less. */
export interface Odds {
  readonly adds: number
  readonly killed: number
  readonly meeting: number
  readonly deaths: number
}
const ODDS: Odds = { adds: 0.6, killed: 0.35, meeting: 0.4, deaths: 14 }

/** Pods keep to one conf: the runtime's DEL is of the ADD's conf. */
export function scheduleFrom(random: () => number, length: number, odds: Odds = ODDS): readonly Op[] {
  const pick = (count: number): number => Math.floor(random() * count)
  const some = Array.from({ length: 3 }, () => pick(CONFS.length)) // few, so that they meet
  const own = Array.from({ length: 6 }, () => some[pick(some.length)] ?? 0)
  const one = (): Op => {
    const pod = pick(own.length)
    const verb = random() < odds.adds ? 'ADD' : 'DEL'
    return { verb, conf: own[pod] ?? 0, pod, ...(random() < odds.killed && { dies: pick(odds.deaths) }) }
  }
  return Array.from({ length }, () => {
    const [op, other] = [one(), one()]
    return random() < odds.meeting && other.pod !== op.pod ? { ...op, other, at: pick(5) } : op
  })
}

class Killed extends Error {}

/**
 * The same node in the hands of a process that is killed before its change number `dies`. Looking
 * changes nothing. `moment` is called whenever others may come in.
 */
function mortal({ kernel, users }: Arena, dies: number, moment: () => void) {
  let left = dies
  let hasLock = false
  const change = <T>(work: () => T): T => {
    if (left-- <= 0) throw new Killed()
    return work()
  }
  const hands: { kernel: IfacerKernel; users: LinkUsers } = {
    kernel: {
      apply: step => change(() => kernel.apply(step)),
      undo: step => change(() => kernel.undo(step)),
      observe(wishes) {
        if (!hasLock) moment()
        return kernel.observe(wishes)
      },
      lock(file) {
        moment()
        const unlock = kernel.lock(file)
        hasLock = true
        return () => {
          hasLock = false
          unlock()
        }
      },
    },
    users: {
      ...users,
      put: (link, user) => change(() => users.put(link, user)),
      drop: (link, user) => change(() => users.drop(link, user)),
    },
  }
  return { hands, isDead: () => left < 0 }
}

export const userOf = ({ pod, conf }: Op): LinkUser => ({ network: `n${conf}`, containerID: `p${pod}`, ifName: 'net1' })
const confOf = ({ conf }: Op): IfacerConf => accepts(CONFS[conf], 'ADD')
export const podOf = ({ pod }: Op): string => String(pod)

/** `stranded`: ADD succeeded, and the next plugin finds no link to stand on. */
export type Came = 'done' | 'refused' | 'killed' | 'stranded'
export interface Done {
  readonly op: Op
  readonly came: Came
}
/** Performs a call, with that of another pod that it names, and says what came of each. */
export type Perform = (op: Op, arena: Arena) => readonly Done[]

/**
 * The call and, around it, what the next plugin of the chain does: its macvlan comes behind ADD and
 * goes before DEL.
 */
const perform: Perform = (op, arena) => {
  const others: Done[] = []
  let moments = 0
  const moment = (): void => {
    if (op.other && moments++ === op.at) others.push(...perform(op.other, arena))
  }
  const me = userOf(op)
  const { hands, isDead } = mortal(arena, op.dies ?? Infinity, moment)
  const done = (came: Came): readonly Done[] => [{ op, came }, ...others]
  try {
    if (op.verb === 'DEL') {
      arena.unplug(podOf(op))
      moment()
      release(user => user.containerID === me.containerID && user.network === me.network, hands)
    } else {
      if (!unchangedIn(confOf(op), wish => hands.kernel.observe({ node: wish }).node)) ensure(confOf(op), me, hands)
      moment()
    }
    return done(op.verb === 'DEL' || isPlugged(op, arena) ? 'done' : 'stranded')
  } catch (error) {
    if (isDead()) return done('killed')
    if (error instanceof CniError) return done('refused')
    throw error
  }
}

export function isPlugged(op: Op, arena: Arena): boolean {
  if (arena.isPlugged(podOf(op))) return true
  try {
    arena.plug(podOf(op), topOf(confOf(op)) ?? '')
    return true
  } catch {
    return false
  }
}

/** The links that are whole, with all that matters of them but whether they are up. */
export function linksText(links: readonly ObservedLink[]): string {
  const unfinished = new Set(leftovers({ ...EMPTY_NETNS, links }).map(step => ('name' in step ? step.name : '')))
  const nameOf = (index: number | undefined) => links.find(link => link.index === index)?.name ?? ''
  return links
    .filter(({ name, parent }) => !unfinished.has(name) && !unfinished.has(nameOf(parent)))
    .map(link => {
      const { name, parent, master, vlan, bond } = link
      const kind = NICS.includes(name) ? 'nic' : link.kind
      const on = kind === 'vlan' ? ` on ${nameOf(parent)} id ${vlan?.id}` : ''
      const of = master && !unfinished.has(nameOf(master)) ? ` of ${nameOf(master)}` : ''
      return `${name} ${kind}${on}${of}${bond ? ` mode ${bond.mode}` : ''}${isMarked(link) ? ' marked' : ''}`
    })
    .sort()
    .join(', ')
}

/** What a call leaves; of a killed one all of it or none of it, with its hold or without. */
function outcomes({ op, came }: Done, before: World): readonly World[] {
  const { verb, conf, pod } = op
  const after = new World(before)
  perform({ verb, conf, pod }, after)
  if (came !== 'killed') return [after]
  const none = new World(before)
  const done = new World(after)
  if (verb === 'DEL') none.unplug(podOf(op))
  else if (!before.isPlugged(podOf(op))) done.unplug(podOf(op)) // it died before the next plugin
  const held = [none, done].map(world => {
    const other = new World(world)
    other.users.put(topOf(confOf(op)) ?? '', userOf(op))
    return other
  })
  return [none, done, ...held]
}

const distinct = (worlds: readonly World[]): readonly World[] => [
  ...new Map(worlds.map(world => [world.key(), world])).values(),
]

/** Calls at one time may have come in either order. */
const orders = (done: readonly Done[]): readonly (readonly Done[])[] =>
  done.length > 1 ? [done, [...done].reverse()] : [done]

/**
 * One sentence for what broke, or undefined. `by` is who performs the calls on the arena: this
 * process by default.
 */
export function brokenBy(schedule: readonly Op[], arena: Arena, by: Perform = perform): string | undefined {
  let possible: readonly World[] = [new World(NICS)]
  const plugged = new Set<string>()
  for (const [at, op] of schedule.entries()) {
    const call = `call ${at + 1} of ${schedule.length}, ${JSON.stringify(op)}`
    const done = by(op, arena)
    if (done.some(({ came }) => came === 'stranded')) return `${call}: ADD succeeded, and a macvlan finds no link`
    const now = linksText(arena.links())
    const after = orders(done).flatMap(order =>
      order.reduce((worlds, one) => distinct(worlds.flatMap(world => outcomes(one, world))), possible),
    )
    possible = distinct(after).filter(world => linksText(world.links()) === now)
    if (possible.length === 0) {
      const may = [...new Set(after.map(world => linksText(world.links())))]
      return `${call}: ${done.map(({ came }) => came).join(' and ')}; there is ${now}; there may be ${may.join(' or ')}`
    }
    for (const one of done)
      if (one.op.verb === 'DEL') plugged.delete(podOf(one.op))
      else if (one.came === 'done') plugged.add(podOf(one.op))
    const lost = [...plugged].find(pod => !arena.isPlugged(pod))
    if (lost !== undefined) return `${call}: the link below pod ${lost} is gone`
  }
  return undefined
}

/** Leaves out what does not matter, as long as it breaks. */
export function shrunk(schedule: readonly Op[], breaks: (schedule: readonly Op[]) => boolean): readonly Op[] {
  const simpler = ({ verb, conf, pod, dies, at, other }: Op): readonly Op[] => [
    ...(dies === undefined ? [] : [{ verb, conf, pod, ...(other && at !== undefined && { at, other }) }]),
    ...(other ? [{ verb, conf, pod, ...(dies !== undefined && { dies }) }, other] : []),
  ]
  const smaller = (of: readonly Op[]): readonly Op[] | undefined =>
    of
      .flatMap((op, at) =>
        [[], ...simpler(op).map(one => [one])].map(put => [...of.slice(0, at), ...put, ...of.slice(at + 1)]),
      )
      .find(breaks)
  let least = schedule
  for (let next = smaller(least); next !== undefined; next = smaller(least)) least = next
  return least
}
