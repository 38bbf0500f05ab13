// Records plans on paper from test/fixtures/situations.ts. As root, with dist/bin built.
//   npx tsx scripts/record-plans.ts [coordinator/overlay-third …]
import { messageOf } from '../lib/errors.js'
import { writeFileSync } from 'node:fs'
import { RECORDERS } from '../test/fixtures/situations.js'
import { ROOT } from './source-tree.js'

const asked = process.argv.slice(2)
const failed: string[] = []
for (const { plugin, name, record } of RECORDERS) {
  const title = `${plugin}/${name}`
  if (asked.length > 0 && !asked.includes(title) && !asked.includes(plugin)) continue
  try {
    writeFileSync(`${ROOT}test/plugins/${plugin}/plans/${name}.json`, await record())
    console.log(title)
  } catch (error) {
    failed.push(title)
    console.error(`${title}: ${messageOf(error)}`)
  }
}
if (failed.length > 0) process.exitCode = 1
else console.log('now: REWRITE=1 npx tap run test/plugins/*/plans.test.ts, and read the difference')
