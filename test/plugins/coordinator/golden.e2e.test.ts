// Several NICs, underlay and overlay: end states line by line; ADD again changes nothing; DEL
// restores the state before.
import t, { type Test } from 'tap'
import {
  macsOf,
  nicOf,
  openCoordination,
  stateOf,
  VETH,
  type Coordinating,
  type Nic,
  type State,
} from '../../fixtures/coordination.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach, overlay } = world

const H4 = ['10.244.0.0/16', '10.96.0.0/12', '169.254.0.0/16']
const H6 = ['fd44::/56', 'fd00:10:96::/112']
/** All that is hijacked, in a table, by the link that leads to the node. */
const hijacked = (table: string, dev: string, src: string): readonly string[] => [
  ...H4.map(to => `${table}: ${to} via 10.6.0.10 dev ${dev} src ${src}`),
  ...H6.map(to => `${table}: ${to} via fd06::10 dev ${dev} metric 1024`),
]
const toNode = (table: string, dev: string, src: string): readonly string[] => [
  `${table}: 10.6.0.10 dev ${dev} scope link src ${src}`,
  `${table}: fd06::10 dev ${dev} metric 1024`,
]
/** The main plugin's own for a NIC, with its default or without. */
const connected = (subnet: number, dev: string, hasDefault: boolean): readonly string[] => [
  `main: 10.${subnet}.0.0/16 dev ${dev} proto kernel scope link src 10.${subnet}.0.20`,
  `main: fd0${subnet}::/64 dev ${dev} proto kernel metric 256`,
  ...(hasDefault ? defaults('main', subnet, dev) : []),
]
const defaults = (table: string, subnet: number, dev: string): readonly string[] => [
  `${table}: default via 10.${subnet}.0.1 dev ${dev}`,
  `${table}: default via fd0${subnet}::1 dev ${dev} metric 1024`,
]
/** A NIC's routes in a table of its own. */
const moved = (table: string, subnet: number, dev: string): readonly string[] => [
  ...defaults(table, subnet, dev),
  `${table}: 10.${subnet}.0.0/16 dev ${dev} scope link src 10.${subnet}.0.20`,
  `${table}: fd0${subnet}::/64 dev ${dev} metric 1024`,
]
const twice = (rule: (ip: string) => string, v4: string, v6: string): readonly string[] => [rule(v4), rule(v6)]
const rulesOf = (...perFamily: readonly (readonly string[])[]): readonly string[] => [
  ...perFamily.map(([v4 = '']) => v4),
  ...perFamily.map(([, v6 = '']) => v6),
]
const from = (priority: number, v4: string, v6: string, table: number): readonly string[] =>
  twice(ip => `${priority}: from ${ip} lookup ${table}`, v4, v6)
const marked = twice(() => '1000: from all fwmark 0x1 lookup 100', '', '')

const U1 = [
  '100: default via 10.6.0.10 dev veth0 src 10.6.0.20',
  '100: default via fd06::10 dev veth0 metric 1024',
  ...toNode('101', 'veth0', '10.6.0.20'),
  ...toNode('main', 'veth0', '10.6.0.20'),
  ...hijacked('main', 'veth0', '10.6.0.20'),
]
const onVeth = [`10.6.0.10 dev veth0 lladdr ${VETH}`, `fd06::10 dev veth0 lladdr ${VETH}`]
const OVERLAY = ['10.244.1.5', 'fd44::1:5'] as const

/** What calico left, and the ways to the node that all secondary interfaces share. */
const O1 = (hasDefault: boolean): readonly string[] => [
  'main: 169.254.1.1 dev eth0 scope link',
  'main: fd44::1:5 dev eth0 proto kernel metric 256',
  ...(hasDefault ? ['main: default via 169.254.1.1 dev eth0', CALICO6('main')] : []),
  ...toNode('main', 'eth0', '10.244.1.5'),
  ...hijacked('main', 'eth0', '10.244.1.5'),
]
const CALICO6 = (table: string): string => `${table}: default via fe80::ecee:eeff:feee:eeee dev eth0 metric 1024`

interface Case {
  readonly name: string
  readonly isOverlay?: boolean
  /** After the first: in an overlay that is calico's. */
  readonly nics: readonly Nic[]
  readonly conf?: object
  readonly rules: readonly string[]
  readonly routes: readonly string[]
  readonly neighs: readonly string[]
}

const [eth0, net1, net2] = [nicOf('eth0', 6), nicOf('net1', 7), nicOf('net2', 8)] as const

