// isSatisfied() for each verb: a state that satisfies it and one that does not.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { cidr, parsePrefix, type Prefix } from '../../../lib/ip/cidr.js'
import { parseMac, type Mac } from '../../../lib/ip/mac.js'
import {
  defaultRouteLink,
  isSatisfied,
  unsatisfied,
  EMPTY_NETNS,
  wouldChange,
  type NetnsState,
  type ObservedLink,
  type ObservedRoute,
} from '../../../lib/plan/state.js'
import { describe, type Plan, type Step } from '../../../lib/plan/step.js'

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the table of this test is wrong')
  return value
}
const mac = (text: string): Mac => must(parseMac(text))
const prefix = (text: string): Prefix => must(parsePrefix(text))

const eth0: ObservedLink = {
  index: 2,
  name: 'eth0',
  kind: 'macvlan',
  mtu: 1400,
  mac: mac('0a:00:00:00:00:01'),
  flags: 0x1043,
  up: true,
  operState: 6,
  queueLength: 1000,
  parent: 3,
  parentElsewhere: true,
  master: undefined,
  macvlan: { mode: 'bridge' },
}
const port: ObservedLink = { ...eth0, index: 4, name: 'port', kind: 'veth', up: false, master: 5 }
const bridge: ObservedLink = { ...eth0, index: 5, name: 'br0', kind: 'bridge' }
const defaultRoute: ObservedRoute = {
  dst: cidr('0.0.0.0/0'),
  via: ip('10.6.0.1'),
  dev: 'eth0',
  table: 254,
  metric: 0,
  scope: 0,
  type: 1,
}

const marks = { name: 'b', rules: [[{ match: 'mark', is: 1 }, { verdict: 'accept' }]] } as const

const pod: NetnsState = {
  links: [eth0, port, bridge],
  addresses: [{ dev: 'eth0', address: prefix('10.6.0.5/16'), tentative: false, dadFailed: false, scope: 0 }],
  routes: [
    { ...defaultRoute, dst: cidr('10.6.0.0/16'), dev: 'eth0', scope: 253 },
    defaultRoute,
    { ...defaultRoute, dst: cidr('fd07::/64'), via: ip('fd06::1'), metric: 1024 },
  ],
  lookups: {},
  resolved: [],
  rules: [{ family: 4, priority: 1000, table: 500 }],
  neighs: [{ dev: 'eth0', ip: ip('10.6.0.9'), mac: mac('0a:00:00:00:00:09'), permanent: true }],
  sysctls: { 'net/a': '1', 'net/none': undefined },
  nft: { ours: { name: 'ours', chains: [marks, { name: 'a', rules: [] }] } },
}
const observed = { node: EMPTY_NETNS, pod }

const at = { where: 'pod', name: 'eth0' } as const
const macvlan = { kind: 'macvlan', on: 'm0', mode: 'bridge' } as const
const route = { dst: cidr('0.0.0.0/0'), via: ip('10.6.0.1'), dev: 'eth0' }

