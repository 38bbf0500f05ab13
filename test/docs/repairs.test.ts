// Each row of docs/repairs.md and docs/compatibility.md names a test that `make test` runs.
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { ROOT } from '../../scripts/source-tree.js'

const cellsOf = (line: string): readonly string[] => line.split('|').map(cell => cell.trim())

/** Returns the rows of every table below the heading, without header and delimiter rows. */
function rowsOf(page: string, head: string): readonly (readonly string[])[] {
  const text = readFileSync(`${ROOT}docs/${page}`, 'utf8')
  const lines = text.slice(text.indexOf(head)).split('\n')
  return lines.filter(line => line.startsWith('|') && !/^\| (before|what|-+) /.test(line)).map(cellsOf)
}

const repairs = rowsOf('repairs.md', '# ')
const stances = rowsOf('compatibility.md', '## Spiderpool 1.0')
/** Lower bounds: fewer rows mean that a table is no longer parsed. */
const [REPAIRS_MIN, STANCES_MIN] = [80, 14]
const STANCES = ['the same', 'fixed', 'option', 'both', 'other', 'left out']

t.test('docs/repairs.md has before, now and a test in every row', t => {
  t.ok(repairs.length >= REPAIRS_MIN, `${repairs.length} rows`)
  for (const [, before = '', now = '', test = '', ...rest] of repairs) {
    t.ok(before !== '' && now !== '' && rest.length === 1, before)
    t.match(test, /^`[\w/.-]+\.test\.ts`: \S/, before)
  }
  t.end()
})

t.test('docs/compatibility.md has a known status and a test in every row, except omissions', t => {
  t.ok(stances.length >= STANCES_MIN, `${stances.length} rows`)
  for (const [, what = '', stance = '', here = '', test = '', ...rest] of stances) {
    t.ok(what !== '' && here !== '' && rest.length === 1 && STANCES.includes(stance), `${what}: ${stance}`)
    if (stance !== 'left out') t.match(test, /^`[\w/.-]+\.test\.ts`: \S/, what)
  }
  t.end()
})

t.test('docs/repairs.md and docs/compatibility.md name tests that exist', t => {
  const named = [...repairs.map(([, , , test = '']) => test), ...stances.map(([, , , , test = '']) => test)]
  for (const test of named.filter(text => text !== '')) {
    const [, file = '', name = ''] = /^`(.+?)`: (.+)$/.exec(test) ?? []
    const path = `${ROOT}test/${file}`
    const exists = existsSync(path) && readFileSync(path, 'utf8').includes(name)
    t.ok(name !== '' && exists, test)
  }
  t.end()
})
