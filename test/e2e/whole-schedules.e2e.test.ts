// Random schedules of macvlan-wrapper's calls over the client, the executable and agents that are
// killed, hung and rolled: no address twice, nothing left behind, DEL never fails.
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { openAgents } from '../fixtures/agents.js'
import { CLIENT_BIN } from '../fixtures/client.js'
import { containerId, openCluster, poolAnnotation, type PodRef } from '../fixtures/cluster.js'
import { BIN, cniEnv, runExecutable } from '../fixtures/executable.js'
import { must, openNetwork, type Place } from '../fixtures/netns.js'
import { WHOLE_ENV, type WholeCall } from '../fixtures/via-agent.js'
import { randomFrom } from '../lib/ipam/world.js'

/** WHOLE_SEEDS=7,12-40 runs others. */
const SEEDS = (process.env['WHOLE_SEEDS'] ?? '1').split(',').flatMap(text => {
  const [first = 0, last = first] = text.split('-').map(Number)
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
})
/** An agent that hangs in a call costs its client six seconds. */
const HANGS = process.env['WHOLE_SEEDS'] !== undefined
const PODS = 4
const ROUNDS = 6

const network = openNetwork()
const server = await startApiserver({ killed: true })
const cluster = openCluster(server.kubeconfig)
// The API server is on this namespace's loopback: the calls are made here, on a link into the
// switch.
const master = `ws${process.pid}`
must(`ip link add ${master} type veth peer name up0 netns ${network.wire.name} && ip link set ${master} up`)
network.wire.sh('ip link set up0 master br0 up')
const agents = await openAgents(server.kubeconfig, WHOLE_ENV)
t.teardown(async () => {
  must(`ip link del ${master}`)
  await agents.stop()
  await server.stop()
  network.close()
})

interface Sandbox {
  readonly pod: PodRef
  readonly place: Place
  readonly id: string
  /** What its last ADD answered with. */
  address: string | undefined
}

type Way = 'client' | 'executable'
interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
}

function callOf(verb: string, { pod, place, id }: Sandbox): WholeCall {
  const ipam = { type: 'spiderpool', log_file_path: '/dev/null', kubeconfig: server.kubeconfig }
  return {
    name: 'macvlan-wrapper',
    env: { ...cniEnv({ verb, containerID: id, netns: place.path, pod }), SPIDERPOOL_AGENT_SOCKET: agents.socket },
    stdin: JSON.stringify({ cniVersion: '1.0.0', name: 'net', type: 'macvlan-wrapper', master, ipam }),
  }
}

/** The client executes the full image where the agent has not executed the call. */
async function ran(call: WholeCall, way: Way): Promise<Ended> {
  const { status, stdout } = await runExecutable({ ...call, bin: way === 'client' ? CLIENT_BIN : BIN })
  return { exitCode: status, stdout }
}

/**
 * The executable is killed in the middle; or the agent is, or it hangs for longer than the client
 * waits: then the full image has executed the call, and the agent goes on with its own.
 */
async function brokenAfter(ms: number, call: WholeCall, way: Way, hangs: boolean): Promise<Ended | undefined> {
  if (way === 'executable') {
    const under = ['timeout', '-s', 'KILL', String(ms / 1000)]
    await runExecutable({ ...call, bin: BIN, under }).catch(() => undefined)
    return undefined
  }
  const running = ran(call, 'client')
  await new Promise(resolve => setTimeout(resolve, ms))
  if (!hangs) await agents.kill()
  else await agents.hang(running)
  return running
}

const NIC_IS_THERE = /exists/
const addressIn = (stdout: string): string | undefined =>
  (JSON.parse(stdout) as { ips?: readonly { address: string }[] }).ips?.[0]?.address.split('/')[0]

for (const seed of SEEDS)
  t.test(`schedule ${seed}: calls by client, executable and agents that die keep every address one pod's`, async t => {
    const random = randomFrom(seed)
    const below = (count: number): number => Math.floor(random() * count)
    const way = (): Way => (below(3) === 0 ? 'executable' : 'client')
    const broken = async (call: WholeCall): Promise<void> => {
      const hangs = below(4) === 0 && HANGS
      const ended = await brokenAfter(5 + below(60), call, way(), hangs)
      if (ended === undefined || ended.exitCode === 0) return
      // A hung agent goes on later, so an ADD leaves the NIC that it has made to it, and fails.
      if (hangs) t.match(ended.stdout, NIC_IS_THERE, `${call.env['CNI_COMMAND']} with an agent that hangs`)
      else t.equal(ended.exitCode, 0, `${call.env['CNI_COMMAND']} with an agent that is killed: ${ended.stdout}`)
    }
    const pool = `ws-${process.pid}-${seed}`
    await cluster.pool(pool, {
      subnet: '10.6.0.0/16',
      ips: [`10.6.${100 + (seed % 100)}.10-10.6.${100 + (seed % 100)}.40`],
      gateway: '10.6.0.1',
    })
    let made = 0
    let answered = 0
    const live = (all: readonly Sandbox[]): readonly string[] => all.flatMap(({ address }) => address ?? [])
    const sandboxes: Sandbox[] = []
    for (let round = 0; round < ROUNDS; round++) {
      while (sandboxes.length < PODS) {
        const pod = await cluster.pod(`ws-${process.pid}-${seed}-${made++}-x`, poolAnnotation(pool))
        sandboxes.push({ pod, place: network.pod(), id: containerId(), address: undefined })
      }
      if (below(3) === 0) await agents.roll()
      await Promise.all(
        sandboxes
          .filter(({ address }) => address === undefined)
          .map(async one => {
            const dies = below(3) === 0
            if (dies) await broken(callOf('ADD', one))
            // As a runtime: the DEL of a failed or killed ADD, then the ADD of a new sandbox.
            if (dies) t.equal((await ran(callOf('DEL', one), way())).exitCode, 0, 'DEL after a broken ADD')
            const added = await ran(callOf('ADD', one), way())
            if (added.exitCode === 0) one.address = addressIn(added.stdout)
            else await ran(callOf('DEL', one), way())
            if (added.exitCode === 0) answered++
          }),
      )
      t.equal(new Set(live(sandboxes)).size, live(sandboxes).length, `round ${round}: no address twice`)
      for (const one of sandboxes)
        if (one.address !== undefined) t.match(one.place.sh('ip -4 -o addr show eth0'), one.address)
      for (const one of sandboxes.splice(0, 1 + below(PODS - 1))) {
        await cluster.removePod(one.pod)
        if (below(3) === 0) await broken(callOf('DEL', one))
        t.equal((await ran(callOf('DEL', one), way())).exitCode, 0, 'DEL')
        t.strictSame(one.place.links(), [], 'no NIC is left')
      }
    }
    for (const one of sandboxes) {
      await cluster.removePod(one.pod)
      t.equal((await ran(callOf('DEL', one), way())).exitCode, 0, 'DEL')
      t.strictSame(one.place.links(), [])
    }
    t.ok(answered >= ROUNDS, `${answered} ADDs were answered`)
    t.strictSame(await cluster.addresses(pool), [], 'no address is left')
  })
