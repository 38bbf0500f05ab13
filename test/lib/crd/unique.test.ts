// The uniqueness rules as tables; scripts/mutate.ts tests them by mutants of lib/crd/unique.ts.
import t from 'tap'
import { isOlder, orphanClash, poolClash, subnetClash } from '../../../lib/crd/unique.js'
import type { SpiderIPPool } from '../../../lib/crd/types.js'

type Spec = SpiderIPPool['spec']
const named = (name: string, spec: Spec): SpiderIPPool => ({ metadata: { name }, spec })
const own: Spec = { subnet: '10.6.0.0/16', ips: ['10.6.1.1-10.6.1.9'] }
const six: Spec = { subnet: 'fd00::/64', ips: ['fd00::1-fd00::9'] }

const APART = 'subnets overlap with one another only where they are equal'
const pools: readonly [string, Spec, Spec, string | undefined][] = [
  ['the same range', own, own, 'spec.ips forbidden: 10.6.1.1-10.6.1.9 overlap with SpiderIPPool other'],
  [
    'one address at the end',
    own,
    { ...own, ips: ['10.6.1.9-10.6.1.20'] },
    'spec.ips forbidden: 10.6.1.9 overlap with SpiderIPPool other',
  ],
  [
    'one address at the beginning',
    own,
    { ...own, ips: ['10.6.0.1-10.6.1.1'] },
    'spec.ips forbidden: 10.6.1.1 overlap with SpiderIPPool other',
  ],
  [
    'two places',
    own,
    { ...own, ips: ['10.6.1.1', '10.6.1.9'] },
    'spec.ips forbidden: 10.6.1.1, 10.6.1.9 overlap with SpiderIPPool other',
  ],
  ['the range beside it', own, { ...own, ips: ['10.6.1.10-10.6.1.20'] }, undefined],
  ['the range before it', own, { ...own, ips: ['10.6.1.0'] }, undefined],
  ['addresses that the other excludes', own, { ...own, excludeIPs: ['10.6.1.1-10.6.1.9'] }, undefined],
  ['addresses that this one excludes', { ...own, excludeIPs: ['10.6.1.1-10.6.1.9'] }, own, undefined],
  [
    'all but one excluded',
    { ...own, excludeIPs: ['10.6.1.2-10.6.1.9'] },
    own,
    'spec.ips forbidden: 10.6.1.1 overlap with SpiderIPPool other',
  ],
  ['no addresses here', { subnet: own.subnet }, own, undefined],
  ['no addresses there', own, { subnet: own.subnet }, undefined],
  ['IPv6', six, { ...six, ips: ['fd00::9'] }, 'spec.ips forbidden: fd00::9 overlap with SpiderIPPool other'],
  ['the other family', own, six, undefined],
  [
    'a wider subnet',
    own,
    { subnet: '10.0.0.0/8' },
    `spec.subnet invalid: it overlaps with 10.0.0.0/8 of SpiderIPPool other: ${APART}`,
  ],
  [
    'a narrower subnet',
    own,
    { subnet: '10.6.255.0/24' },
    `spec.subnet invalid: it overlaps with 10.6.255.0/24 of SpiderIPPool other: ${APART}`,
  ],
  ['the subnet before', own, { subnet: '10.5.0.0/16', ips: own.ips ?? [] }, undefined],
  ['the subnet after', own, { subnet: '10.7.0.0/16', ips: own.ips ?? [] }, undefined],
  [
    'the same subnet written otherwise',
    own,
    { ...own, subnet: '10.6.0.9/16' },
    'spec.ips forbidden: 10.6.1.1-10.6.1.9 overlap with SpiderIPPool other',
  ],
  ['a subnet here that cannot be read', { ...own, subnet: 'x' }, own, undefined],
  ['a subnet there that cannot be read', own, { ...own, subnet: 'x' }, undefined],
]
for (const [beside, spec, other, says] of pools)
  t.test(`poolClash() ${says === undefined ? 'accepts' : 'rejects'} a pool beside ${beside}`, t => {
    const fault = poolClash(named('own', spec), named('other', other))
    t.equal(fault && `${fault.field} ${fault.kind}: ${fault.why}`, says)
    if (fault) t.strictSame(fault.value, fault.field === 'spec.ips' ? spec.ips : spec.subnet, 'what is wrong is shown')
    t.equal(poolClash(named('one', spec), named('one', other)), undefined, 'never with one of its own name')
    t.equal(poolClash(named('o', other), named('p', spec)) === undefined, says === undefined, 'the other way round too')
    t.end()
  })

