// Fields that pools and subnets share: family, allocatable ranges, next hops.
import t from 'tap'
import { effectiveOf, familyOfSpec, mayBeNexthop, usableOf } from '../../../lib/crd/addressing.js'
import { formatRanges } from '../../../lib/ip/range.js'

const families: readonly (readonly [ipVersion: number | undefined, subnet: string, family: 4 | 6])[] = [
  [4, '10.0.0.0/8', 4],
  [6, 'fd00::/8', 6],
  [undefined, '10.0.0.0/8', 4],
  [undefined, 'fd00::/8', 6],
  [4, 'fd00::/8', 4],
  [6, '10.0.0.0/8', 6],
  [5, 'fd00::/8', 6],
  [7, '10.0.0.0/8', 4],
]
t.test('familyOfSpec() returns ipVersion, or else the family of the subnet', t => {
  for (const [ipVersion, subnet, family] of families)
    t.equal(
      familyOfSpec({ subnet, ...(ipVersion !== undefined && { ipVersion: ipVersion as 4 | 6 }) }),
      family,
      `${ipVersion} ${subnet}`,
    )
  t.end()
})

t.test('usableOf() drops addresses that no host can have', t => {
  const spec = { subnet: '10.0.0.0/29', ips: ['10.0.0.0-10.0.0.7', 'x'], excludeIPs: ['10.0.0.3'], gateway: '10.0.0.1' }
  t.strictSame(formatRanges(effectiveOf(spec, 4), 4), ['10.0.0.0-10.0.0.2', '10.0.0.4-10.0.0.7'])
  t.strictSame(formatRanges(usableOf(spec, 4), 4), ['10.0.0.2', '10.0.0.4-10.0.0.6'])
  t.strictSame(formatRanges(usableOf({ ...spec, subnet: 'x', gateway: '' }, 4), 4), [
    '10.0.0.0-10.0.0.2',
    '10.0.0.4-10.0.0.7',
  ])
  t.end()
})

t.test('mayBeNexthop() accepts addresses of the subnet that a router can have', t => {
  for (const [address, subnet, may] of [
    ['10.0.0.1', '10.0.0.0/29', true],
    ['10.0.0.7', '10.0.0.0/29', false],
    ['10.0.0.9', '10.0.0.0/29', false],
    ['fe80::1', 'fd00::/64', true],
    ['10.0.0.1', 'x', false],
  ] as const)
    t.equal(mayBeNexthop(address, subnet), may, `${address} in ${subnet}`)
  t.end()
})
