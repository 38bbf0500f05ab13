// Versions of the CNI spec: their order, and which verb a version has.
import t from 'tap'
import { CniError } from '../../../lib/cni/error.js'
import { ALL_VERSIONS, allows, atLeast, isVersion } from '../../../lib/cni/versions.js'

t.test('atLeast() compares numbers, a missing one is 0', t => {
  for (const [a, b, expected] of [
    ['0.4.0', '0.4.0', true],
    ['0.4', '0.4.0', true],
    ['1', '1.0.0', true],
    ['0.10.0', '0.9.0', true],
    ['0.3.1', '0.4.0', false],
    ['0.9.9', '1.0.0', false],
    ['1.1.0', '1.0.9', true],
    ['2.0.0', '10.0.0', false],
  ] as const)
    t.equal(atLeast(a, b), expected, `${a} at least ${b}`)
  t.end()
})

t.test('isVersion() takes one to three numbers', t => {
  for (const text of ['1', '1.0', '1.0.0', '0.10.200']) t.ok(isVersion(text), text)
  for (const text of ['', 'one', '1.', '.1', '1..0', '1.0.0.0', '1.0.0-rc1', 'v1.0.0', ' 1.0.0', '1.0.0\n', '-1.0.0'])
    t.throws(
      () => allows('ADD', text, ALL_VERSIONS),
      { code: 6, message: `cniVersion is "${text}"; it must be 1 to 3 numbers with dots between, as 1.0.0` },
      JSON.stringify(text),
    )
  t.end()
})

const OLD = ['0.1.0', '0.2.0', '0.3.0', '0.3.1']
const UP_TO_1_0 = [...OLD, '0.4.0', '1.0.0']

const GATES: readonly [string, string, readonly string[], string | undefined, string?][] = [
  ['ADD', '0.1.0', ALL_VERSIONS, undefined],
  ['ADD', '1.1.0', ALL_VERSIONS, undefined],
  [
    'ADD',
    '0.1.0',
    ['0.3.0', '1.0.0'],
    'incompatible CNI versions',
    'config is "0.1.0", plugin supports ["0.3.0" "1.0.0"]',
  ],
  ['DEL', '9.9.9', ['1.0.0'], 'incompatible CNI versions', 'config is "9.9.9", plugin supports ["1.0.0"]'],
  ['DEL', '1.0', ['1.0.0'], 'incompatible CNI versions', 'config is "1.0", plugin supports ["1.0.0"]'],
  ['CHECK', '0.3.1', ALL_VERSIONS, 'config version does not allow CHECK'],
  ['CHECK', '0.4.0', ALL_VERSIONS, undefined],
  ['CHECK', '0.4.0', OLD, 'plugin version does not allow CHECK'],
  ['CHECK', '1.1.0', UP_TO_1_0, 'plugin version does not allow CHECK'],
  ['CHECK', '0.5.0', ['1.0.0'], 'incompatible CNI versions', 'config is "0.5.0", plugin supports ["1.0.0"]'],
  ['GC', '1.0.0', ALL_VERSIONS, 'config version does not allow GC'],
  ['GC', '1.1.0', ALL_VERSIONS, undefined],
  ['GC', '1.1.0', UP_TO_1_0, 'plugin version does not allow GC'],
  ['STATUS', '1.0.0', ALL_VERSIONS, 'config version does not allow STATUS'],
  ['STATUS', '1.1.0', ALL_VERSIONS, undefined],
  ['STATUS', '1.1.0', UP_TO_1_0, 'plugin version does not allow STATUS'],
]

t.test('allows() takes a verb from its version on', t => {
  for (const [verb, version, supported, message, details = ''] of GATES) {
    const of = `${verb} of ${version} by ${supported.join(' ')}`
    if (message === undefined) t.doesNotThrow(() => allows(verb, version, supported), of)
    else t.throws(() => allows(verb, version, supported), { code: 1, message, details }, of)
  }
  t.throws(() => allows('CHECK', 'x', ALL_VERSIONS), CniError)
  t.end()
})
