// `make mutate` finds survivors, and the uniqueness rules have none.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { withMutants } from '../../scripts/mutants.js'
import { sources } from '../../scripts/source-tree.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const rows: readonly (readonly [source: string, changes: readonly string[]])[] = [
  ['export const a = 1', []],
  ['export type A = 1 | true', []],
  [
    'export const f = (a: number): boolean => a < 2',
    ['2 → 3', 'a < 2 → (a <= 2)', 'a < 2 → (a >= 2)', 'a < 2 → undefined'],
  ],
  ['export function f(a: bigint): bigint { return a + 1n }', ['1n → 2n', 'a + 1n → (a - 1n)', 'a + 1n → undefined']],
  ['export function f(a: boolean): void { if (!a) g() }', ['!a → (a)', '!a → true', '!a → false']],
  ['export function f(a: A, b: B): boolean { return a && b }', ['a && b → (a || b)', 'a && b → undefined']],
  [
    'export function f(all: A[]): void { g(all.filter(b), all.some(c)) }',
    ['all.filter(b) → (all)', 'all.some(c) → (all.every(c))'],
  ],
  ['export function f(): void { g({ 4: true }) }', ['true → false']],
]
t.test('withMutants() changes one operator, condition, result or number of a function', t => {
  const files = Object.fromEntries(rows.map(([source], at) => [`${at}.ts`, `${source}\n`]))
  const folder = t.testdir({ 'tsconfig.json': '{"include": ["*.ts"]}', ...files })
  const parsed = new Map(sources(`${folder}/`).map(source => [source.path, source]))
  rows.forEach(([source, changes], at) => {
    const one = parsed.get(`${at}.ts`)
    t.strictSame(one && withMutants(one).mutants.map(({ was, by }) => `${was} → ${by}`), changes, source)
  })
  t.end()
})

t.test('no mutant of the uniqueness rules survives', t => {
  const { stdout, stderr, status } = spawnSync(
    `${ROOT}node_modules/.bin/tsx`,
    [`${ROOT}scripts/mutate.ts`, 'lib/crd/unique.ts'],
    { encoding: 'utf8' },
  )
  t.match(stdout, /^lib\/crd\/unique\.ts: \d{2,} mutants, .*, 0 survive\nmutate: no survivor\n$/, stderr)
  t.equal(status, 0)
  t.end()
})

t.test('make mutate rejects a file that is no target', t => {
  const tsx = `${ROOT}node_modules/.bin/tsx`
  t.equal(spawnSync(tsx, [`${ROOT}scripts/mutate.ts`, 'lib/none.ts'], { encoding: 'utf8' }).status, 1)
  t.end()
})
