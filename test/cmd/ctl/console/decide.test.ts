// consoleMap(): cells of a pool, as tables.
import t from 'tap'
import { poolFacts } from '../../../../cmd/ctl/facts.js'
import { consoleMap } from '../../../../cmd/ctl/console/decide.js'
import { ip, objectNameOf } from '../../../../lib/ip/address.js'
import type { ConsoleMap } from '../../../../lib/console/json.js'

const factsOf = (subnet: string, ips: readonly string[], held: readonly string[] = []) =>
  poolFacts(
    { metadata: { name: 'p', uid: 'u' }, spec: { subnet, ips } } as never,
    held.map(address => ({ metadata: { name: objectNameOf(ip(address)) } })),
    [],
  )

const mapOf = (...of: Parameters<typeof consoleMap>): ConsoleMap => {
  const map = consoleMap(...of)
  if (typeof map === 'string') throw new Error(map)
  return map
}

t.test('consoleMap() shows the smallest prefix of the pool, a letter an address', async t => {
  const facts = factsOf('10.0.0.0/24', ['10.0.0.2-10.0.0.5'], ['10.0.0.3'])
  t.match(mapOf(facts, undefined), { prefix: '10.0.0.0/29', extent: '10.0.0.0/29', cellBits: 0, cells: '..fhff..' })
  t.match(mapOf(facts, '10.0.0.4/30'), { prefix: '10.0.0.4/30', extent: '10.0.0.0/29', cells: 'ff..' })
})

t.test('consoleMap() shares cells among the addresses of a large pool', async t => {
  const facts = factsOf('10.0.0.0/8', ['10.0.0.1-10.255.255.254'], ['10.0.0.3'])
  const { cells, cellBits, prefix } = mapOf(facts, undefined)
  t.strictSame([prefix, cellBits, cells.length], ['10.0.0.0/8', 8, 65_536])
  t.equal(cells, `1${'0'.repeat(65_535)}`)
  t.equal(mapOf(facts, '10.0.0.0/28').cells, 'xffhffffffffffff'.replace('x', '.'))
})

t.test('consoleMap() of IPv6, and of a cell that is full', async t => {
  const one = factsOf('fd00::/64', ['fd00::10'], ['fd00::10'])
  t.match(mapOf(one, undefined), { prefix: 'fd00::10/128', cells: 'h' })
  const { cells } = mapOf(one, 'fd00::/104')
  t.equal(cells, `F${'.'.repeat(65_535)}`)
  t.equal(consoleMap(one, '10.0.0.0/8'), 'prefix is "10.0.0.0/8"; write an IPv6 prefix as in fd00::/120')
})
