// Random orders of calls, some killed: added NICs are reachable, and after the last DEL pod and
// node are byte for byte as before. A failing schedule is shrunk and printed with its seed;
// SEEDS=7,8 runs these.

import { messageOf } from '../../../lib/errors.js'
import t from 'tap'
import { CID, HIJACK, nicOf, openCoordination, resultFor, VETH, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import { cniEnv, runExecutable } from '../../fixtures/executable.js'
import type { Place } from '../../fixtures/netns.js'
import { shrunk } from '../../fixtures/shrink.js'

const world = openCoordination()
t.teardown(world.close)
const { node, wire, coordinate, attach, detach, overlay } = world
/** Or the dumps differ by that. */
let kills = 0

const SEEDS = process.env['SEEDS']?.split(',').map(Number) ?? [1, 2, 3, 5, 8, 13, 21, 34, 128, 150]
const CALLS = 14
/** Of an ADD's writes to the kernel, of which there are some 45. */
const WRITES_MAX = 60
const SHRINKING_MAX = 25

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

/** `kill` is the write with which the call gets SIGKILL. */
interface Op {
  readonly verb: 'ADD' | 'CHECK' | 'DEL'
  readonly nic: string
  readonly kill?: number
}
interface Schedule {
  readonly mode: 'underlay' | 'overlay'
  readonly nics: readonly Nic[]
  readonly conf: object
  /**
   * The main plugins add all NICs before the first call; else each before its first ADD, as
   * runtimes do.
   */
  readonly isEarly: boolean
  readonly ops: readonly Op[]
  /** The order of the last DELs. */
  readonly last: readonly Nic[]
}

/**
 * Every third is an overlay's, and half of them want the default route on a secondary interface.
 */
function scheduleOf(seed: number): Schedule {
  const random = randomOf(seed)
  const mode = seed % 3 === 0 || seed % 5 === 0 ? 'overlay' : 'underlay'
  const further = [nicOf('net1', 7), nicOf('net2', 8), nicOf('net3', 9)]
  const nics = mode === 'overlay' ? further.slice(0, 1 + random(3)) : [nicOf('eth0', 6), ...further.slice(0, random(4))]
  const wanted = random(2) === 0 ? '' : (nics[random(nics.length)]?.name ?? '')
  const ops = Array.from({ length: CALLS }, (): Op => {
    const { name: nic } = nics[random(nics.length)] ?? nicOf('eth0', 6)
    const what = random(10)
    if (what < 5) return { verb: 'ADD', nic }
    if (what < 6) return { verb: 'CHECK', nic }
    if (what < 8) return { verb: 'DEL', nic }
    return { verb: what === 8 ? 'ADD' : 'DEL', nic, kill: 1 + random(WRITES_MAX) }
  })
  const isEarly = seed % 2 === 1 || wanted !== '' // or the one that is wanted may not be there yet
  const last = nics.map(nic => ({ nic, at: random(1000) })).sort((a, b) => a.at - b.at)
  return {
    mode,
    nics,
    conf: { podDefaultRouteNic: wanted },
    isEarly,
    ops,
    last: last.map(({ nic }) => nic),
  }
}

/** An ADD or DEL killed (SIGKILL) at its n-th write: between two steps, or while observing. */
async function killed({ verb, kill }: Op, pod: Place, nic: Nic, conf: object): Promise<void> {
  const strace = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=write']
  const { status, signal } = await runExecutable({
    name: 'coordinator',
    env: cniEnv({ verb, containerID: CID, netns: pod.path, ifName: nic.name }),
    stdin: JSON.stringify({
      ...{ cniVersion: '1.0.0', name: 'net', type: 'coordinator', mode: 'auto', ...HIJACK, ...conf },
      ...{ logOptions: { logFile: world.log }, prevResult: resultFor(nic, pod.path) },
    }),
    under: ['ip', 'netns', 'exec', node.name, ...strace, '-e', `inject=write:signal=KILL:when=${kill}`],
  })
  if (signal === 'SIGKILL' || status === 137) kills++
}

async function succeeds(verb: string, pod: Place, nic: Nic, conf: object): Promise<void> {
  const { status, stdout } = await coordinate(verb, pod, nic, { conf })
  if (status !== 0) throw new Error(`${verb} ${nic.name}: ${stdout}`)
}

const hosts = ({ v4 = '', v6 = '' }: Nic): readonly string[] => [v4, v6].map(address => address.replace(/\/\d+$/, ''))

/** Some packets may be lost on a busy machine; what does not lead there loses all. */
function pings(from: Place, ips: readonly string[], who: string): void {
  for (const ip of ips)
    if (!from.sh(`for i in 1 2 3 4 5; do ping -c1 -W2 ${ip} && break; done || true`).includes('1 received'))
      throw new Error(`${who} does not reach ${ip}`)
}

/** Node and pod reach each other, and hosts in the NIC's own network get replies. */
function reaches(pod: Place, nics: readonly Nic[]): void {
  wire.sh('ip neigh flush all')
  pings(node, nics.flatMap(hosts), 'the node')
  pings(pod, ['10.6.0.10', 'fd06::10'], 'the pod')
  pings(wire, nics.flatMap(hosts), 'a neighbour on the wire')
}

/**
 * Throws for what a user would complain of. Calls that no runtime makes, a secondary interface's
 * before the first's, are passed over; so is CHECK while a NIC has its main plugin's default route
 * and waits for its own ADD: that NIC is then in the way of what the others were promised.
 */
async function play(pod: Place, { mode, nics, conf, isEarly, ops, last }: Schedule): Promise<void> {
  if (mode === 'overlay') overlay(pod, 5)
  const before = [dumpOf(pod), dumpOf(node)]
  const attached = new Set<Nic>()
  const plugIn = (nic: Nic): void => {
    if (!attached.has(nic)) attach(pod, nic)
    attached.add(nic)
  }
  if (isEarly) nics.forEach(plugIn)
  const whole = new Set<Nic>()
  const first = mode === 'underlay' ? nics[0] : undefined
  const confOf = (nic: Nic): object => (nic === first ? {} : conf)
  for (const op of ops) {
    const nic = nics.find(({ name }) => name === op.nic)
    if (nic === undefined || (first !== undefined && nic !== first && !whole.has(first))) continue
    if (op.verb === 'ADD') plugIn(nic)
    if (op.kill !== undefined) await killed(op, pod, nic, confOf(nic))
    else if (op.verb !== 'CHECK' || (whole.has(nic) && whole.size === attached.size))
      await succeeds(op.verb, pod, nic, confOf(nic))
    if (op.verb === 'CHECK') continue
    if (op.verb === 'ADD' && op.kill === undefined) {
      whole.add(nic)
      reaches(pod, [...whole])
    } else if (nic === first)
      whole.clear() // the veth may be gone, and with it everybody's way to the node
    else whole.delete(nic)
  }
  for (const nic of last) await succeeds('DEL', pod, nic, confOf(nic))
  for (const nic of attached) detach(pod, nic)
  const after = [dumpOf(pod), dumpOf(node)]
  const differs = before.flatMap((text, at) =>
    text === after[at] ? [] : [`${at === 0 ? 'pod' : 'node'}: ${difference(text, after[at] ?? '')}`],
  )
  if (differs.length > 0) throw new Error(`not as before: ${differs.join('; ')}`)
  if (mode === 'overlay') pod.sh('ip link del eth0')
}

const difference = (a: string, b: string): string => {
  const lines = b.split('\n')
  const at = a.split('\n').findIndex((line, place) => line !== lines[place])
  return `${a.split('\n')[at] ?? ''} became ${lines[at] ?? ''}`
}

/** After a failure, so that the next try starts afresh. */
function clear(pod: Place): void {
  for (const name of pod.links()) pod.sh(`ip link del ${name} || true`)
  const links = node.links().filter(name => name === VETH || name.startsWith('cali'))
  node.sh(
    [
      ...links.map(name => `ip link del ${name}`),
      'ip route flush table 500',
      'ip -6 route flush table 500',
      'ip rule del pref 1000',
      'ip -6 rule del pref 1000',
      'true',
    ].join(';'),
  )
}

async function complaint(schedule: Schedule): Promise<string | undefined> {
  const pod = world.pod()
  try {
    await play(pod, schedule)
    return undefined
  } catch (error) {
    clear(pod)
    return messageOf(error)
  }
}

for (const seed of SEEDS)
  t.test(`calls in order ${seed} leave nothing`, async t => {
    const schedule = scheduleOf(seed)
    const { mode, nics, conf, isEarly } = schedule
    const names = nics.map(({ name }) => name).join(' ')
    t.comment(`seed ${seed}: ${mode}, ${names}, ${isEarly ? 'all there first' : 'one by one'}, ${JSON.stringify(conf)}`)
    const why = await complaint(schedule)
    if (why === undefined) return t.pass('byte for byte as before')
    const ops = await shrunk(
      schedule.ops,
      async fewer => (await complaint({ ...schedule, ops: fewer })) !== undefined,
      SHRINKING_MAX,
    )
    return t.fail(`seed ${seed}: ${why}`, { smallest: ops, because: await complaint({ ...schedule, ops }) })
  })

t.test('schedules above include killed calls', t => {
  t.ok(kills > SEEDS.length / 4, `${kills} were`)
  t.end()
})
