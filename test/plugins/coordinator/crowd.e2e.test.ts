// A node with a thousand links: how ADD finds the node's addresses, and the 10 s cache.
import { readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import t, { type Test } from 'tap'
import { nicOf, openCoordination, stateOf, type Nic } from '../../fixtures/coordination.js'

const world = openCoordination()
const { node, coordinate, attach } = world
const MEMORY = `/run/spidernet/coordinator/addresses-${statSync(node.path).ino}-0`
t.teardown(() => {
  world.close()
  rmSync(MEMORY, { force: true })
})
const PAIRS = 500

/** Sets the time at which the addresses were looked for. */
const found = (secondsAgo: number): void => {
  const time = Date.now() / 1000 - secondsAgo
  utimesSync(MEMORY, time, time)
}

/** The node's addresses that a new pod gets ways to. */
async function hostsOf(t: Test, nic: Nic): Promise<readonly string[]> {
  const pod = world.pod()
  attach(pod, nic)
  const call = async (verb: string): Promise<void> => {
    const { status, stdout } = await coordinate(verb, pod, nic)
    t.equal(status, 0, `${verb} ${stdout}`)
  }
  await call('ADD')
  const { routes } = stateOf(pod)
  await call('DEL')
  return routes.flatMap(line => /^main: ([0-9a-f.:]+) dev veth0 /.exec(line)?.[1] ?? [])
}

t.test('ADD with few links dumps all of them', async t => {
  t.strictSame(await hostsOf(t, nicOf('eth0', 6)), ['10.6.0.10', 'fd06::10'])
  t.throws(() => statSync(MEMORY), { code: 'ENOENT' }, 'and nothing is kept')
})

/** Netlink requests of the last ADD, by its log. */
function requestsOfAdd(): number {
  const lines = readFileSync(world.log, 'utf8').trim().split('\n')
  const of = lines.map(line => JSON.parse(line) as { command: string; requests: number })
  return of.findLast(({ command }) => command === 'ADD')?.requests ?? 0
}

t.test('ADD with routes to many pods reads none of their links', async t => {
  await hostsOf(t, nicOf('eth0', 6))
  const alone = requestsOfAdd()
  node.sh(
    `for n in $(seq 20); do ip link add o$n type veth peer name p$n; ip link set o$n up
     ip route add 10.6.8.$n dev o$n table 500; ip -6 route add fd06::8:$n dev o$n table 500; done`,
  )
  await hostsOf(t, nicOf('eth0', 6))
  t.equal(requestsOfAdd(), alone)
  node.sh('for n in $(seq 20); do ip link del o$n; done')
})

t.test('ADD with many links uses the cache for ten seconds', async t => {
  node.sh('echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad')
  for (const lines of ['link add x& type veth peer name y&', 'link set x& up\\nlink set y& up'])
    node.sh(`seq ${PAIRS} | sed "s/.*/${lines}/" | ip -batch -`)
  // A link has its own address a while after it is up.
  node.sh(
    `for _ in $(seq 100); do [ $(ip -6 -o addr show scope link | wc -l) -gt ${2 * PAIRS} ] && break; sleep 0.1; done`,
  )
  t.strictSame(await hostsOf(t, nicOf('eth0', 6, 'both', 21)), ['10.6.0.10', 'fd06::10'])
  t.match(readFileSync(MEMORY, 'utf8'), /^\d+ eth0\nend\n$/)
  node.sh('ip addr add fd99::1/64 dev x1 nodad; ip addr add 10.6.0.11/16 dev eth0')
  found(1)
  t.strictSame(
    await hostsOf(t, nicOf('eth0', 6, 'both', 22)),
    ['10.6.0.10', '10.6.0.11', 'fd06::10'],
    'as they are now; of other links as they were',
  )
  found(11)
  t.strictSame(
    await hostsOf(t, nicOf('eth0', 6, 'both', 23)),
    ['10.6.0.10', '10.6.0.11', 'fd06::10', 'fd99::1'],
    'and then all',
  )
})
