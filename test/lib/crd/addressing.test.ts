// What pools and subnets have in common, where no other table says it.
import t from 'tap'
import { familyOfSpec } from '../../../lib/crd/addressing.js'

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
t.test('the family is what was written, or else what the subnet looks like', t => {
  for (const [ipVersion, subnet, family] of families)
    t.equal(familyOfSpec({ subnet, ...(ipVersion !== undefined && { ipVersion }) }), family, `${ipVersion} ${subnet}`)
  t.end()
})
