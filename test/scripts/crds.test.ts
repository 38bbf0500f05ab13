// Types and guards of scripts/crds.ts, and that they are generated from every kind of our group.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { crdGuardsOf, crdTypesOf } from '../../scripts/crds.js'
import { ROOT } from '../../scripts/source-tree.js'

t.test('crdTypesOf() throws where a table names a field that no schema has', t => {
  t.throws(() => crdTypesOf({}), /no schema has SpiderIPPool\.spec/)
  t.end()
})

t.test('crdGuardsOf() throws where a guard reads a field that no schema has', t => {
  const SpiderSubnet = { type: 'object', properties: { spec: { type: 'object', properties: {} } } }
  t.throws(() => crdGuardsOf({ SpiderSubnet }), /no schema has SpiderSubnet\.spec\.subnet/)
  t.end()
})

const TYPES = readFileSync(`${ROOT}schemas/crds/generated/types.ts`, 'utf8')
for (const kind of [
  ...['SpiderIPPool', 'SpiderSubnet', 'SpiderReservedIP', 'SpiderEndpoint'],
  ...['SpiderIPAddress', 'SpiderCoordinator', 'SpiderMultusConfig'],
])
  t.match(TYPES, new RegExp(`^export interface ${kind} {$`, 'm'), `the generated types have ${kind}`)
