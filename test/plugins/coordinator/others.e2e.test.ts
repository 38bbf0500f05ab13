// Rules and tables of other programs: an ADD that succeeds makes a reachable pod, one that fails
// leaves nothing. SEEDS=7,8 runs other random ones.
import t, { type Test } from 'tap'
import { nicOf, openCoordination, VETH, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import type { Reply } from '../../fixtures/executable.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, wire, coordinate, attach, detach } = world
const [eth0, net1] = [nicOf('eth0', 6), nicOf('net1', 7)] as const

const SEEDS = process.env['SEEDS']?.split(',').map(Number) ?? [1, 2, 3, 4, 5]
const hostsOf = ({ v4 = '', v6 = '' }: Nic): readonly string[] => [v4, v6].map(ip => ip.replace(/\/\d+$/, ''))
const NODE = ['10.6.0.10', 'fd06::10'] as const

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

const answers = (from: Place, to: string, source = ''): boolean =>
  from.sh(`for i in 1 2 3; do ping -c1 -W1 ${source && `-I ${source}`} ${to} && break; done || true`).includes('1 rec')

/**
 * What does not work of node to pod and back, with and without a source, and of the NIC and its
 * gateway.
 */
function broken(pod: Place, nics: readonly Nic[]): readonly string[] {
  const ask = (who: string, from: Place, to: string, source?: string): readonly string[] =>
    answers(from, to, source) ? [] : [`${who} to ${to} from ${source ?? 'anywhere'}`]
  return nics.flatMap(nic =>
    hostsOf(nic).flatMap((ip, at) => [
      ...ask('node', node, ip),
      ...ask('node', node, ip, NODE[at]),
      ...ask('pod', pod, NODE[at] ?? '', ip),
      ...ask(
        'pod',
        pod,
        nic.name === 'eth0' ? (['10.6.0.1', 'fd06::1'][at] ?? '') : (['10.7.0.1', 'fd07::1'][at] ?? ''),
        ip,
      ),
    ]),
  )
}

/** Rules and routes of the node that others made, and what takes them away. */
interface Bend {
  readonly name: string
  readonly make: string
  readonly clear: string
}
const BENDS: readonly Bend[] = [
  { name: 'none', make: 'true', clear: 'true' },
  {
    name: 'a source rule of netplan’s',
    make: `ip route add 10.6.0.0/16 dev eth0 table 200; ip rule add from 10.6.0.10 lookup 200 pref 100
      ip -6 route add fd06::/64 dev eth0 table 200; ip -6 rule add from fd06::10 lookup 200 pref 5`,
    clear: `ip rule del pref 100; ip -6 rule del pref 5; ip route flush table 200; ip -6 route flush table 200`,
  },
  {
    name: 'rules that lead all to main first',
    make: 'ip rule add lookup main pref 7; ip -6 rule add lookup main pref 7',
    clear: 'ip rule del pref 7; ip -6 rule del pref 7',
  },
  {
    name: 'a rule to the pods’ network, and one of a mark',
    make: `ip rule add to 10.6.0.0/15 lookup main pref 512; ip rule add fwmark 0x80/0x80 lookup main pref 20
      ip -6 rule add to fd06::/15 lookup main pref 512`,
    clear: 'ip rule del pref 512; ip rule del pref 20; ip -6 rule del pref 512',
  },
  {
    name: 'a rule without a priority',
    make: 'ip rule add pref 1 from 10.6.0.10 lookup 201; ip route add 10.0.0.0/8 dev eth0 table 201',
    clear: 'ip rule del pref 1; ip route flush table 201',
  },
  {
    name: 'a rule at priority 0',
    make: 'ip rule add from 10.6.0.10 lookup 202 pref 0; ip route add 10.6.0.0/15 dev eth0 table 202',
    clear: 'ip rule del from 10.6.0.10 pref 0; ip route flush table 202',
  },
  {
    name: 'a rule that jumps over ours',
    make: 'ip rule add pref 30 from 10.6.0.10 goto 32766',
    clear: 'ip rule del pref 30',
  },
  {
    name: 'a rule that refuses',
    make: 'ip rule add pref 40 to 10.6.0.20 prohibit',
    clear: 'ip rule del pref 40',
  },
]

type Step = 'sbr' | 'tuning' | 'coordinator'
const CHAINS: readonly (readonly Step[])[] = [
  ['coordinator'],
  ['sbr', 'coordinator'],
  ['tuning', 'coordinator'],
  ['tuning', 'sbr', 'coordinator'],
  ['coordinator', 'tuning'],
  ['coordinator', 'sbr'],
  ['sbr', 'coordinator', 'tuning'],
]

/** What is in the pod before the chain: of an init container, or of another plugin. */
const IN_POD: readonly string[] = [
  'true',
  'ip rule add pref 50 from 10.6.0.20 lookup 300; ip route add default via 10.6.0.1 dev eth0 table 300',
  'ip route add 192.0.2.0/24 dev lo table 100',
  'ip rule add pref 60 fwmark 1 lookup 133; ip route add local default dev lo table 133',
  'ip -6 rule add pref 70 lookup 99; ip rule add lookup 99 pref 70',
]

function plugin(step: Step, verb: string, pod: Place, nic: Nic, conf: object): Promise<Reply> {
  if (step === 'coordinator') return coordinate(verb, pod, nic, { conf })
  const prevResult = {
    cniVersion: '1.0.0',
    interfaces: [{ name: nic.name, mac: '0a:1b:2c:00:00:01', sandbox: pod.path }],
    ips: [nic.v4 ?? '', nic.v6 ?? ''].map(address => ({
      ...{ interface: 0, address },
      gateway: address.includes(':') ? address.replace(/::.*/, '::1') : address.replace(/\.\d+\/\d+$/, '.1'),
    })),
  }
  return world.call({
    ...{ verb, name: step, bin: '/usr/lib/cni', pod, ifName: nic.name },
    conf: { cniVersion: '1.0.0', name: 'net', type: step, prevResult, ...(step === 'tuning' && { sysctl: {} }) },
  })
}

const failed = ({ status }: Reply): boolean => status !== 0

/** ADD of one NIC's chain as a runtime does it: where one fails, DEL of all, last first. */
async function chain(steps: readonly Step[], pod: Place, nic: Nic, conf: object): Promise<Reply | undefined> {
  for (const step of steps) {
    const before = dumpOf(pod) + dumpOf(node)
    const reply = await plugin(step, 'ADD', pod, nic, conf)
    if (!failed(reply)) continue
    if (step === 'coordinator' && dumpOf(pod) + dumpOf(node) !== before)
      throw new Error(`a failed ADD left something: ${reply.stdout}`)
    return reply
  }
  return undefined
}

const unchain = async (steps: readonly Step[], pod: Place, nic: Nic): Promise<void> => {
  for (const step of [...steps].reverse()) {
    const { status, stdout } = await plugin(step, 'DEL', pod, nic, {})
    if (status !== 0) throw new Error(`DEL of ${step}: ${stdout}`)
  }
}

interface Case {
  readonly bend: Bend
  readonly inPod: string
  readonly chains: readonly (readonly Step[])[]
  readonly mustWork?: true
}

/** Plays a case to its end; returns the sentence of an ADD that failed. */
async function play(t: Test, { bend, inPod, chains }: Case): Promise<string | undefined> {
  const pod = world.pod()
  node.sh(bend.make)
  const nodeBefore = dumpOf(node)
  const made: { nic: Nic; steps: readonly Step[] }[] = []
  let sentence: string | undefined
  for (const [at, nic] of [eth0, net1].slice(0, chains.length).entries()) {
    const steps = chains[at] ?? []
    attach(pod, nic)
    if (at === 0) pod.sh(inPod)
    made.push({ nic, steps })
    const refused = await chain(steps, pod, nic, {})
    if (refused !== undefined) {
      sentence = refused.stdout
      break
    }
  }
  if (sentence === undefined) {
    const verdicts = await Promise.all(made.map(({ nic }) => coordinate('CHECK', pod, nic)))
    const isAfterSbr = made.some(({ steps }) => steps.indexOf('sbr') > steps.indexOf('coordinator'))
    wire.sh('ip neigh flush all')
    const nics = made.map(({ nic }) => nic)
    // What comes behind coordinator is seen by CHECK alone.
    if (!isAfterSbr || !verdicts.some(failed)) t.strictSame(broken(pod, nics), [], 'success is connectivity')
    if (!isAfterSbr) t.strictSame(verdicts.map(({ stdout }) => stdout).join(''), '', 'and CHECK says so')
  } else
    t.match(
      sentence,
      /packets (on the node|in the container) to .* and must leave by|failed to|already/,
      'one sentence',
    )
  for (const { nic, steps } of made.reverse()) {
    await unchain(steps, pod, nic)
    detach(pod, nic)
  }
  t.equal(dumpOf(node), nodeBefore, 'DEL leaves nothing on the node')
  t.notMatch(pod.sh('ip rule; ip -6 rule'), /fwmark 0x1 lookup (100|9\d)/, 'nor a rule in the pod')
  t.notOk(node.links().includes(VETH))
  node.sh(bend.clear)
  return sentence
}

const NONE: Bend = { name: 'none', make: 'true', clear: 'true' }

for (const bend of BENDS)
  t.test(`ADD with ${bend.name} on the node connects the pod, or fails and leaves nothing`, async t => {
    const sentence = await play(t, { bend, inPod: 'true', chains: [['coordinator'], ['coordinator']] })
    const isHopeless = /priority 0|jumps|refuses/.test(bend.name)
    t.equal(sentence !== undefined, isHopeless, sentence ?? 'it worked')
  })

for (const steps of CHAINS)
  t.test(`ADD of ${steps.join(', ')} connects the pod, or CHECK fails`, async t => {
    t.equal(await play(t, { bend: NONE, inPod: 'true', chains: [steps, steps] }), undefined)
  })

for (const inPod of IN_POD)
  t.test(`ADD in a pod after ${inPod}`, async t => {
    const sentence = await play(t, { bend: NONE, inPod, chains: [['coordinator'], ['coordinator']] })
    t.equal(sentence !== undefined, inPod.includes('fwmark'), sentence ?? 'it worked')
  })

for (const seed of SEEDS)
  t.test(`ADD with random foreign state ${seed}: success is connectivity, failure leaves nothing`, async t => {
    const random = randomOf(seed)
    const one = <T>(list: readonly T[]): T => list[random(list.length)] as T
    const chosen = { bend: one(BENDS), inPod: one(IN_POD), chains: [one(CHAINS), one(CHAINS)] }
    t.comment(`seed ${seed}: ${chosen.bend.name}; ${chosen.inPod}; ${JSON.stringify(chosen.chains)}`)
    t.comment((await play(t, chosen)) ?? 'it worked')
  })
