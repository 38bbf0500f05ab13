// Probes for the addresses of an interface, and what a finding releases. On objects in memory.
import t from 'tap'
import type { EndpointNic } from '../../../../lib/crd/types.js'
import { ip } from '../../../../lib/ip/address.js'
import { parseMac } from '../../../../lib/ip/mac.js'
import { newEndpoint } from '../../../../lib/ipam/allocation/endpoint.js'
import { probeRequestsOf, refuse } from '../../../../lib/ipam/pod/conflict-detection.js'
import type { ProbeFinding } from '../../../../lib/probe/finding.js'
import { claimantOf, Memory, outcomeOf, poolObject } from '../../../fixtures/memory.js'

const switches = (conflictDetection: boolean, gatewayDetection: boolean) => ({
  ...{ ipv4: true, ipv6: true, statefulSet: true, kubevirt: true, subnets: true },
  ...{ conflictDetection, gatewayDetection },
})
const nic = (more: Partial<EndpointNic> = {}): EndpointNic => ({
  ...{ interface: 'eth0', vlan: 0, ipv4: '10.1.0.1/24', ipv4Pool: 'a', ipv4Gateway: '10.1.0.254' },
  ...more,
})
const own = (...gws: readonly string[]): Partial<EndpointNic> => ({ routes: gws.map(gw => ({ dst: '0.0.0.0/0', gw })) })
const ask = (conflict: boolean, gateway?: string) => ({
  ip: '10.1.0.1',
  conflict,
  ...(gateway !== undefined && { gateway }),
})

const asks: readonly (readonly [
  of: string,
  nic: EndpointNic,
  conflict: boolean,
  gateway: boolean,
  is: readonly object[],
])[] = [
  ['nothing', nic(), false, false, []],
  ['the address', nic(), true, false, [ask(true)]],
  ['the gateway', nic(), false, true, [ask(false, '10.1.0.254')]],
  ['both', nic(), true, true, [ask(true, '10.1.0.254')]],
  ['the gateway where the pool has none', { interface: 'eth0', ipv4: '10.1.0.1/24' }, false, true, []],
  ['the address where the pool has no gateway', { interface: 'eth0', ipv4: '10.1.0.1/24' }, true, true, [ask(true)]],
  ["the gateway of the pod's own default route", nic(own('10.1.0.9')), false, true, [ask(false, '10.1.0.9')]],
  ['the last of two default routes', nic(own('10.1.0.8', '10.1.0.9')), false, true, [ask(false, '10.1.0.9')]],
  ['both families', nic({ ipv6: 'fd00::1/64' }), true, false, [ask(true), { ip: 'fd00::1', conflict: true }]],
  ['what is no address', nic({ ipv4: 'x' }), true, true, []],
]
for (const [of, one, conflict, gateway, is] of asks)
  t.test(`probeRequestsOf() probes ${of}`, async t =>
    t.strictSame(probeRequestsOf(one, switches(conflict, gateway)), is),
  )

const mac = parseMac('02:00:00:00:00:01')
if (!mac) throw new RangeError('no MAC')
const conflict: ProbeFinding = { kind: 'conflict', ip: ip('10.1.0.1'), mac }
const unreachable: ProbeFinding = { kind: 'unreachable', ip: ip('10.1.0.1'), gateway: ip('10.1.0.254') }
const SENTENCE =
  "ip conflict: pod's interface eth0 with an conflicting ip 10.1.0.1, 10.1.0.1 is located at 02:00:00:00:00:01"
const UNREACHABLE = 'gateway 10.1.0.254 is unreachable'
const rows: readonly (readonly [
  of: string,
  findings: readonly ProbeFinding[],
  is: unknown,
  holders: readonly string[],
  event: string | undefined,
])[] = [
  ['nothing', [], undefined, ['10.1.0.1/24 p eth0 c-p'], undefined],
  ['a gateway that does not answer', [unreachable], UNREACHABLE, [], 'GatewayUnreachable'],
  ['a conflict before a gateway', [unreachable, conflict], SENTENCE, ['10.1.0.1/24   '], 'IPConflict'],
]
for (const [of, findings, is, holders, event] of rows)
  t.test(`refuse() for ${of}`, async t => {
    const me = claimantOf('p')
    const memory = new Memory([poolObject('a', { ips: ['10.1.0.1'] })])
    const object = memory.hold('10.1.0.1', { pool: 'a', claimant: me })
    memory.endpoints.create(newEndpoint(me, [nic()], false))
    const store = memory.direct()
    const granted = {
      nic: nic(),
      undo: async () => {
        for (const endpoint of memory.endpoints.objects.values()) await store.deleteEndpoint(endpoint)
        await store.deleteAddress(object)
      },
    }
    const pod = { namespace: 'default', name: 'p' }
    const inspecting = { pod, podUid: 'uid-p', nic: 'eth0', granted, conf: { switches: switches(true, true) }, store }
    t.strictSame(await outcomeOf(refuse(inspecting, findings)), is)
    t.strictSame(memory.holders(), holders)
    t.strictSame(memory.events[0]?.reason, event)
  })

t.test('refuse() releases what an earlier call took, which undo keeps', async t => {
  const me = claimantOf('p')
  const memory = new Memory([poolObject('a', { ips: ['10.1.0.1'] })])
  memory.hold('10.1.0.1', { pool: 'a', claimant: me })
  memory.endpoints.create(newEndpoint(me, [nic(), { interface: 'net1', vlan: 0 }], false))
  const granted = { nic: nic(), undo: () => Promise.resolve() }
  const call = { pod: { namespace: 'default', name: 'p' }, podUid: '', nic: 'eth0', granted }
  await outcomeOf(refuse({ ...call, conf: { switches: switches(true, false) }, store: memory.direct() }, [conflict]))
  const [endpoint] = memory.endpoints.objects.values()
  t.strictSame(
    endpoint?.status.current.ips.map(one => one.interface),
    ['net1'],
  )
  t.strictSame(memory.holders(), ['10.1.0.1/24   '])
})
