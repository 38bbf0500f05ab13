// Thousands of random schedules of ADD, DEL and kills by confs that want the same links: what is
// there is always what whole calls would have made.
import t from 'tap'
import { randomFrom } from '../../lib/ipam/world.js'
import { brokenBy, NICS, scheduleFrom, shrunk, type Op } from './schedules.js'
import { World } from './world.js'

const SCHEDULES = Number(process.env['SCHEDULES'] ?? 2000)
const FIRST = Number(process.env['SEED'] ?? 0)
const CALLS = 24

const broken = (schedule: readonly Op[]): string | undefined => brokenBy(schedule, new World(NICS))

const BOND = 4 // in the table of confs: with removeUnused, as are those below
const BOND_AND_VLAN = 6
const meetings: readonly [what: string, schedule: readonly Op[]][] = [
  ...[0, 1, 2].map((at): [string, Op[]] => [
    `the last pod of a VLAN leaves as one comes to the bond below, at its moment ${at}`,
    [
      { verb: 'ADD', conf: BOND_AND_VLAN, pod: 1 },
      { verb: 'ADD', conf: BOND, pod: 0, at, other: { verb: 'DEL', conf: BOND_AND_VLAN, pod: 1 } },
    ],
  ]),
  ...[0, 1, 2].map((at): [string, Op[]] => [
    `the last pod of a bond leaves as one comes to it, at its moment ${at}`,
    [
      { verb: 'ADD', conf: BOND, pod: 1 },
      { verb: 'ADD', conf: BOND, pod: 0, at, other: { verb: 'DEL', conf: BOND, pod: 1 } },
    ],
  ]),
]
for (const [what, schedule] of meetings)
  t.test(`schedule ${what}: both succeed`, async t => t.equal(broken(schedule), undefined))

t.test(`${SCHEDULES} random schedules leave no partial link and remove none in use`, t => {
  t.comment(`seeds ${FIRST} to ${FIRST + SCHEDULES - 1}; SEED and SCHEDULES say otherwise`)
  for (let seed = FIRST; seed < FIRST + SCHEDULES; seed++) {
    const schedule = scheduleFrom(randomFrom(seed), CALLS)
    if (broken(schedule) === undefined) continue
    const least = shrunk(schedule, one => broken(one) !== undefined)
    t.fail(`seed ${seed}: ${broken(least)}`, { least })
    break
  }
  t.pass('all of them')
  t.end()
})
