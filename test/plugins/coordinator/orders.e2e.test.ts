// Any order of calls, some of them killed half-way: after the last DEL pod and node are byte for byte what they were, and what is coordinated is reached.
import t, { type Test } from 'tap'
import { CID, HIJACK, nicOf, openCoordination, resultFor, type Nic } from '../../fixtures/coordination.js'
import { cniEnv, runExecutable } from '../../fixtures/executable.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach } = world
node.sh('while ip -6 addr show tentative | grep -q inet6; do sleep 0.1; done') // or the dumps differ by that
let kills = 0

const SEEDS = [1, 2, 3, 5, 8, 13, 21, 34] as const
const CALLS = 14
/** Of an ADD's writes to the kernel, of which there are some 45. */
const WRITES_MAX = 60

/** mulberry32: the same sequence on every machine. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** What iproute2 says, as text. */
const dumpOf = (place: Place): string =>
  place.sh(
    'ip -j link; ip -j addr; for f in -4 -6; do ip -j $f rule; ip -j $f route show table all; done; ip -j neigh show nud permanent',
  )

/** An ADD or DEL that gets SIGKILL with its n-th write: between any two steps, or in the middle of looking. */
async function killed(verb: string, pod: Place, nic: Nic, writes: number): Promise<void> {
  const strace = [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=write',
    '-e',
    `inject=write:signal=KILL:when=${writes}`,
  ]
  const { status, signal } = await runExecutable({
    name: 'coordinator',
    env: cniEnv({ verb, containerID: CID, netns: pod.path, ifName: nic.name }),
    stdin: JSON.stringify({
      ...{ cniVersion: '1.0.0', name: 'net', type: 'coordinator', mode: 'auto', ...HIJACK },
      ...{ logOptions: { logFile: world.log }, prevResult: resultFor(nic, pod.path) },
    }),
    under: ['ip', 'netns', 'exec', node.name, ...strace],
  })
  if (signal === 'SIGKILL' || status === 137) kills++
}

const hosts = ({ v4 = '', v6 = '' }: Nic): readonly string[] => [v4, v6].map(address => address.replace(/\/\d+$/, ''))

async function succeeds(t: Test, verb: string, pod: Place, nic: Nic): Promise<void> {
  const { status, stdout } = await coordinate(verb, pod, nic)
  t.equal(status, 0, `${verb} ${nic.name}${status === 0 ? '' : stdout}`)
}

/** The node reaches each address of what is coordinated, and the pod the node. */
function reaches(t: Test, pod: Place, nics: readonly Nic[]): void {
  for (const ip of nics.flatMap(hosts)) t.match(node.sh(`ping -c1 -W2 ${ip}`), '1 received', `node to ${ip}`)
  for (const ip of ['10.6.0.10', 'fd06::10']) t.match(pod.sh(`ping -c1 -W2 ${ip}`), '1 received', `pod to ${ip}`)
}

for (const seed of SEEDS)
  t.test(`calls in order ${seed} leave nothing`, async t => {
    const random = randomOf(seed)
    const pod = world.pod()
    const before = [dumpOf(pod), dumpOf(node)]
    const first = nicOf('eth0', 6)
    const further = [nicOf('net1', 7), nicOf('net2', 8), nicOf('net3', 9)].slice(0, random(4))
    const nics = [first, ...further]
    for (const nic of nics) attach(pod, nic)
    const whole = new Set<Nic>()
    for (let call = 0; call < CALLS; call++) {
      const nic = whole.has(first) ? (nics[random(nics.length)] ?? first) : first
      const what = random(10)
      if (what < 5) {
        await succeeds(t, 'ADD', pod, nic)
        whole.add(nic)
        reaches(t, pod, [...whole])
      } else if (what < 6) {
        if (whole.has(nic)) await succeeds(t, 'CHECK', pod, nic)
      } else if (what < 8) {
        await succeeds(t, 'DEL', pod, nic)
        whole.delete(nic)
      } else {
        await killed(what === 8 ? 'ADD' : 'DEL', pod, nic, 1 + random(WRITES_MAX))
        whole.delete(nic)
        if (nic === first) whole.clear() // the veth may be gone, and with it everybody's way to the node
      }
    }
    const last = [...nics].sort(() => random(3) - 1)
    for (const nic of last) await succeeds(t, 'DEL', pod, nic)
    for (const nic of nics) detach(pod, nic)
    t.strictSame([dumpOf(pod), dumpOf(node)], before, 'byte for byte')
  })

t.test('of the calls above some were killed', t => {
  t.ok(kills > 3, `${kills} were`)
  t.end()
})
