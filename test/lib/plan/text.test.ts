// Steps as text: different requests have different texts.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { cidr } from '../../../lib/ip/cidr.js'
import type { Route, Step } from '../../../lib/plan/step.js'
import { planLines, stepText } from '../../../lib/plan/text.js'

const route: Route = { dst: cidr('192.0.2.0/24'), dev: 'net1', via: ip('10.7.0.1') }
const add = (more: Partial<Route>): Step => ({
  verb: 'addRoute',
  where: 'pod',
  how: 'add',
  route: { ...route, ...more },
})
const link = { where: 'node', name: 'x' } as const
const path = { dev: 'net1', via: ip('10.7.0.1'), weight: 1 }

const steps: readonly [step: Step, text: string][] = [
  [add({}), 'add route 192.0.2.0/24 via 10.7.0.1 dev net1 table main'],
  [add({ scope: 253 }), 'add route 192.0.2.0/24 via 10.7.0.1 dev net1 table main scope link'],
  [add({ proto: 4 }), 'add route 192.0.2.0/24 via 10.7.0.1 dev net1 table main proto static'],
  [add({ proto: 77, type: 7 }), 'add route 192.0.2.0/24 via 10.7.0.1 dev net1 table main proto 77 type unreachable'],
  [add({ advmss: 1260, mtu: 1300 }), 'add route 192.0.2.0/24 via 10.7.0.1 dev net1 mtu 1300 table main advmss 1260'],
  [add({ extra: { tos: 8 } }), 'add route 192.0.2.0/24 via 10.7.0.1 dev net1 table main extra {"tos":8}'],
  [
    add({ nexthops: [path, { ...path, weight: 3, onlink: true }] }),
    'add route 192.0.2.0/24 nexthop via 10.7.0.1 dev net1 nexthop via 10.7.0.1 dev net1 table main weights 1,3 onlink',
  ],
  [
    { verb: 'addRoute', where: 'pod', route, how: 'replace', was: { ...route, table: 7 } },
    'replace route 192.0.2.0/24 via 10.7.0.1 dev net1 table main (was 192.0.2.0/24 via 10.7.0.1 dev net1 table 7)',
  ],
  [
    { verb: 'removeRoute', where: 'pod', route, behind: true },
    'remove route 192.0.2.0/24 via 10.7.0.1 dev net1 table main, behind another',
  ],
  [{ verb: 'addLink', ...link, link: { kind: 'bridge' } }, 'add link x of kind bridge'],
  [{ verb: 'removeLink', ...link }, 'remove link x'],
  [
    { verb: 'addLink', ...link, link: { kind: 'ipvlan', on: 'eth0', mode: 'l2' }, mtu: 1400 },
    'add link x of kind ipvlan on eth0 on the node mode l2 mtu 1400',
  ],
  [{ verb: 'setMtu', ...link, mtu: 1400, was: 1500 }, 'set the MTU of x to 1400 (was 1500)'],
  [{ verb: 'setMtu', ...link, mtu: 1400, was: 1400 }, 'set the MTU of x to 1400'],
  [{ verb: 'setMaster', ...link, master: undefined, was: 'br0' }, 'set the master of x to none (was br0)'],
  [
    { verb: 'addAddress', ...link, address: { ip: ip('fd06::5'), length: 64 }, noDad: true },
    'add address fd06::5/64 to x without duplicate address detection',
  ],
]
for (const [step, text] of steps)
  t.test(`stepText() ${text}`, t => {
    t.equal(stepText(step), text)
    t.end()
  })

t.test('planLines() puts the namespace before each step, in a column', t => {
  t.strictSame(planLines([add({}), { verb: 'setUp', ...link, was: false }]), [
    'in the container  add route 192.0.2.0/24 via 10.7.0.1 dev net1 table main',
    'on the node       set x up (was down)',
  ])
  t.strictSame(planLines([]), [])
  t.end()
})
