// What anything thrown becomes on stdout.
import t from 'tap'
import { CNI_ERROR, CniError, errorReply, pretty, RelayedError, type CniErrorKind } from '../../../lib/cni/error.js'

t.test('CNI_ERROR has the codes of the spec', t => {
  const codes: Readonly<Record<CniErrorKind, number>> = {
    incompatibleVersion: 1,
    unsupportedField: 2,
    unknownContainer: 3,
    invalidEnv: 4,
    ioFailure: 5,
    decodeFailure: 6,
    invalidConfig: 7,
    invalidNetns: 8,
    tryAgain: 11,
    notAvailable: 50,
    limitedConnectivity: 51,
    internal: 999,
  }
  t.strictSame({ ...CNI_ERROR }, codes)
  t.strictSame(new CniError('tryAgain', 'later').code, 11)
  t.end()
})

const chain = new Error('outer', { cause: new Error('middle', { cause: 'inner' }) })
const circular = new Error('round')
circular.cause = circular

const REPLIES: readonly [string, unknown, string, object][] = [
  ['a typed error', new CniError('ioFailure', 'm'), '1.0.0', { cniVersion: '1.0.0', code: 5, msg: 'm' }],
  ['details', new CniError('ioFailure', 'm', 'd'), '1.0.0', { cniVersion: '1.0.0', code: 5, msg: 'm', details: 'd' }],
  ['a version that is not known', new CniError('invalidEnv', 'm'), '', { code: 4, msg: 'm' }],
  ['an untyped error', new TypeError('m'), '1.0.0', { cniVersion: '1.0.0', code: 999, msg: 'm' }],
  ['what is no Error', 'text', '', { code: 999, msg: 'text' }],
  ['nothing', undefined, '', { code: 999, msg: 'undefined' }],
  ['null', null, '', { code: 999, msg: 'null' }],
  ['causes, outermost first', chain, '', { code: 999, msg: 'outer', details: 'middle: inner' }],
  [
    'a cause that the message contains',
    new CniError('internal', 'open: EACCES', '', { cause: new Error('EACCES') }),
    '',
    { code: 999, msg: 'open: EACCES' },
  ],
  [
    'details before causes',
    new CniError('internal', 'm', 'd', { cause: chain }),
    '',
    { code: 999, msg: 'm', details: 'd' },
  ],
  ['an error that caused itself', circular, '', { code: 999, msg: 'round' }],
  ["another plugin's own code", new RelayedError(123, 'm', 'd'), '', { code: 123, msg: 'm', details: 'd' }],
]

t.test('errorReply() has code, msg and details', t => {
  for (const [of, thrown, version, expected] of REPLIES) t.strictSame({ ...errorReply(thrown, version) }, expected, of)
  t.end()
})

t.test("pretty() prints as Go's encoder", t => {
  t.equal(pretty({ code: 7, msg: '<a> & "b"' }), '{\n    "code": 7,\n    "msg": "\\u003ca\\u003e \\u0026 \\"b\\""\n}')
  t.equal(pretty({ a: '\u2028\u2029' }), '{\n    "a": "\\u2028\\u2029"\n}')
  t.strictSame(JSON.parse(pretty({ a: '<>&' })), { a: '<>&' })
  t.equal(pretty([]), '[]')
  t.end()
})
