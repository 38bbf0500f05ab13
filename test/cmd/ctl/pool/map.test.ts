// The map of a pool: cells, lines, and the states of its addresses.
import t from 'tap'
import { poolFacts, type AddressMeta } from '../../../../cmd/ctl/facts.js'
import { LEGEND, mapOf } from '../../../../cmd/ctl/pool/map.js'
import { IPAM_LABEL_POD_UID, LABEL_CONFLICT } from '../../../../lib/crd/names.js'
import type { SpiderIPPool, SpiderReservedIP } from '../../../../lib/crd/types.js'

const pool = (spec: Partial<SpiderIPPool['spec']>, status?: SpiderIPPool['status']): SpiderIPPool => ({
  metadata: { name: 'p', uid: 'u' },
  spec: { subnet: '10.0.0.0/16', ...spec },
  status: { allocatedIPsProjected: true, ...status },
})
const held = (name: string): AddressMeta => ({ metadata: { name, labels: { [IPAM_LABEL_POD_UID]: 'x' } } })
const quarantined = (name: string): AddressMeta => ({
  metadata: { name, labels: { [IPAM_LABEL_POD_UID]: '', [LABEL_CONFLICT]: '0a-00-00-00-00-01' } },
})
const reserved: readonly SpiderReservedIP[] = [{ metadata: { name: 'r' }, spec: { ips: ['10.0.0.3'] } }]

t.test('mapOf() has a cell for each address, in its state', async t => {
  const spec = { ips: ['10.0.0.1-10.0.0.6', '10.0.0.9'], excludeIPs: ['10.0.0.5'], gateway: '10.0.0.1' }
  const facts = poolFacts(pool(spec), [held('10.0.0.2'), quarantined('10.0.0.4')], reserved)
  t.strictSame(mapOf(facts), ['10.0.0.1  x#r!x..', LEGEND])
})

t.test('mapOf() has an address that Go agents recorded, where they share the pool', async t => {
  const allocatedIPs = JSON.stringify({ '10.0.0.2': { pod: 'default/a', podUid: 'u' } })
  const shared: SpiderIPPool = { ...pool({ ips: ['10.0.0.1-10.0.0.2'] }), status: { allocatedIPs } }
  t.strictSame(mapOf(poolFacts(shared, [], [])), ['10.0.0.1  .g', LEGEND])
})

t.test('mapOf() has 64 cells a line, and several addresses a cell in a large pool', async t => {
  const line = mapOf(poolFacts(pool({ ips: ['10.0.0.1-10.0.0.65'] }), [], []))
  t.strictSame(line.slice(0, 2), [`10.0.0.1   ${'.'.repeat(64)}`, '10.0.0.65  .'])
  const spec = { ips: ['10.0.0.1-10.0.8.0'], excludeIPs: ['10.0.8.0'] }
  const [first = '', ...more] = mapOf(poolFacts(pool(spec), [held('10.0.0.1'), held('10.0.0.2'), held('10.0.0.3')], []))
  t.match(first, /^10\.0\.0\.1 +#5\.{62}$/)
  t.match(more.at(-1), /^a cell is 2 addresses/)
})

t.test('mapOf() is empty for a pool without addresses', async t => {
  t.strictSame(mapOf(poolFacts(pool({}), [], [])), [])
})
