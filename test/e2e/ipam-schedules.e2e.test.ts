// Random schedules of pods, kills, pool edits and failing requests on real processes: no address is
// allocated twice or leaked, retention holds, DEL never fails.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { run } from '../fixtures/history.js'
import { must } from '../fixtures/netns.js'
import { agentScheduleOf, scheduleOf, formatOp } from '../fixtures/schedule.js'
import { shrunk } from '../fixtures/shrink.js'

/** SEEDS=7,12-40 runs others; AGENT_SEEDS those with an agent on the node. */
const SEEDS = process.env['SEEDS'] ?? '1-4'
const AGENT_SEEDS = process.env['AGENT_SEEDS'] ?? '3'
const SHRINK_TRIES_MAX = Number(process.env['SHRINK_TRIES'] ?? 6)

const netns = `sched${process.pid}`
const folder = mkdtempSync(`${tmpdir()}/schedules-`)
must(`ip netns add ${netns}`)
t.teardown(() => {
  must(`ip netns del ${netns}`)
  rmSync(folder, { recursive: true })
})
/** The API server of SPIDERPOOL_TEST_KUBECONFIG is emptied for each. */
const server = () => startApiserver({ args: ['--no-embedded-controller', '--watch-history-max=50'] })
t.jobs = (process.env['SPIDERPOOL_TEST_KUBECONFIG'] ?? '') === '' ? 2 : 1

const seedsOf = (texts: string): readonly number[] =>
  texts
    .split(',')
    .filter(Boolean)
    .flatMap(text => {
      const [first = 0, last = first] = text.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, at) => first + at)
    })
const histories = [
  ...seedsOf(SEEDS).map(seed => ({ seed, hasAgents: false })),
  ...seedsOf(AGENT_SEEDS).map(seed => ({ seed, hasAgents: true })),
]

for (const { seed, hasAgents } of histories)
  t.test(`schedule ${seed}${hasAgents ? ' with agents' : ''}: no address twice, none lost, retention kept`, async t => {
    const running = { seed, server, netns: `/run/netns/${netns}`, folder, hasAgents }
    const ops = hasAgents ? agentScheduleOf(seed) : scheduleOf(seed)
    const { broken, said, tally, requests, faults } = await run(ops, running)
    t.comment(
      `seed ${seed}: ${ops.length} steps, ADDs ${JSON.stringify(tally)}, ${faults} of ${requests} requests failed`,
    )
    t.ok(tally.answered + tally.refused > 0 && faults > 0, 'it has tried something')
    if (broken.length === 0) return
    const fails = async (list: typeof ops): Promise<boolean> => (await run(list, running)).broken.length > 0
    const smallest = await shrunk(ops, fails, SHRINK_TRIES_MAX)
    t.fail(`SEEDS=${seed} broke what must hold`, { broken, smallest: smallest.map(formatOp), said })
  })
