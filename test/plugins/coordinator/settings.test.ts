// Settings: precedence of conf and SpiderCoordinator, and the message of each invalid value.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import {
  keysOfCoordinator,
  mergeKeys,
  needsCluster,
  type CoordinatorKeys,
} from '../../../lib/coordinator/cluster-config.js'
import { accepts } from '../../../plugins/coordinator/config.js'
import { macFor } from '../../../plugins/coordinator/nic.js'
import { settingsOf } from '../../../plugins/coordinator/settings.js'

const merged = (conf: object, cluster: CoordinatorKeys = {}) => settingsOf(accepts(conf), cluster)

const refused: readonly [conf: object, message: RegExp | string][] = [
  [{ mode: 'sideways' }, 'unknown tuneMode: sideways'],
  [{ logOptions: { logLevel: 'loud' } }, 'unsupported log level loud'],
  [{ podMACPrefix: '0a:1' }, /^mac_prefix format should be match regex/],
  [{ podMACPrefix: '0b:1b' }, /^mac_prefix format should be match regex/],
  [{ podMACPrefix: '0,:1b' }, /^mac_prefix format should be match regex/],
  [{ overlayPodCIDR: ['10.244.0.0'] }, 'invalid CIDR address: 10.244.0.0'],
  [{ hijackCIDR: ['fd00::/129'] }, 'invalid CIDR address: fd00::/129'],
  [{ policyRoutes: [{ dst: 'x', gw: '10.0.0.1' }] }, 'invalid route dst "x"'],
  [{ policyRoutes: [{ dst: '10.0.0.0/8', gw: 'y' }] }, 'invalid route gw "y"'],
  [
    { policyRoutes: [{ dst: '10.0.0.0/8', gw: 'fd00::1' }] },
    'route dst "10.0.0.0/8" and gw "fd00::1" must use the same IP family',
  ],
  [{ podRPFilter: 3 }, 'invalid rp_filter value 3, available options: [-1,0,1,2]'],
  [{ hostRuleTable: 254 }, 'hostRuleTable is 254; it must be from 1 to 4294967295, and not 253, 254 or 255'],
  [{ hostRuleTable: 0 }, /^hostRuleTable is 0/],
  [{ vethMTU: 0 }, 'vethMTU must be greater than 0'],
  [{ vethLinkAddress: 'fd00::1' }, 'vethLinkAddress is "fd00::1"; it must be an IPv4 address such as 169.254.100.1'],
]
for (const [conf, message] of refused)
  t.test(`${JSON.stringify(conf)} is refused with code 7`, t => {
    t.throws(() => merged(conf), { message, code: 7 })
    t.end()
  })

const mistyped: readonly [conf: object, message: RegExp][] = [
  [{ mode: 4 }, /^failed to parse config: mode is 4; it must be a string$/],
  [{ tunePodRoutes: 'yes' }, /^failed to parse config: tunePodRoutes is "yes"; it must be true or false$/],
  [
    { serviceCIDR: '10.0.0.0/8' },
    /^failed to parse config: serviceCIDR is "10.0.0.0\/8"; it must be a list of strings$/,
  ],
]
for (const [conf, message] of mistyped)
  t.test(`${JSON.stringify(conf)} is refused with code 6`, t => {
    t.throws(() => accepts(conf), { message, code: 6 })
    t.end()
  })

const read: readonly [name: string, conf: object, cluster: CoordinatorKeys, want: object][] = [
  ['the CRD’s spelling of disabled', { mode: 'disabled' }, {}, { mode: 'disabled' }],
  ['the older executable’s', { mode: 'disable' }, {}, { mode: 'disabled' }],
  ['blanks around a CIDR', { hijackCIDR: [' 169.254.0.0/16 '] }, {}, { cidrs: ['169.254.0.0/16'] }],
  [
    'a CIDR that comes twice',
    { serviceCIDR: ['10.96.0.0/12'], hijackCIDR: ['10.96.0.0/12'] },
    {},
    { cidrs: ['10.96.0.0/12'] },
  ],
  ['a prefix with a dash', { podMACPrefix: '0A-1b' }, {}, { macPrefix: '0a:1b' }],
  ['any negative rp_filter leaves it', { podRPFilter: -2 }, {}, { rpFilter: undefined }],
  ['logOptions without a level', { logOptions: { logFile: '/tmp/x' } }, {}, { mode: 'auto' }],
  ['an empty list says nothing', { hijackCIDR: [] }, { hijackCIDR: ['10.1.0.0/16'] }, { cidrs: ['10.1.0.0/16'] }],
  [
    'the conf goes before the cluster',
    { vethMTU: 1400, mode: '' },
    { vethMTU: 9000, mode: 'overlay' },
    { vethMtu: 1400, mode: 'overlay' },
  ],
  ['a cluster without a table', {}, { hostRuleTable: 0, vethMTU: 0 }, { hostRuleTable: 500, vethMtu: 1500 }],
  [
    'both spellings of the NIC',
    { podDefaultRouteNIC: 'net1' },
    { podDefaultRouteNic: 'net2' },
    { defaultRouteNic: 'net1' },
  ],
  [
    'an address as a route',
    { policyRoutes: [{ dst: '10.1.2.3', gw: '10.0.0.1' }] },
    {},
    { policyRoutes: [{ to: '10.1.2.3/32', via: '10.0.0.1' }] },
  ],
]
for (const [name, conf, cluster, want] of read)
  t.test(name, t => {
    t.match(merged(conf, cluster), want)
    t.end()
  })

t.test('coordinatorKeys() rejects a SpiderCoordinator that is not Synced with its reason, code 11', t => {
  const object = { spec: { mode: 'auto' }, status: { phase: 'NotReady', reason: 'no ConfigMap kubeadm-config' } }
  t.throws(() => keysOfCoordinator(object), {
    code: 11,
    message: 'failed to GetCoordinatorConfig: spidercoordinator: default no ready: no ConfigMap kubeadm-config',
  })
  t.throws(() => keysOfCoordinator({}), { code: 11, details: /phase "".*spiderpool-controller does: is it running\?$/ })
  t.end()
})

t.test('coordinatorKeys() of a Synced one without Service CIDRs keeps its pod CIDRs', t => {
  const object = { spec: { mode: 'auto' }, status: { phase: 'Synced', overlayPodCIDR: ['10.244.0.0/16'] } }
  t.match(keysOfCoordinator(object), { mode: 'auto', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: [] })
  t.end()
})

t.test('needsCluster() is true if the conf leaves a key open', t => {
  const whole = { mode: 'auto', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/12'] }
  t.equal(needsCluster(whole), false)
  t.equal(needsCluster({ mode: 'disabled' }), false)
  for (const key of ['mode', 'overlayPodCIDR', 'serviceCIDR'] as const)
    t.equal(needsCluster({ ...whole, [key]: undefined }), true, key)
  t.strictSame(mergeKeys({ mode: '' }, { mode: 'overlay' }), { mode: 'overlay' })
  t.end()
})

t.test('macFor() is the prefix and the last four bytes of the first address', t => {
  t.equal(macFor('0a:1b', { own: [ip('10.6.0.20')] }), '0a:1b:0a:06:00:14')
  t.equal(macFor('0a:1b', { own: [ip('00fd::1:2:3')] }), '0a:1b:00:02:00:03')
  t.end()
})