const CASES: readonly Case[] = [
  {
    name: 'U1: eth0 alone',
    nics: [eth0],
    rules: rulesOf(marked),
    routes: [...connected(6, 'eth0', true), ...U1],
    neighs: onVeth,
  },
  {
    name: 'U2: eth0 and net1, the default stays on eth0',
    nics: [eth0, net1],
    rules: rulesOf(from(999, '10.7.0.20', 'fd07::20', 101), marked),
    routes: [
      ...connected(6, 'eth0', true),
      ...connected(7, 'net1', false),
      ...U1,
      ...moved('101', 7, 'net1'),
      ...hijacked('101', 'veth0', '10.6.0.20'),
    ],
    neighs: onVeth,
  },
  {
    name: 'U2n: eth0 and net1, the default goes to net1',
    nics: [eth0, net1],
    conf: { podDefaultRouteNic: 'net1' },
    rules: rulesOf(from(999, '10.6.0.20', 'fd06::20', 101), marked),
    routes: [
      ...connected(6, 'eth0', false),
      ...connected(7, 'net1', true),
      ...U1,
      ...moved('101', 6, 'eth0'),
      ...hijacked('101', 'veth0', '10.6.0.20'),
    ],
    neighs: onVeth,
  },
  {
    name: 'U3: eth0, net1 and net2, a table each',
    nics: [eth0, net1, net2],
    rules: rulesOf(from(998, '10.8.0.20', 'fd08::20', 102), from(999, '10.7.0.20', 'fd07::20', 101), marked),
    routes: [
      ...connected(6, 'eth0', true),
      ...connected(7, 'net1', false),
      ...connected(8, 'net2', false),
      ...U1,
      ...moved('101', 7, 'net1'),
      ...hijacked('101', 'veth0', '10.6.0.20'),
      ...moved('102', 8, 'net2'),
      ...toNode('102', 'veth0', '10.6.0.20'),
      ...hijacked('102', 'veth0', '10.6.0.20'),
    ],
    neighs: onVeth,
  },
  {
    name: 'O2: overlay and net1, the default stays in the overlay',
    isOverlay: true,
    nics: [net1],
    rules: rulesOf(from(32764, ...OVERLAY, 100), from(32765, '10.7.0.20', 'fd07::20', 101)),
    routes: [
      ...O1(true),
      ...connected(7, 'net1', false),
      '100: default via 169.254.1.1 dev eth0',
      CALICO6('100'),
      ...moved('101', 7, 'net1'),
      ...toNode('101', 'eth0', '10.244.1.5'),
      ...hijacked('101', 'eth0', '10.244.1.5'), // the Go coordinator leaves these out: Services were not reached from net1's address
    ],
    neighs: ['10.6.0.10 dev eth0 lladdr CALI', 'fd06::10 dev eth0 lladdr CALI'],
  },
  {
    name: 'O3: overlay, net1 and net2',
    isOverlay: true,
    nics: [net1, { ...nicOf('net2', 6) }],
    rules: rulesOf(
      from(32763, '10.6.0.20', 'fd06::20', 102),
      from(32764, ...OVERLAY, 100),
      from(32765, '10.7.0.20', 'fd07::20', 101),
    ),
    routes: [
      ...O1(true),
      ...connected(7, 'net1', false),
      ...connected(6, 'net2', false),
      '100: default via 169.254.1.1 dev eth0',
      CALICO6('100'),
      ...moved('101', 7, 'net1'),
      ...toNode('101', 'eth0', '10.244.1.5'),
      ...hijacked('101', 'eth0', '10.244.1.5'),
      ...moved('102', 6, 'net2'),
      ...toNode('102', 'eth0', '10.244.1.5'),
      ...hijacked('102', 'eth0', '10.244.1.5'),
    ],
    neighs: ['10.6.0.10 dev eth0 lladdr CALI', 'fd06::10 dev eth0 lladdr CALI'],
  },
  {
    name: 'O2n: overlay and net1, the default goes to net1',
    isOverlay: true,
    nics: [net1],
    conf: { podDefaultRouteNIC: 'net1' },
    rules: rulesOf(from(32765, ...OVERLAY, 101)),
    routes: [
      ...O1(false),
      ...connected(7, 'net1', true),
      '101: 169.254.1.1 dev eth0 scope link',
      '101: default via 169.254.1.1 dev eth0',
      CALICO6('101'),
      '101: fd44::1:5 dev eth0 metric 1024',
      ...toNode('101', 'eth0', '10.244.1.5'),
      ...hijacked('101', 'eth0', '10.244.1.5'),
    ],
    neighs: ['10.6.0.10 dev eth0 lladdr CALI', 'fd06::10 dev eth0 lladdr CALI'],
  },
]