const cases: readonly { readonly holds: Step; readonly not: readonly Step[] }[] = [
  {
    holds: { verb: 'addLink', ...at, link: macvlan, mtu: 1400 },
    not: [
      { verb: 'addLink', ...at, where: 'node', link: macvlan },
      { verb: 'addLink', ...at, link: { ...macvlan, mode: 'vepa' } },
      { verb: 'addLink', ...at, link: macvlan, mtu: 1500 },
      { verb: 'addLink', ...at, link: macvlan, mac: mac('0a:00:00:00:00:02') },
      { verb: 'addLink', ...at, link: { kind: 'vlan', on: 'm0', id: 1 } },
    ],
  },
  { holds: { verb: 'removeLink', where: 'pod', name: 'gone' }, not: [{ verb: 'removeLink', ...at }] },
  { holds: { verb: 'rename', where: 'pod', name: 'tmp', to: 'eth0' }, not: [{ verb: 'rename', ...at, to: 'eth9' }] },
  { holds: { verb: 'setUp', ...at, was: false }, not: [{ verb: 'setUp', where: 'pod', name: 'port', was: false }] },
  { holds: { verb: 'setMtu', ...at, mtu: 1400, was: 0 }, not: [{ verb: 'setMtu', ...at, mtu: 1500, was: 0 }] },
  {
    holds: { verb: 'setMac', ...at, mac: mac('0a:00:00:00:00:01'), was: mac('0a:00:00:00:00:02') },
    not: [{ verb: 'setMac', ...at, mac: mac('0a:00:00:00:00:02'), was: mac('0a:00:00:00:00:01') }],
  },
  {
    holds: { verb: 'setQueueLength', ...at, length: 1000, was: 0 },
    not: [{ verb: 'setQueueLength', ...at, length: 0, was: 0 }],
  },
  {
    holds: { verb: 'setMaster', where: 'pod', name: 'port', master: 'br0', was: undefined },
    not: [{ verb: 'setMaster', ...at, master: 'br0', was: undefined }],
  },
  {
    holds: { verb: 'addAddress', ...at, address: prefix('10.6.0.5/16') },
    not: [
      { verb: 'addAddress', ...at, address: prefix('10.6.0.5/24') },
      { verb: 'addAddress', where: 'pod', name: 'port', address: prefix('10.6.0.5/16') },
    ],
  },
  {
    holds: { verb: 'addNeigh', ...at, ip: ip('10.6.0.9'), mac: mac('0a:00:00:00:00:09') },
    not: [{ verb: 'addNeigh', ...at, ip: ip('10.6.0.9'), mac: mac('0a:00:00:00:00:08') }],
  },
  {
    holds: { verb: 'removeNeigh', ...at, ip: ip('10.6.0.8'), mac: undefined },
    not: [{ verb: 'removeNeigh', ...at, ip: ip('10.6.0.9'), mac: undefined }],
  },
  {
    holds: { verb: 'addRoute', where: 'pod', route, how: 'prepend' },
    not: [
      { verb: 'addRoute', where: 'pod', route: { ...route, via: ip('10.6.0.2') }, how: 'prepend' },
      { verb: 'addRoute', where: 'pod', route: { ...route, table: 100 }, how: 'prepend' },
      { verb: 'addRoute', where: 'pod', route: { ...route, metric: 5 }, how: 'prepend' },
    ],
  },
  {
    holds: { verb: 'addRoute', where: 'pod', route: { dst: cidr('fd07::/64'), via: ip('fd06::1') }, how: 'prepend' },
    not: [{ verb: 'addRoute', where: 'pod', route: { dst: cidr('fd08::/64'), via: ip('fd06::1') }, how: 'prepend' }],
  },
  {
    holds: { verb: 'removeRoute', where: 'pod', route: { ...route, table: 100 } },
    not: [{ verb: 'removeRoute', where: 'pod', route }],
  },
  {
    holds: { verb: 'addRule', where: 'pod', rule: { family: 4, table: 500 } },
    not: [
      { verb: 'addRule', where: 'pod', rule: { family: 6, table: 500 } },
      { verb: 'addRule', where: 'pod', rule: { family: 4, table: 500, fwmark: 1 } },
    ],
  },
  {
    holds: { verb: 'removeRule', where: 'pod', rule: { family: 4, table: 501 } },
    not: [{ verb: 'removeRule', where: 'pod', rule: { family: 4, table: 500 } }],
  },
  {
    holds: {
      verb: 'setNftTable',
      where: 'pod',
      table: { name: 'ours', chains: [{ name: 'a', rules: [] }, marks] },
      was: undefined,
    },
    not: [
      { verb: 'setNftTable', where: 'pod', table: { name: 'theirs', chains: [] }, was: undefined },
      { verb: 'setNftTable', where: 'pod', table: { name: 'ours', chains: [marks] }, was: undefined },
      {
        verb: 'setNftTable',
        where: 'pod',
        table: {
          name: 'ours',
          chains: [
            { name: 'a', rules: marks.rules },
            { name: 'b', rules: [] },
          ],
        },
        was: undefined,
      },
    ],
  },
  {
    holds: { verb: 'setSysctl', where: 'pod', path: 'net/a', value: '1', was: '0' },
    not: [
      { verb: 'setSysctl', where: 'pod', path: 'net/a', value: '0', was: '1' },
      { verb: 'setSysctl', where: 'pod', path: 'net/none', value: '1', was: undefined },
    ],
  },
  {
    holds: { verb: 'setSysctl', where: 'pod', path: 'net/none', value: '1', was: undefined, optional: true },
    not: [],
  },
]

for (const { holds: yes, not } of cases)
  t.test(`isSatisfied() ${describe(yes)}`, t => {
    t.equal(isSatisfied(yes, observed), true)
    for (const step of not) t.equal(isSatisfied(step, observed), false, JSON.stringify(step))
    t.end()
  })

t.test('unsatisfied() is empty for a satisfied plan', t => {
  const done: Plan = cases.map(({ holds }) => holds)
  t.strictSame(unsatisfied(done, observed), [])
  t.equal(wouldChange(done, observed), false)
  const [first] = cases[0]?.not ?? []
  if (first === undefined) return void t.fail('no case')
  t.strictSame(unsatisfied([...done, first], observed), [first])
  t.equal(wouldChange([first], observed), true)
  t.end()
})

t.test('defaultRouteLink() is the link of the first default route in main', t => {
  t.equal(defaultRouteLink(pod), 'eth0')
  t.equal(defaultRouteLink({ ...pod, routes: [{ ...defaultRoute, table: 100 }] }), undefined)
  t.equal(defaultRouteLink({ ...pod, routes: [{ ...defaultRoute, dst: cidr('::/0'), dev: 'eth6' }] }), 'eth6')
  t.end()
})
