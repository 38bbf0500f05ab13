// Defaults and validation of a SpiderCoordinator, as tables.
import t from 'tap'
import { defaultCoordinator, validateCoordinator } from '../../../lib/crd/coordinator.js'
import type { CoordinatorSpec } from '../../../lib/crd/multusconfig.js'

const DEFAULTS = {
  mode: 'auto',
  tunePodRoutes: true,
  hostRuleTable: 500,
  podRPFilter: 0,
  txQueueLen: 0,
  vethLinkAddress: '',
  vethMTU: 1500,
}
const given: readonly [string, CoordinatorSpec | undefined, object][] = [
  ['nothing', undefined, DEFAULTS],
  [
    'a mode',
    { mode: 'overlay', tunePodRoutes: false, vethMTU: 9000 },
    { ...DEFAULTS, mode: 'overlay', tunePodRoutes: false, vethMTU: 9000 },
  ],
  [
    'addresses for CIDRs',
    { hijackCIDR: ['10.0.0.1', 'fd00::1', '10.0.0.7/8', 'x'] },
    { ...DEFAULTS, hijackCIDR: ['10.0.0.1/32', 'fd00::1/128', '10.0.0.7/8', 'x'] },
  ],
  [
    'routes',
    {
      policyRoutes: [
        { dst: '10.0.0.1', gw: '10.1.0.1' },
        { dst: 'fd00::/8', gw: 'fd00::1' },
      ],
    },
    {
      ...DEFAULTS,
      policyRoutes: [
        { dst: '10.0.0.1/32', gw: '10.1.0.1' },
        { dst: 'fd00::/8', gw: 'fd00::1' },
      ],
    },
  ],
]
for (const [of, spec, becomes] of given)
  t.test(`defaultCoordinator() completes one with ${of}`, t => {
    const made = defaultCoordinator({ metadata: { name: 'c' }, ...(spec && { spec }) })
    t.strictSame(made.spec, becomes)
    t.strictSame(made.metadata, { name: 'c' }, 'without a finalizer, which would hold it for ever')
    t.strictSame(defaultCoordinator(made), made, 'twice is once')
    t.end()
  })

t.test('defaultCoordinator() leaves one that is being deleted unchanged', t => {
  const going = { metadata: { name: 'c', deletionTimestamp: 'x' } }
  t.strictSame(defaultCoordinator(going), going)
  t.end()
})

const route = (dst: string, gw: string): CoordinatorSpec => ({ policyRoutes: [{ dst, gw }] })
const MAC = 'it must be two bytes such as 0a:1b'
const LINK = 'it must be an IPv4 address'
type Row = readonly [CoordinatorSpec, readonly string[]]
const cases: readonly Row[] = [
  [{}, []],
  ...(['auto', 'cluster', 'calico', 'cilium', 'none'] as const).map((podCIDRType): Row => [{ podCIDRType }, []]),
  [
    { podCIDRType: 'flannel' as string as 'none' },
    ['spec.podCIDRType unsupported: it must be auto, cluster, calico, cilium or none'],
  ],
  [{ hijackCIDR: ['10.0.0.1', '10.0.0.0/8', 'fd00::/8', 'fd00::1'] }, []],
  [{ hijackCIDR: ['10.0.0.1', '10.0.0.0/33'] }, ['spec.hijackCIDR[1] invalid: it must be an IP address or a CIDR']],
  [route('10.0.0.0/8', '10.1.0.1'), []],
  [route('10.0.0.1', '10.1.0.1'), []],
  [route('x', '10.1.0.1'), ['spec.policyRoutes[0].dst invalid: it must be an IP address or a CIDR']],
  [route('10.0.0.0/8', '10.1.0.0/24'), ['spec.policyRoutes[0].gw invalid: it must be an IP address']],
  [route('10.0.0.0/8', 'fd00::1'), ['spec.policyRoutes[0].gw invalid: it must be of the same IP family as 10.0.0.0/8']],
  [{ podMACPrefix: '' }, []],
  [{ podMACPrefix: '0a:1b' }, []],
  [{ podMACPrefix: 'FE:ff' }, []],
  [{ podMACPrefix: '0a:1b:2c' }, [`spec.podMACPrefix invalid: ${MAC}`]],
  [{ podMACPrefix: '0a-1b' }, [`spec.podMACPrefix invalid: ${MAC}`]],
  [{ podMACPrefix: '0g:1b' }, [`spec.podMACPrefix invalid: ${MAC}`]],
  [{ podMACPrefix: '01:1b' }, ['spec.podMACPrefix invalid: it is of a multicast address; its first byte must be even']],
  [{ txQueueLen: 0 }, []],
  [{ txQueueLen: 1000 }, []],
  [{ txQueueLen: -1 }, ['spec.txQueueLen invalid: it must be 0 or more']],
  ...[-1, 0, 1, 2].map((podRPFilter): Row => [{ podRPFilter }, []]),
  [{ podRPFilter: 3 }, ['spec.podRPFilter invalid: it must be 0, 1 or 2, or negative: then it is left alone']],
  [{ vethLinkAddress: '169.254.100.1' }, []],
  [{ vethLinkAddress: '169.254.100.1/32' }, [`spec.vethLinkAddress invalid: ${LINK}`]],
  [{ vethLinkAddress: 'fe80::1' }, [`spec.vethLinkAddress invalid: ${LINK}`]],
  [{ vethMTU: 1 }, []],
  [{ vethMTU: 0 }, ['spec.vethMTU invalid: it must be more than 0']],
]
for (const [spec, faults] of cases)
  t.test(`validateCoordinator() ${faults.length === 0 ? 'accepts' : 'rejects'} ${JSON.stringify(spec)}`, t => {
    const found = validateCoordinator({ metadata: { name: 'c' }, spec: { podCIDRType: 'auto', ...spec } })
    t.strictSame(
      found.map(({ field, kind, why }) => `${field} ${kind}: ${why}`),
      faults,
    )
    t.end()
  })

t.test('validateCoordinator() requires podCIDRType', t => {
  const why = 'it must be one of auto, cluster, calico, cilium, none'
  for (const one of [{ metadata: { name: 'c' } }, { metadata: { name: 'c' }, spec: {} }])
    t.strictSame(validateCoordinator(one), [{ field: 'spec.podCIDRType', value: undefined, why, kind: 'required' }])
  t.end()
})