const families = { v4: (line: string) => !/fd|fe80/.test(line), v6: (line: string) => /fd|fe80/.test(line) } as const

const only = ({ name, v4, v6 }: Nic, family: 'both' | 'v4' | 'v6'): Nic => ({
  name,
  ...(v4 !== undefined && family !== 'v6' && { v4 }),
  ...(v6 !== undefined && family !== 'v4' && { v6 }),
})
/** The rules of one family: the first half is IPv4's. */
const halfOf = (rules: readonly string[], family: 'v4' | 'v6'): readonly string[] =>
  family === 'v4' ? rules.slice(0, rules.length / 2) : rules.slice(rules.length / 2)
const macOf = (place: Place, link: string): string =>
  (JSON.parse(place.sh(`ip -j link show ${link}`)) as { address: string }[])[0]?.address ?? ''

/** The node's part: a route and a neighbour for each address of each NIC. */
function nodeState(nics: readonly Nic[], veth: string, peer: string): Pick<State, 'routes' | 'neighs'> {
  const ips = nics.flatMap(({ v4, v6 }) => [v4, v6]).flatMap(address => address?.replace(/\/\d+$/, '') ?? [])
  const route = (ip: string): string => `500: ${ip} dev ${veth} ${ip.includes(':') ? 'metric 1024' : 'scope link'}`
  return { routes: ips.map(route).sort(), neighs: ips.map(ip => `${ip} dev ${veth} lladdr ${peer}`).sort() }
}

async function addAll(t: Test, pod: Place, nics: readonly Nic[], more: Coordinating): Promise<void> {
  for (const nic of nics) {
    const { status, stdout } = await coordinate('ADD', pod, nic, nic.name === 'eth0' ? {} : more)
    t.equal(status, 0, `ADD of ${nic.name}${status === 0 ? '' : stdout}`)
  }
}

for (const { name, isOverlay = false, nics, conf = {}, ...golden } of CASES)
  for (const family of ['both', 'v4', 'v6'] as const)
    t.test(`${name}${family === 'both' ? '' : `, ${family} alone`}`, async t => {
      const pod = world.pod()
      const own = nics.map(nic => only(nic, family))
      if (isOverlay) overlay(pod, 5, { families: family })
      const veth = isOverlay ? (node.links().find(link => link.startsWith('cali')) ?? '') : VETH
      const before = { pod: stateOf(pod), node: stateOf(node) }
      for (const nic of own) {
        attach(pod, nic)
        await addAll(t, pod, [nic], { conf })
      }
      const macs = { ...macsOf(pod, node), ...(isOverlay && { [macOf(node, veth)]: 'CALI' }) }
      const wanted = (lines: readonly string[]): readonly string[] =>
        family === 'both' ? lines : lines.filter(families[family])
      const seen = { pod: stateOf(pod, macs), node: stateOf(node, macs) }
      t.strictSame(seen.pod.routes, [...wanted(golden.routes)].sort())
      t.strictSame(seen.pod.rules, family === 'both' ? golden.rules : halfOf(golden.rules, family))
      t.strictSame(seen.pod.neighs, wanted(golden.neighs))
      const onNode = nodeState(own, veth, isOverlay ? 'eth0' : 'veth0')
      t.strictSame(
        seen.node.routes.filter(line => line.startsWith('500:')),
        onNode.routes,
      )
      t.strictSame(seen.node.neighs, onNode.neighs)

      await addAll(t, pod, own, { conf })
      t.strictSame({ pod: stateOf(pod, macs), node: stateOf(node, macs) }, seen, 'ADD again changes nothing')
      for (const nic of own) {
        const more = nic.name === 'eth0' ? {} : { conf }
        const { status, stdout } = await coordinate('CHECK', pod, nic, more)
        t.equal(status, 0, `CHECK of ${nic.name} ${stdout}`)
      }
      for (const nic of own.toReversed()) {
        t.equal((await coordinate('DEL', pod, nic)).status, 0)
        detach(pod, nic)
      }
      const after = { pod: stateOf(pod), node: stateOf(node) }
      t.strictSame(after, before, 'DEL of all leaves what was before the first')
      if (isOverlay) pod.sh('ip link del eth0')
    })
