// Fails each request of an ADD in turn, by strace: nothing of the ADD is left. Shared by two test
// files. `make test` takes every fourth, other ones in each case; EVERY=1 takes all.
import { readFileSync, rmSync } from 'node:fs'
import type { Test } from 'tap'
import { nicOf, openCoordination, type Nic } from '../../fixtures/coordination.js'
import { dumpAll } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
const { node, coordinate, attach, detach, overlay } = world
export const { close } = world
const [eth0, net1] = [nicOf('eth0', 6), nicOf('net1', 7)] as const

const EVERY = Number(process.env['EVERY'] ?? 4)
/** More than any ADD has. */
const WRITES_MAX = 120
/** As lib/netlink reads. */
const NETLINK_BUFFER = 65536

interface Case {
  readonly name: string
  readonly nic: Nic
  readonly conf?: object
  /** What was there before. */
  readonly given: (pod: Place) => Promise<void>
  /** Steps that it must at least have, or it would not be about what its name says. */
  readonly steps: number
}

const attachAndSettle = async (pod: Place, nic: Nic, conf: object = {}): Promise<void> => {
  const { status, stdout } = await coordinate('ADD', pod, nic, { conf })
  if (status !== 0) throw new Error(stdout)
}
const first = async (pod: Place): Promise<void> => {
  attach(pod, eth0)
  await attachAndSettle(pod, eth0)
}

const CASES: readonly Case[] = [
  { name: 'a default interface', nic: eth0, given: async pod => attach(pod, eth0), steps: 28 },
  {
    name: 'a default interface with all that a conf can ask for',
    nic: eth0,
    conf: {
      ...{ podMACPrefix: '0a:1b', txQueueLen: 77, vethLinkAddress: '169.254.100.1', vethMTU: 1400, podRPFilter: 2 },
      ...{ hostRuleTable: 501, policyRoutes: [{ dst: '192.0.2.0/24', gw: '10.6.0.9' }] },
    },
    given: async pod => attach(pod, eth0),
    steps: 34,
  },
  {
    name: 'a secondary interface',
    nic: net1,
    given: async pod => {
      await first(pod)
      attach(pod, net1)
    },
    steps: 20,
  },
  {
    name: 'a secondary interface that takes the default route',
    nic: net1,
    conf: { podDefaultRouteNic: 'net1' },
    given: async pod => {
      await first(pod)
      attach(pod, net1)
      pod.sh('ip route add 192.0.2.0/24 via 10.6.0.9 dev eth0 metric 77 mtu 1300')
    },
    steps: 20,
  },
  {
    name: 'a secondary interface whose default is a path of a multipath route',
    nic: net1,
    given: async pod => {
      await first(pod)
      attach(pod, net1)
      pod.sh('ip route del default dev net1; ip route del default dev eth0')
      pod.sh('ip route add default nexthop via 10.6.0.1 dev eth0 weight 3 nexthop via 10.7.0.1 dev net1')
    },
    steps: 20,
  },
  {
    name: 'a secondary interface of an overlay',
    nic: net1,
    given: async pod => {
      overlay(pod, 5)
      attach(pod, net1)
    },
    steps: 30,
  },
  {
    name: 'a default interface whose veth was lost, beside a secondary one',
    nic: eth0,
    given: async pod => {
      await first(pod)
      attach(pod, net1)
      await attachAndSettle(pod, net1)
      pod.sh('ip link del veth0')
      // Another pod's: a rule that leads nowhere any more would go with the next undoing.
      node.sh('ip route add 10.6.0.99 dev eth0 table 500; ip -6 route add fd06::99 dev eth0 table 500')
    },
    steps: 28,
  },
  {
    name: 'a default interface that others have bent since its ADD',
    nic: eth0,
    given: async pod => {
      await first(pod)
      pod.sh('ip neigh replace 10.6.0.10 lladdr 02:00:00:00:00:99 dev veth0 nud permanent')
      pod.sh('ip route replace 10.96.0.0/12 via 10.6.0.10 dev veth0 mtu 900; ip rule del pref 1000')
      pod.sh('nft flush chain inet spiderpool output; echo 1 > /proc/sys/net/ipv4/conf/veth0/rp_filter')
      node.sh('ip route del 10.6.0.20 table 500; ip route add 10.6.0.20 dev eth0 table 500')
    },
    steps: 7,
  },
]

