// The record of a pod: its interfaces, its owner, merging of interfaces.
import t from 'tap'
import type { EndpointNic, SpiderIPPool } from '../../../../lib/crd/types.js'
import { ip, type Family } from '../../../../lib/ip/address.js'
import {
  addressesOf,
  ipsOf,
  merged,
  newEndpoint,
  nicOf,
  nicRecord,
  withNics,
  withOnly,
  type Assigned,
} from '../../../../lib/ipam/allocation/endpoint.js'
import { addressObject } from '../../../../lib/ipam/allocation/claim.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { poolOf } from '../../../../lib/ipam/allocation/pool.js'
import { claimantOf, poolObject } from '../../../fixtures/memory.js'

const me = claimantOf('p')
const assigned = (address: string, family: Family, spec: Partial<SpiderIPPool['spec']> = {}): Assigned => {
  const subnet = family === 4 ? '10.1.0.0/24' : 'fd00::/64'
  const pool = poolOf(poolObject(`v${family}`, { ipVersion: family, subnet, ...spec }), family)
  return { pool, object: addressObject({ ip: ip(address), pool, nic: 'eth0', claimant: me }) }
}
const route = (dst: string, gw: string) => ({ dst, gw })
const V4 = { interface: 'eth0', ipv4: '10.1.0.5/24', ipv4Pool: 'v4', vlan: 0 }

const records: readonly (readonly [
  of: string,
  assigned: readonly Assigned[],
  cleanGateway: boolean,
  is: EndpointNic,
])[] = [
  ['nothing', [], false, { interface: 'eth0', vlan: 0 }],
  ['IPv4', [assigned('10.1.0.5', 4)], true, V4],
  [
    'IPv4 with a gateway',
    [assigned('10.1.0.5', 4, { gateway: '10.1.0.1' })],
    ...([false, { ...V4, ipv4Gateway: '10.1.0.1', cleanGateway: false }] as const),
  ],
  [
    'IPv4 with a gateway that is no default route',
    [assigned('10.1.0.5', 4, { gateway: '10.1.0.1' })],
    ...([true, { ...V4, ipv4Gateway: '10.1.0.1', cleanGateway: true }] as const),
  ],
  [
    'both families, one with a gateway and routes',
    [assigned('fd00::5', 6, { gateway: 'fd00::1', routes: [route('fd08::/16', 'fd00::2')] }), assigned('10.1.0.5', 4)],
    false,
    {
      ...V4,
      ...{ ipv6: 'fd00::5/64', ipv6Pool: 'v6', ipv6Gateway: 'fd00::1', cleanGateway: false },
      routes: [route('fd08::/16', 'fd00::2')],
    },
  ],
]
for (const [of, all, cleanGateway, is] of records)
  t.test(`nicRecord() of ${of}`, async t => t.strictSame(nicRecord('eth0', all, cleanGateway), is))

const owners: readonly (readonly [of: string, claimant: Claimant, isKept: boolean, owner: string | undefined])[] = [
  ['a pod is owned by the pod', me, false, 'uid-p'],
  ['a pod that keeps outlives it', me, true, undefined],
  ['a container has no pod', { ...me, at: { host: 'h', netns: 'n', name: 'c' } }, false, undefined],
  ['a mirror pod is not its object', { ...me, apiUid: 'x' }, false, undefined],
]
for (const [of, claimant, isKept, owner] of owners)
  t.test(`newEndpoint() of ${of}`, async t => {
    const { metadata, status } = newEndpoint({ ...claimant, record: 'r' }, [V4], isKept)
    t.strictSame(
      [metadata.name, metadata.namespace, metadata.finalizers],
      ['r', 'default', ['spiderpool.spidernet.io']],
    )
    t.strictSame(
      metadata.ownerReferences?.map(({ uid }) => uid),
      owner === undefined ? undefined : [owner],
    )
    t.strictSame(status, {
      current: { uid: 'uid-p', node: 'n1', ips: [V4] },
      ...{ ownerControllerType: 'Pod', ownerControllerName: 'p' },
    })
  })

t.test('withOnly() changes the holder of the record, withNics() keeps it', async t => {
  const before = newEndpoint(claimantOf('old', { node: 'n0' }), [V4], true)
  const net1 = { interface: 'net1', vlan: 0 }
  t.strictSame(withOnly(before, me, [net1]).status.current, { uid: 'uid-p', node: 'n1', ips: [net1] })
  t.strictSame(withNics(before, [net1]).status.current, { uid: 'uid-old', node: 'n0', ips: [net1] })
  const labels = { 'ipam.spidernet.io/node': 'n1' }
  t.strictSame(withOnly(before, me, []).metadata, { ...before.metadata, labels })
})

const nics = (text: string): readonly EndpointNic[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map(one => {
      const [name = '', ipv4 = ''] = one.split('=')
      return { interface: name, ipv4 }
    })
const merges: readonly (readonly [known: string, added: string, is: string])[] = [
  ['', '', ''],
  ['eth0=1', '', 'eth0=1'],
  ['', 'eth0=1', 'eth0=1'],
  ['eth0=1 net1=2', 'eth0=9', 'eth0=9 net1=2'],
  ['eth0=1', 'net1=2 eth0=9', 'eth0=9 net1=2'],
  ['eth0=1 =2', '=3', 'eth0=1 =2 =3'],
]
for (const [known, added, is] of merges)
  t.test(`merged() "${known}" with "${added}"`, async t => t.strictSame(merged(nics(known), nics(added)), nics(is)))

t.test('nicOf() finds an interface by its name', async t => {
  const endpoint = newEndpoint(me, [V4], false)
  t.strictSame([nicOf(endpoint, 'eth0'), nicOf(endpoint, 'net1')], [V4, undefined])
})

const addresses: readonly (readonly [of: string, nic: EndpointNic, is: readonly object[], ips: readonly string[]])[] = [
  ['none', { interface: 'eth0' }, [], []],
  ['IPv4', V4, [{ address: '10.1.0.5/24', pool: 'v4' }], ['10.1.0.5']],
  [
    'both, without pools',
    { interface: 'eth0', ipv6: 'fd00:0::5/64', ipv4: '10.1.0.5/24' },
    [
      { address: '10.1.0.5/24', pool: '' },
      { address: 'fd00:0::5/64', pool: '' },
    ],
    ['10.1.0.5', 'fd00::5'],
  ],
  ['what is no address', { interface: 'eth0', ipv4: '10.1.0.5' }, [{ address: '10.1.0.5', pool: '' }], []],
]
for (const [of, nic, is, ips] of addresses)
  t.test(`addressesOf() and ipsOf() of ${of}`, async t => t.strictSame([addressesOf(nic), ipsOf(nic)], [is, ips]))
