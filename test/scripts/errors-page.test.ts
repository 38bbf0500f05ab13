// docs/errors.md is what the registry says, and no code means two things that are not one.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { REFUSALS } from '../../lib/ipam/errors.js'
import { errorsPage } from '../../scripts/errors-page.js'
import { ROOT } from '../../scripts/source-tree.js'

t.test('docs/errors.md is current (npx tsx scripts/errors-page.ts --write)', async t => {
  t.equal(readFileSync(`${ROOT}docs/errors.md`, 'utf8'), await errorsPage())
})

/** Published: a code that once meant something never means anything else. */
const PUBLISHED = {
  podMissing: 100,
  podReplaced: 101,
  podEnded: 102,
  wrongInput: 103,
  noPool: 104,
  exhausted: 11,
  contended: 11,
  recordContended: 11,
  noAddress: 105,
  routeFitsNothing: 106,
  poolNotMade: 107,
  ipConflict: 108,
  gatewayUnreachable: 109,
  differs: 110,
}
t.test('codes of errors never change', async t => {
  for (const [name, code] of Object.entries(PUBLISHED))
    t.equal(REFUSALS[name as keyof typeof REFUSALS].code, code, name)
  const own = Object.values(REFUSALS).filter(({ code }) => code >= 100)
  t.equal(new Set(own.map(({ code }) => code)).size, own.length)
})