const subnets: readonly [string, string, string, boolean][] = [
  ['an equal one', '10.6.0.0/16', '10.6.0.0/16', true],
  ['a wider one', '10.6.0.0/16', '10.0.0.0/8', true],
  ['a narrower one', '10.6.0.0/16', '10.6.9.0/24', true],
  ['one beside it', '10.6.0.0/16', '10.7.0.0/16', false],
  ['the other family', '10.6.0.0/16', 'fd00::/64', false],
  ['everything', '10.6.0.0/16', '0.0.0.0/0', true],
  ['one that cannot be read', '10.6.0.0/16', 'x', false],
  ['any, where it cannot be read itself', 'x', '10.6.0.0/16', false],
]
for (const [beside, subnet, other, clashes] of subnets)
  t.test(`subnetClash() ${clashes ? 'rejects' : 'accepts'} a SpiderSubnet beside ${beside}`, t => {
    const fault = subnetClash(named('own', { subnet }), named('other', { subnet: other }))
    const words = `it overlaps with ${other} of SpiderSubnet other`
    t.strictSame(fault, clashes ? { field: 'spec.subnet', value: subnet, why: words, kind: 'invalid' } : undefined)
    t.equal(subnetClash(named('own', { subnet }), named('own', { subnet: other })), undefined, 'never with itself')
    t.end()
  })

const orphans: readonly [string, Spec, Spec, string | undefined][] = [
  ['all of its addresses', own, own, undefined],
  ['some of its addresses', own, { ...own, ips: ['10.6.1.2'] }, undefined],
  ['no addresses', own, { subnet: own.subnet }, undefined],
  [
    'an address more',
    own,
    { ...own, ips: ['10.6.1.9-10.6.1.10'] },
    'spec.ips forbidden: SpiderIPPool other of this subnet has 10.6.1.10, which must be in it',
  ],
  [
    'an address that the subnet excludes',
    { ...own, excludeIPs: ['10.6.1.5'] },
    own,
    'spec.ips forbidden: SpiderIPPool other of this subnet has 10.6.1.5, which must be in it',
  ],
  [
    'another network that overlaps',
    own,
    { subnet: '10.6.1.0/24', ips: ['10.6.1.1'] },
    'spec.subnet invalid: it overlaps with 10.6.1.0/24 of SpiderIPPool other',
  ],
  ['another network', own, { subnet: '10.7.0.0/16', ips: ['10.7.0.1'] }, undefined],
  ['a network that cannot be read', own, { ...own, subnet: '' }, undefined],
  ['any, where it cannot be read itself', { ...own, subnet: '' }, own, undefined],
]
for (const [has, subnet, pool, says] of orphans)
  t.test(`orphanClash() ${says === undefined ? 'accepts' : 'rejects'} a SpiderSubnet where a pool has ${has}`, t => {
    const fault = orphanClash(named('own', subnet), named('other', pool))
    t.equal(fault && `${fault.field} ${fault.kind}: ${fault.why}`, says)
    if (fault) t.strictSame(fault.value, fault.field === 'spec.ips' ? subnet.ips : subnet.subnet)
    t.end()
  })

const at = (creationTimestamp: string, uid: string, name = 'n'): SpiderIPPool => ({
  metadata: { creationTimestamp, uid, name },
  spec: own,
})
const ages: readonly [SpiderIPPool, SpiderIPPool, boolean][] = [
  [at('2026-01-01T00:00:00Z', 'b'), at('2026-01-01T00:00:01Z', 'a'), true],
  [at('2026-01-01T00:00:01Z', 'a'), at('2026-01-01T00:00:00Z', 'b'), false],
  [at('2026-01-01T00:00:00Z', 'a', 'z'), at('2026-01-01T00:00:00Z', 'b', 'a'), true],
  [at('2026-01-01T00:00:00Z', 'b', 'a'), at('2026-01-01T00:00:00Z', 'a', 'z'), false],
  [at('', '', 'a'), at('', '', 'b'), true],
  [at('', '', 'b'), at('', '', 'a'), false],
  [at('', 'a'), at('', 'a'), false],
  [named('a', own), named('b', own), true],
  [named('b', own), named('a', own), false],
  [named('a', own), at('2026-01-01T00:00:00Z', 'a'), true],
  [at('2026-01-01T00:00:00Z', 'a'), named('z', own), false],
]
t.test('isOlder() compares creationTimestamp, then UID, then name', t => {
  for (const [one, other, older] of ages)
    t.equal(isOlder(one, other), older, `${JSON.stringify(one.metadata)} ${JSON.stringify(other.metadata)}`)
  t.end()
})
