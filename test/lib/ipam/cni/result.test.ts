// Addresses and routes of a CNI result, from the record of an interface.
import t from 'tap'
import type { EndpointNic, PoolRoute } from '../../../../lib/crd/types.js'
import { answerOf } from '../../../../lib/ipam/cni/result.js'

const route = (text: string): PoolRoute => {
  const [dst = '', gw = ''] = text.split(' via ')
  return { dst, gw }
}
const text = ({ dst, gw }: PoolRoute): string => `${dst} via ${gw}`
const nicOf = (nic: string, { net, routes, ...more }: Partial<EndpointNic> & { net: number }): EndpointNic => ({
  ...{ interface: nic, vlan: 0, ipv4: `10.${net}.0.9/16`, ipv6: `fd0${net}::9/64` },
  ...{ ipv4Gateway: `10.${net}.0.1`, ipv6Gateway: `fd0${net}::1`, ...(routes && { routes }) },
  ...more,
})

const answers: readonly (readonly [of: string, nic: Partial<EndpointNic>, routes: readonly string[]])[] = [
  ['no routes', {}, ['0.0.0.0/0 via 10.6.0.1', '::/0 via fd06::1']],
  ['cleanGateway', { cleanGateway: true }, []],
  ['a default of IPv4', { routes: [route('0.0.0.0/0 via 10.6.0.9')] }, ['0.0.0.0/0 via 10.6.0.9', '::/0 via fd06::1']],
  ['a default of IPv6', { routes: [route('0::/0 via fe80::9')] }, ['0.0.0.0/0 via 10.6.0.1', '::/0 via fe80::9']],
  [
    ...(['a default and cleanGateway', { cleanGateway: true, routes: [route('::/0 via fe80::9')] }] as const),
    ['::/0 via fe80::9'],
  ],
  [
    'two of one destination, as a record of an older version has them',
    { cleanGateway: true, routes: [route('10.8.0.0/16 via 10.6.0.2'), route('10.8.0.5/16 via 10.6.0.3')] },
    ['10.8.0.0/16 via 10.6.0.3'],
  ],
]
t.test("answerOf() has one route to a destination, the pod's own before the pool's and the gateway's", t => {
  for (const [of, nic, routes] of answers)
    t.strictSame(answerOf(nicOf('eth0', { net: 6, ...nic })).routes.map(text), routes, of)
  t.end()
})

const ips: readonly (readonly [of: string, nic: Partial<EndpointNic>, ips: readonly object[]])[] = [
  [
    'both families',
    { ipv4: '10.6.0.9/16', ipv4Gateway: '10.6.0.1', ipv6: 'fd06::9/64', ipv6Gateway: 'fd06::1' },
    [
      { address: '10.6.0.9/16', gateway: '10.6.0.1' },
      { address: 'fd06::9/64', gateway: 'fd06::1' },
    ],
  ],
  ['an address without a gateway', { ipv6: 'fd06::9/64' }, [{ address: 'fd06::9/64' }]],
  ['a gateway without an address', { ipv4Gateway: '10.6.0.1' }, []],
  ['nothing', {}, []],
]
for (const [of, nic, is] of ips)
  t.test(`answerOf() has the addresses of ${of}`, async t =>
    t.strictSame(answerOf({ interface: 'eth0', vlan: 0, ...nic }).ips, is),
  )

t.test('answerOf() has no route of a family that the interface has no address of', async t => {
  const nic = { interface: 'eth0', vlan: 0, ipv4: '10.6.0.9/16', ipv6Gateway: 'fd06::1' }
  t.strictSame(answerOf({ ...nic, routes: [route('fd08::/16 via fd06::1')] }).routes, [])
})
