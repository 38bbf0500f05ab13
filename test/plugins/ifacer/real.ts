// Runs under Bun, as `real.ts PODS-NETNS HOLDS FIRST-SEED COUNT CALLS [BIN STEP]`: schedules on the
// kernel's own links, with BIN by its ifacer's processes, killed at every STEP-th change; prints
// what came of each, a line of JSON.
import { openKernel } from '../../../lib/kernel/kernel.js'
import type { StepOf } from '../../../lib/plan/step.js'
import { linkUsersIn } from '../../../plugins/ifacer/link-users.js'
import { removal } from '../../../plugins/ifacer/ownership.js'
import { randomFrom } from '../../lib/ipam/world.js'
import { ODDS, performBy, scenes } from './processes.js'
import { brokenBy, NICS, scheduleFrom, shrunk, type Op } from './schedules.js'
import type { Arena } from './world.js'

const [pods = '', folder = '', first = '0', count = '1', calls = '8', bin, step = '1'] = process.argv.slice(2)
const kernel = openKernel(pods)
const BOND_AND_VLAN = 6 // in the table of confs
const LONE_VLAN = 12

const nic = (pod: string, on: string): StepOf<'addLink'> => ({
  verb: 'addLink',
  where: 'pod',
  name: `net${pod}`,
  link: { kind: 'macvlan', on, mode: 'bridge' },
})
const arena: Arena = {
  kernel,
  users: linkUsersIn(folder),
  plug: (pod, on) => kernel.apply(nic(pod, on)),
  unplug: pod => kernel.undo(nic(pod, '')),
  links: () => kernel.observe({ node: { links: 'all' } }).node.links.filter(({ name }) => name !== 'lo'),
  isPlugged: pod => kernel.observe({ pod: { links: [`net${pod}`] } }).pod.links.length > 0,
}

/** The node as it is before any call. */
function clear(): void {
  for (const link of arena.users.links()) for (const user of arena.users.usersOf(link)) arena.users.drop(link, user)
  for (const { name } of arena.links()) if (!NICS.includes(name)) kernel.apply(removal(name))
}

const byThem = bin === undefined ? undefined : performBy({ bin, pods, folder: `${folder}.calls` }, usualS(bin))

/** How long the ADD takes that makes the most. */
function usualS(bin: string): number {
  clear()
  const started = performance.now()
  const [done] = performBy({ bin, pods, folder: `${folder}.calls` }, 0)(
    { verb: 'ADD', conf: BOND_AND_VLAN, pod: 0 },
    arena,
  )
  if (done?.came !== 'done') throw new Error(JSON.stringify(done))
  return (performance.now() - started) / 1000
}

const broken = (schedule: readonly Op[]): string | undefined => {
  clear()
  return brokenBy(schedule, arena, byThem) ?? leftBehind()
}

/** The next call that makes something throws away what killed ones left. */
function leftBehind(): string | undefined {
  if (byThem === undefined) return undefined
  byThem({ verb: 'ADD', conf: LONE_VLAN, pod: 0 }, arena)
  const left = arena.links().filter(({ name }) => name.startsWith('spb-'))
  return left.length === 0 ? undefined : `left: ${left.map(({ name }) => name).join(', ')}`
}

/** A process cannot be made to do just the same again, so its schedule is reported unshrunk. */
const leastOf = (schedule: readonly Op[]): readonly Op[] =>
  byThem === undefined ? shrunk(schedule, one => broken(one) !== undefined) : schedule

const random = Array.from({ length: Number(count) }, (_, at) => Number(first) + at).map(
  seed => [`seed ${seed}`, scheduleFrom(randomFrom(seed), Number(calls), byThem && ODDS)] as const,
)
for (const [name, schedule] of [...(byThem ? scenes(Number(step)) : []), ...random]) {
  const started = performance.now()
  const why = broken(schedule)
  const least = why === undefined ? undefined : leastOf(schedule)
  const ms = Math.round(performance.now() - started)
  console.log(JSON.stringify({ name, ms, ...(why !== undefined && { broken: why, least }) }))
}
kernel.close()
