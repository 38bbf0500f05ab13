// Patterns of Go's filepath.Match.
import t from 'tap'
import { isPattern, patternOf } from '../../../../lib/ipam/pools/glob.js'

const MATCHES: readonly [pattern: string, name: string, is: boolean][] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*', '', true],
  ['*c', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*b*c*d*e*', 'axbxcxdxe', true],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^b-d]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'ab', false],
  ['a?b', 'a-b', true],
  ['a[^a]b', 'a-b', true],
  ['a?b', 'a/b', false],
  ['[a-ζ]*', 'α', true],
  ['[\\]a]', ']', true],
  ['[\\-]', '-', true],
  ['[x\\-]', 'x', true],
  ['[x\\-]', 'z', false],
  ['[b-a]', 'b', false],
  ['[^b-a]', 'b', true],
  ['pool.v4', 'poolxv4', false],
  ['p-[0-9][0-9]', 'p-42', true],
  ['p(1)+', 'p(1)+', true],
]
for (const [pattern, name, is] of MATCHES)
  t.test(`patternOf() ${pattern} ${is ? 'matches' : 'does not match'} "${name}"`, async t =>
    t.equal(patternOf(pattern).test(name), is),
  )

for (const pattern of ['[', '[^', '[a', '[]', '[]a]', '[-]', '[-x]', '[x-]', '[a-b-c]', 'a\\', '[a\\', '[^bc'])
  t.test(`patternOf() refuses ${pattern}`, async t => {
    t.throws(() => patternOf(pattern), { name: 'PatternError', message: new RegExp(/pattern "/) })
  })

t.test('isPattern() is true for a name with a star, a question mark, or both brackets', async t => {
  for (const name of ['a*', '?', 'a[b]', '][']) t.ok(isPattern(name), name)
  for (const name of ['a', 'a[b', 'a]', 'a\\']) t.notOk(isPattern(name), name)
})
