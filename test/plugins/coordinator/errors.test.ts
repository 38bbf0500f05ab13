// Error messages of failed and of unsatisfied steps.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { cidr } from '../../../lib/ip/cidr.js'
import { parseMac } from '../../../lib/ip/mac.js'
import type { Step } from '../../../lib/plan/step.js'
import { absenceOf, refusalOf } from '../../../plugins/coordinator/errors.js'

const mac = parseMac('02:00:00:00:00:01')
if (!mac) throw new RangeError('no MAC')
const up: Step = { verb: 'setUp', where: 'pod', name: 'net1', was: false }
const setMac: Step = { verb: 'setMac', where: 'pod', name: 'net1', mac, was: mac }
const sysctl: Step = { verb: 'setSysctl', where: 'node', path: 'net/x', value: '0', was: '1' }
const pair: Step = {
  ...{ verb: 'addLink', where: 'pod', name: 'veth0', mac },
  link: { kind: 'veth', peer: { where: 'node', name: 'vethx', mac } },
}
const mtu: Step = { verb: 'setMtu', where: 'node', name: 'vethx', mtu: 1400, was: 1500 }

const rows: readonly (readonly [step: Step, code: string | undefined, message: string, details: string])[] = [
  [up, undefined, 'failed to set net1 up in the container: WHY', ''],
  [
    up,
    'EPERM',
    'failed to set net1 up in the container: WHY',
    'coordinator needs CAP_NET_ADMIN on the node and in the container',
  ],
  [up, 'EROFS', 'failed to set net1 up in the container: WHY', ''],
  [
    setMac,
    'EADDRNOTAVAIL',
    `failed to update hardware address for interface net1 to ${mac} in the container: WHY`,
    'maybe podMACPrefix is invalid',
  ],
  [
    pair,
    'EEXIST',
    'failed to add link veth0 of kind veth, its peer vethx in the container: WHY',
    'a link veth0 or its peer exists already',
  ],
  [
    pair,
    'EOPNOTSUPP',
    'failed to add link veth0 of kind veth, its peer vethx in the container: WHY',
    'the kernel has no veth: modprobe veth',
  ],
  [
    pair,
    'EINVAL',
    'failed to add link veth0 of kind veth, its peer vethx in the container: WHY',
    'is vethMTU too large?',
  ],
  [mtu, 'EINVAL', 'failed to set the MTU of vethx to 1400 on the node: WHY', ''],
]
for (const [step, code, message, details] of rows)
  t.test(`refusalOf() ${step.verb} with ${code}`, async t => {
    const error = refusalOf({ step, reason: 'WHY', code, notUndone: [] })
    t.strictSame([error.message, error.details], [message, details])
  })

const path = (via?: string): Step => ({
  ...{ verb: 'addRoute', where: 'pod', how: 'add' },
  route: { dst: cidr('10.8.0.0/16'), dev: 'net1', ...(via !== undefined && { via: ip(via) }) },
})
t.test('refusalOf() a route names the gateway that cannot be reached', async t => {
  const details = (step: Step, code: string): string => refusalOf({ step, reason: 'WHY', code, notUndone: [] }).details
  t.strictSame(details(path('10.7.0.1'), 'ENETUNREACH'), 'gateway 10.7.0.1 cannot be reached by net1')
  t.strictSame(details(path('10.7.0.1'), 'EHOSTUNREACH'), 'gateway 10.7.0.1 cannot be reached by net1')
  t.strictSame([details(path(), 'ENETUNREACH'), details(path('10.7.0.1'), 'EINVAL')], ['', ''])
})

t.test('refusalOf() a sysctl asks whether it can be written, and reports what was not undone', async t => {
  for (const code of ['EROFS', 'EACCES'])
    t.strictSame(
      refusalOf({ step: sysctl, reason: 'WHY', code, notUndone: ['a', 'b'] }).details,
      'is /proc/sys writable here?; not undone: a; b',
    )
})

const absent: readonly (readonly [step: Step, is: string])[] = [
  [up, 'net1 in the container is down'],
  [setMac, `net1 in the container: MAC is not ${mac}`],
  [mtu, 'vethx on the node: MTU is not 1400'],
  [sysctl, 'sysctl net/x on the node is 1, not 0'],
  [
    { verb: 'setSysctl', where: 'node', path: 'net/x', value: '0', was: undefined },
    'sysctl net/x on the node is missing, not 0',
  ],
  [pair, 'link veth0 in the container is missing'],
]
for (const [step, is] of absent) t.test(`absenceOf() ${step.verb}: ${is}`, async t => t.strictSame(absenceOf(step), is))
