// docs/repairs.md names a test for each thing that went wrong before: the file is there, `make test` runs it, and the test is in it.
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { ROOT } from '../../scripts/source-tree.js'

const lines = readFileSync(`${ROOT}docs/repairs.md`, 'utf8').split('\n')
const cellsOf = (line: string): readonly string[] => line.split('|').map(cell => cell.trim())
const rows = lines.filter(line => line.startsWith('|') && !/^\| (before|-+) /.test(line)).map(cellsOf)
/** More were found than this; fewer would say that the table is no longer read. */
const ROWS_MIN = 75

t.test('every row says what was, what is and which test shows it', t => {
  t.ok(rows.length >= ROWS_MIN, `${rows.length} rows`)
  for (const [, before = '', now = '', test = '', ...rest] of rows) {
    t.ok(before !== '' && now !== '' && rest.length === 1, before)
    t.match(test, /^`[\w/.-]+\.test\.ts`: \S/, before)
  }
  t.end()
})

t.test('every test that is named is there', t => {
  for (const [, before, , test = ''] of rows) {
    const [, file = '', name = ''] = /^`(.+?)`: (.+)$/.exec(test) ?? []
    const path = `${ROOT}test/${file}`
    const isThere = existsSync(path) && readFileSync(path, 'utf8').includes(name)
    t.ok(name !== '' && isThere, `${before ?? ''}: ${test}`)
  }
  t.end()
})
