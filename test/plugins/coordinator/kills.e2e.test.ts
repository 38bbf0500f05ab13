// ADD killed (SIGKILL) at its n-th write, for each n: DEL leaves nothing, and ADD again completes.
// `make test` takes some of the writes; EVERY=1 takes all.
import t, { type Test } from 'tap'
import { macsOf, nicOf, openCoordination, stateOf, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach, overlay } = world
const [eth0, net1, net2] = [nicOf('eth0', 6), nicOf('net1', 7), nicOf('net2', 8)] as const

const EVERY = Number(process.env['EVERY'] ?? 23)
/** More than any ADD has. */
const WRITES_MAX = 120

interface Case {
  readonly name: string
  readonly nic: Nic
  readonly conf?: object
  readonly isOverlay?: boolean
  /** Coordinated before. */
  readonly others?: readonly Nic[]
  /** Writes that it must at least have, or it would not be about what its name says. */
  readonly writes: number
}

const TAKES_OVER = { podDefaultRouteNic: 'net1' }
const ALL_KEYS = {
  ...{ podMACPrefix: '0a:1b', txQueueLen: 77, vethLinkAddress: '169.254.100.1', vethMTU: 1400, podRPFilter: 2 },
  ...{ hostRuleTable: 501, policyRoutes: [{ dst: '192.0.2.0/24', gw: '10.6.0.9' }] },
}
const CASES: readonly Case[] = [
  { name: 'the default interface of an underlay', nic: eth0, writes: 40 },
  { name: 'a default interface with all that a conf can ask for', nic: eth0, conf: ALL_KEYS, writes: 45 },
  { name: 'a secondary interface', nic: net1, others: [eth0], writes: 35 },
  {
    name: 'a secondary interface that takes the default route',
    nic: net1,
    conf: TAKES_OVER,
    others: [eth0],
    writes: 35,
  },
  { name: 'a third NIC', nic: net2, others: [eth0, net1], writes: 35 },
  { name: 'the first secondary interface of an overlay', nic: net1, isOverlay: true, writes: 40 },
  {
    name: 'one of an overlay that takes the default route',
    nic: net1,
    conf: TAKES_OVER,
    isOverlay: true,
    writes: 40,
  },
]

const killing = (write: number): readonly string[] => [
  ...['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=write'],
  ...['-e', `inject=write:signal=KILL:when=${write}`],
]

async function done(verb: string, pod: Place, { nic, conf = {} }: Pick<Case, 'nic' | 'conf'>): Promise<void> {
  const { status, stdout } = await coordinate(verb, pod, nic, { conf })
  if (status !== 0) throw new Error(`${verb} of ${nic.name}: ${stdout}`)
}

interface Link {
  readonly ifname: string
  readonly mtu: number
  readonly txqlen: number
  readonly operstate: string
  readonly address: string
  readonly addr_info: readonly { readonly scope: string; readonly local: string; readonly prefixlen: number }[]
}
const linksOf = (place: Place): readonly object[] =>
  (JSON.parse(place.sh('ip -j addr')) as Link[]).map(({ ifname, mtu, txqlen, operstate, address, addr_info }) => ({
    ...{ ifname, mtu, txqlen, operstate },
    ...(address.startsWith('0a:1b:') && { address }), // podMACPrefix; all others are random
    addresses: addr_info.filter(({ scope }) => scope === 'global').map(({ local, prefixlen }) => [local, prefixlen]),
  }))

/** What an ADD makes, of this run of it or of another: MACs by the names of their links. */
function madeIn(pod: Place): object {
  const macs = macsOf(pod, node)
  const filters = 'grep -s "" /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv6/conf/*/disable_ipv6'
  return {
    pod: stateOf(pod, macs),
    node: stateOf(node, macs),
    marks: pod.sh('nft list ruleset'),
    sysctls: pod.sh(filters),
    links: [linksOf(pod), linksOf(node)],
  }
}

/** The ADD with its n-th write fatal. False: it had no such write, and is whole. */
async function isKilled(pod: Place, { nic, conf = {} }: Case, write: number): Promise<boolean> {
  attach(pod, nic)
  const { status, signal, stdout } = await coordinate('ADD', pod, nic, { conf, under: killing(write) })
  if (signal === 'SIGKILL' || status === 137) return true
  if (status !== 0) throw new Error(`write ${write}: ${stdout}`)
  return false
}

async function killEach(t: Test, one: Case, offset: number): Promise<void> {
  const pod = world.pod()
  if (one.isOverlay) overlay(pod, 5)
  for (const nic of one.others ?? []) {
    attach(pod, nic)
    await done('ADD', pod, { nic })
  }
  const before = [dumpOf(pod), dumpOf(node)]
  const leave = async (what: string): Promise<void> => {
    await done('DEL', pod, one)
    detach(pod, one.nic)
    t.strictSame([dumpOf(pod), dumpOf(node)], before, what)
  }
  attach(pod, one.nic)
  await done('ADD', pod, one)
  const golden = madeIn(pod)
  await leave('ADD and DEL')
  let killed = 0
  for (let write = 1 + offset; write < WRITES_MAX; write += EVERY) {
    if (!(await isKilled(pod, one, write))) {
      await leave('ADD that was not killed, and DEL')
      t.ok(write > one.writes, `an ADD of ${write} writes or fewer`)
      break
    }
    killed++
    await leave(`killed with write ${write}, and DEL`)
    await isKilled(pod, one, write)
    await done('ADD', pod, one)
    t.strictSame(madeIn(pod), golden, `killed with write ${write}, and ADD again`)
    await done('CHECK', pod, one)
    await leave(`killed with write ${write}, ADD again and DEL`)
  }
  t.ok(killed > one.writes / EVERY - 1, `${killed} were killed`)
  for (const nic of (one.others ?? []).toReversed()) {
    await done('DEL', pod, { nic })
    detach(pod, nic)
  }
  if (one.isOverlay) pod.sh('ip link del eth0')
}

for (const [at, one] of CASES.entries())
  t.test(`${one.name}: after a kill at any step DEL leaves nothing and ADD completes`, t =>
    killEach(t, one, (at * 5) % EVERY),
  )
