// docs/cli.md is what the table of commands says.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { ctlPage } from '../../scripts/ctl-page.js'
import { ROOT } from '../../scripts/source-tree.js'

t.test('docs/cli.md is current (npx tsx scripts/ctl-page.ts --write)', async t => {
  t.equal(readFileSync(`${ROOT}docs/cli.md`, 'utf8'), await ctlPage())
})
