// Runs under Bun, as `real.ts PODS-NETNS HOLDS FIRST-SEED COUNT CALLS`: schedules on the kernel's own links; prints what came of each seed, a line of JSON.
import { openKernel } from '../../../lib/kernel/kernel.js'
import type { StepOf } from '../../../lib/plan/step.js'
import { holdsIn } from '../../../plugins/ifacer/holds.js'
import { toRemove } from '../../../plugins/ifacer/made.js'
import { randomFrom } from '../../lib/ipam/world.js'
import { brokenBy, NICS, scheduleFrom, shrunk, type Op } from './schedules.js'
import type { Arena } from './world.js'

const [pods = '', folder = '', first = '0', count = '1', calls = '8'] = process.argv.slice(2)
const kernel = openKernel(pods)

const nic = (pod: string, on: string): StepOf<'addLink'> => ({
  verb: 'addLink',
  where: 'pod',
  name: `net${pod}`,
  link: { kind: 'macvlan', on, mode: 'bridge' },
})
const arena: Arena = {
  kernel,
  holds: holdsIn(folder),
  plug: (pod, on) => kernel.apply(nic(pod, on)),
  unplug: pod => kernel.undo(nic(pod, '')),
  links: () => kernel.observe({ node: { links: 'all' } }).node.links.filter(({ name }) => name !== 'lo'),
  isPlugged: pod => kernel.observe({ pod: { links: [`net${pod}`] } }).pod.links.length > 0,
}

/** The node as it is before any call. */
function clear(): void {
  for (const link of arena.holds.links()) for (const user of arena.holds.usersOf(link)) arena.holds.drop(link, user)
  for (const { name } of arena.links()) if (!NICS.includes(name)) kernel.undo(toRemove(name))
}

const broken = (schedule: readonly Op[]): string | undefined => {
  clear()
  return brokenBy(schedule, arena)
}

for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const started = performance.now()
  const schedule = scheduleFrom(randomFrom(seed), Number(calls))
  const least = broken(schedule) === undefined ? undefined : shrunk(schedule, one => broken(one) !== undefined)
  const ms = Math.round(performance.now() - started)
  console.log(JSON.stringify({ seed, ms, ...(least && { broken: broken(least) ?? 'not every time', least }) }))
}
kernel.close()