/** Fails the n-th write: a query, a step or a sysctl. All of an ADD is on one thread. */
const refusing = (write: number): readonly string[] => [
  ...['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=write'],
  ...['-e', `inject=write:error=EPERM:when=${write}`],
]

/** Until nothing is left to refuse but the log, which fails no ADD, and the answer. */
async function sweep(t: Test, one: Case, pod: Place): Promise<void> {
  const { nic, conf = {}, steps } = one
  const before = [dumpAll(pod), dumpAll(node)]
  const named = new Set<string>()
  for (let write = 1 + (CASES.indexOf(one) % EVERY); write < WRITES_MAX; write += EVERY) {
    const { status, json } = await coordinate('ADD', pod, nic, { conf, under: refusing(write) })
    if (status === 0 || json === undefined) {
      t.equal((await coordinate('CHECK', pod, nic, { conf })).status, 0)
      t.ok(
        named.size >= Math.floor(steps / EVERY),
        `${named.size} different steps were refused, of ${write - 1} requests`,
      )
      return
    }
    const { msg } = json as { msg: string }
    named.add(msg)
    t.match(msg, /operation not permitted/, `request ${write}`)
    t.notMatch(json, { details: /not undone/ })
    t.strictSame([dumpAll(pod), dumpAll(node)], before, `request ${write} refused: ${msg}`)
  }
  t.fail('an ADD has no end')
}

const CLEAR =
  'ip route flush table 500; ip -6 route flush table 500; ip rule del pref 1000; ip -6 rule del pref 1000; true'

/** Writes of every case that begins with `name`. */
export function refuseEach(t: Test, name: string): void {
  for (const one of CASES.filter(({ name: is }) => is.startsWith(name)))
    t.test(`ADD of ${one.name} that fails changes nothing`, async t => {
      const pod = world.pod()
      await one.given(pod)
      await sweep(t, one, pod)
      for (const nic of [net1, eth0]) {
        t.equal((await coordinate('DEL', pod, nic)).status, 0)
        if (pod.links().includes(nic.name)) detach(pod, nic)
      }
      node.sh(CLEAR)
    })
}

/**
 * The reads of an ADD that are netlink answers: earlier ones are the runtime's, of /proc and libc.
 */
async function answers(pod: Place): Promise<readonly number[]> {
  const file = `${world.log}.reads`
  const under = ['strace', '-f', '-qq', '-o', file, '-e', 'trace=read']
  const { status, stdout } = await coordinate('ADD', pod, eth0, { under })
  if (status !== 0) throw new Error(stdout)
  await coordinate('DEL', pod, eth0)
  const lines = readFileSync(file, 'utf8').split('\n')
  rmSync(file)
  const thread = (line: string): string => line.split(' ')[0] ?? ''
  const isAnswer = (line: string): boolean => line.includes(`, ${NETLINK_BUFFER}) = `)
  const main = thread(lines.find(isAnswer) ?? '')
  return lines.filter(line => thread(line) === main).flatMap((line, at) => (isAnswer(line) ? at + 1 : []))
}

/** The kernel applies the request, and its answer is lost. */
export async function loseEach(t: Test): Promise<void> {
  const pod = world.pod()
  attach(pod, eth0)
  const reads = await answers(pod)
  t.ok(reads.length > 40, `${reads.length} answers`)
  const before = [dumpAll(pod), dumpAll(node)]
  for (const read of reads.filter((_, at) => at % EVERY === 0)) {
    const losing = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=read']
    const inject = ['-e', `inject=read:error=EIO:when=${read}`]
    const { status, json } = await coordinate('ADD', pod, eth0, { under: [...losing, ...inject] })
    const { msg = 'no word' } = (json ?? {}) as { msg?: string }
    t.not(status, 0, `read ${read} failed: ${msg}`)
    if (status === 0) await coordinate('DEL', pod, eth0)
    t.strictSame([dumpAll(pod), dumpAll(node)], before, `as before read ${read}: ${msg}`)
  }
}
