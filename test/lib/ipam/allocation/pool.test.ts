// A SpiderIPPool parsed for allocation.
import t from 'tap'
import type { SpiderIPPool, SpiderReservedIP } from '../../../../lib/crd/types.js'
import { toBigint, ip, type Family } from '../../../../lib/ip/address.js'
import { formatRanges } from '../../../../lib/ip/range.js'
import { poolOf, reservedRanges } from '../../../../lib/ipam/allocation/pool.js'
import { outcomeOf, poolObject } from '../../../fixtures/memory.js'

interface Row {
  readonly of: string
  readonly spec: Partial<SpiderIPPool['spec']>
  readonly family?: Family
  readonly ranges: readonly string[]
  readonly unusable: bigint
}
const rows: readonly Row[] = [
  { of: 'no addresses', spec: {}, ranges: [], unusable: 0n },
  { of: 'addresses', spec: { ips: ['10.1.0.1-10.1.0.3'] }, ranges: ['10.1.0.1-10.1.0.3'], unusable: 0n },
  {
    of: 'excluded addresses',
    ...{ spec: { ips: ['10.1.0.1-10.1.0.5'], excludeIPs: ['10.1.0.2', '10.1.0.5-10.1.0.9'] } },
    ...{ ranges: ['10.1.0.1', '10.1.0.3-10.1.0.4'], unusable: 0n },
  },
  {
    of: 'network, broadcast and gateway',
    ...{ spec: { ips: ['10.1.0.0-10.1.0.255'], gateway: '10.1.0.1' } },
    ...{ ranges: ['10.1.0.2-10.1.0.254'], unusable: 3n },
  },
  {
    of: 'network and broadcast that are excluded',
    ...{ spec: { ips: ['10.1.0.0-10.1.0.255'], excludeIPs: ['10.1.0.0', '10.1.0.255'] } },
    ...{ ranges: ['10.1.0.1-10.1.0.254'], unusable: 0n },
  },
  {
    of: 'an IPv6 subnet',
    ...{ spec: { ipVersion: 6, subnet: 'fd00::/120', ips: ['fd00::-fd00::3'], gateway: 'fd00::1' }, family: 6 },
    ...{ ranges: ['fd00::2-fd00::3'], unusable: 2n },
  },
]
for (const { of, spec, family = 4, ranges, unusable } of rows)
  t.test(`poolOf() ranges of ${of}`, async t => {
    const pool = poolOf(poolObject('a', spec), family)
    t.strictSame([formatRanges(pool.ranges, family), pool.unusable], [ranges, unusable])
  })

t.test('poolOf() has the fields of the object', async t => {
  const routes = [{ dst: '10.8.0.0/16', gw: '10.1.0.1' }]
  const status = { allocatedIPCount: 7, freeIPs: ['10.1.0.3'] }
  const pool = poolOf(poolObject('a', { gateway: '10.1.0.1', routes }, { status }), 4)
  const { name, uid, family, subnet, gateway, allocatedCount } = pool
  t.strictSame(
    [name, uid, family, subnet, gateway, allocatedCount],
    [...['a', 'uid-a', 4, { ip: '10.1.0.0', length: 24 }, '10.1.0.1'], 7n],
  )
  t.strictSame([pool.routes, formatRanges(pool.hinted ?? [], 4), pool.shared], [routes, ['10.1.0.3'], undefined])
})

t.test('poolOf() defaults missing fields', async t => {
  const pool = poolOf({ metadata: { name: 'a' }, spec: { subnet: '10.1.0.0/24', gateway: '' } }, 4)
  const { uid, gateway, allocatedCount, routes, hinted, shared } = pool
  t.strictSame([uid, gateway, allocatedCount, routes, hinted], ['', undefined, 0n, [], undefined])
  t.strictSame(shared?.records, [], 'without a mark Go agents may allocate from it')
})

const wrong: readonly (readonly [of: string, spec: Partial<SpiderIPPool['spec']>, why: RegExp])[] = [
  ['a subnet that is none', { subnet: '10.1.0.0' }, /^SpiderIPPool a: spec\.subnet "10\.1\.0\.0" is not a CIDR$/],
  ['a range that is none', { ips: ['10.1.0.9-10.1.0.1'] }, /10\.1\.0\.9-10\.1\.0\.1/],
  ['an excluded range of the other family', { excludeIPs: ['fd00::1'] }, /fd00::1/],
]
for (const [of, spec, why] of wrong)
  t.test(`poolOf() throws for ${of}`, async t =>
    t.match(await outcomeOf(Promise.resolve().then(() => poolOf(poolObject('a', spec), 4))), why),
  )

const reserved = (ips: readonly string[] | undefined, deletionTimestamp?: string): SpiderReservedIP => ({
  metadata: { name: 'r', ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
  spec: { ...(ips && { ips }) },
})
t.test('reservedRanges() has the ranges of the family, without objects that are being deleted', async t => {
  const objects = [
    reserved(['10.1.0.1', 'fd00::1-fd00::2']),
    reserved(['10.1.0.2-10.1.0.3']),
    reserved(['10.1.0.9'], 'now'),
    reserved(undefined),
  ]
  t.strictSame(formatRanges(reservedRanges(objects, 4), 4), ['10.1.0.1-10.1.0.3'])
  t.strictSame(formatRanges(reservedRanges(objects, 6), 6), ['fd00::1-fd00::2'])
  t.strictSame(reservedRanges([], 4), [])
})
