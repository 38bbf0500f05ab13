// The address family of a SpiderIPPool.
import t from 'tap'
import { familyOfPool } from '../../../lib/crd/family.js'
import type { SpiderIPPool } from '../../../lib/crd/types.js'
import type { Family } from '../../../lib/ip/address.js'
import { poolObject } from '../../fixtures/memory.js'

const families: readonly (readonly [of: string, spec: Partial<SpiderIPPool['spec']>, is: Family | undefined])[] = [
  ['ipVersion 4', { ipVersion: 4 }, 4],
  ['ipVersion 6', { ipVersion: 6, subnet: 'fd00::/64' }, 6],
  ['an unknown ipVersion', { ipVersion: 5 as number as 6 }, undefined],
  ['an IPv4 subnet alone', { subnet: '10.0.0.0/8' }, 4],
  ['an IPv6 subnet alone', { subnet: 'fd00::/64' }, 6],
]
for (const [of, spec, is] of families)
  t.test(`familyOfPool() of ${of} is ${is}`, async t => {
    const { ipVersion: _, ...others } = poolObject('a').spec
    t.strictSame(familyOfPool({ metadata: { name: 'a' }, spec: { ...others, ...spec } }), is)
  })
