// How often a reader of a call has to return to a higher folder of lib/ipam.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

t.test('walk.ts: ADD, restarted ADD and DEL return upward at most 5 times each', t => {
  const { stdout, stderr, status } = spawnSync(`${ROOT}node_modules/.bin/tsx`, [`${ROOT}scripts/walk.ts`], {
    encoding: 'utf8',
  })
  t.strictSame(status, 0, stderr || stdout)
  t.strictSame(stdout.match(/of them upward/g)?.length, 3)
  t.end()
})
