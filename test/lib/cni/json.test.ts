// JSON read as Go reads it: which keys match, what null means, which types are wrong.
import t from 'tap'
import { CniError } from '../../../lib/cni/error.js'
import { decodeConf, ConfReader } from '../../../lib/cni/json.js'
import { faultIn } from '../../../lib/cni/json-syntax-error.js'

const NO_DOCUMENT: readonly [string, string][] = [
  ['nothing', ''],
  ['blanks', ' \n'],
  ['half an object', '{"a":1'],
  ['an object and more', '{"a":1} x'],
  ['two objects', '{}{}'],
  ['a byte-order mark', '\ufeff{}'],
  ['a comment', '{/* */}'],
  ['a comma too many', '{"a":1,}'],
  ['single quotes', "{'a':1}"],
  ['not a number', '{"a":NaN}'],
  ['a leading zero', '{"a":01}'],
  ['a raw line break in a string', '{"a":"\n"}'],
  ['a list', '[]'],
  ['a string', '"a"'],
  ['a number', '5'],
  ['true', 'true'],
]

t.test('decodeConf() rejects anything but one object', t => {
  for (const [of, text] of NO_DOCUMENT)
    t.throws(() => decodeConf(text), { code: 6, message: /^error unmarshall network config: ./ }, of)
  t.end()
})

t.test('decodeConf() of a million brackets does not exhaust the stack', t => {
  const deep = `{"name":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`
  try {
    t.throws(() => decodeConf(deep).string('name'), CniError)
  } catch (error) {
    t.fail(String(error))
  }
  t.end()
})

t.test('decodeConf() ignores surrounding blanks, and null is {}', t => {
  t.equal(decodeConf(' \t\r\n{"name":"a"}\n').string('name'), 'a')
  t.equal(decodeConf('null').string('name'), undefined)
  t.end()
})

const KEYS: readonly [string, string, string | undefined][] = [
  ['as it is written', '{"name":"a"}', 'a'],
  ['in another case', '{"NaMe":"a"}', 'a'],
  ['unknown keys', '{"x":[],"name":"a"}', 'a'],
  ['twice: the later', '{"name":"a","name":"b"}', 'b'],
  ['twice in two cases: the later', '{"name":"a","NAME":"b"}', 'b'],
  ['twice in two cases, the exact one last', '{"NAME":"b","name":"a"}', 'a'],
  ['null', '{"name":null}', undefined],
  ['null after a value leaves it', '{"name":"a","NAME":null}', 'a'],
  ['not there', '{}', undefined],
  ['escaped', '{"n\\u0061me":"\\u003c"}', '<'],
]

t.test('ConfReader finds a key in any case', t => {
  for (const [of, text, expected] of KEYS) t.equal(decodeConf(text).string('name'), expected, of)
  t.equal(decodeConf('{}').value('constructor'), undefined, 'what every object inherits is no key')
  t.equal(decodeConf('{"__proto__":"a"}').string('__proto__'), 'a')
  t.end()
})

const read: Readonly<Record<string, (fields: ConfReader) => unknown>> = {
  string: f => f.string('k'),
  boolean: f => f.boolean('k'),
  integer: f => f.integer('k'),
  strings: f => f.strings('k'),
  object: f => f.object('k')?.raw,
  objects: f => f.objects('k')?.map(({ raw }) => raw),
}

const TYPED: readonly [keyof typeof read, unknown][] = [
  ['string', 'a'],
  ['string', ''],
  ['boolean', false],
  ['integer', 0],
  ['integer', -5],
  ['integer', 2 ** 53],
  ['strings', []],
  ['strings', ['a', '']],
  ['object', {}],
  ['objects', []],
  ['objects', [{ a: 1 }]],
]

t.test('ConfReader reads typed values, null as absent', t => {
  for (const [type, value] of TYPED) {
    t.strictSame(read[type]?.(new ConfReader({ k: value }, '')), value, `${type} ${JSON.stringify(value)}`)
    t.strictSame(read[type]?.(new ConfReader({ k: null }, '')), undefined, `${type} null`)
  }
  t.strictSame(
    read['strings']?.(new ConfReader({ k: ['a', null] }, '')),
    ['a', ''],
    'null in a list of strings is an empty one',
  )
  t.strictSame(read['objects']?.(new ConfReader({ k: [null] }, '')), [{}], 'null in a list of objects is an empty one')
  t.end()
})

const WRONG: readonly [keyof typeof read, unknown, string][] = [
  ['string', 5, 'ipam.k is 5; it must be a string'],
  ['string', true, 'ipam.k is true; it must be a string'],
  ['string', ['a'], 'ipam.k is a list; it must be a string'],
  ['string', {}, 'ipam.k is an object; it must be a string'],
  ['boolean', 'true', 'ipam.k is "true"; it must be true or false'],
  ['boolean', 0, 'ipam.k is 0; it must be true or false'],
  ['integer', '5', 'ipam.k is "5"; it must be a whole number'],
  ['integer', 1.5, 'ipam.k is 1.5; it must be a whole number'],
  ['integer', 2 ** 63, 'ipam.k is 9223372036854776000; it must be a whole number'],
  ['integer', -1e300, 'ipam.k is -1e+300; it must be a whole number'],
  ['strings', 'a', 'ipam.k is "a"; it must be a list of strings'],
  ['strings', ['a', 5], 'ipam.k is a list; it must be a list of strings'],
  ['object', [], 'ipam.k is a list; it must be an object'],
  ['object', 'a\nb', 'ipam.k is "a\\nb"; it must be an object'],
  ['objects', {}, 'ipam.k is an object; it must be a list'],
  ['objects', [{}, 5], 'ipam.k[1] is 5; it must be an object'],
  ['objects', [[]], 'ipam.k[0] is a list; it must be an object'],
]

t.test('ConfReader rejects another type with key and value', t => {
  for (const [type, value, message] of WRONG)
    t.throws(() => read[type]?.(new ConfReader({ k: value }, 'ipam.')), { code: 6, message }, `${type}: ${message}`)
  t.throws(
    () => new ConfReader({ k: 'x'.repeat(1000) }, '').boolean('k'),
    { message: `k is "${'x'.repeat(79)}…; it must be true or false` },
    'a long value is truncated',
  )
  t.end()
})

t.test('ConfReader names the path from the top', t => {
  const conf = decodeConf('{"ipam":{"ranges":[{},{"n":true}]}}')
  const second = conf.object('ipam')?.objects('ranges')?.[1]
  t.throws(() => second?.string('n'), { message: 'ipam.ranges[1].n is true; it must be a string' })
  t.end()
})

const FAULTS: readonly [of: string, text: string, says: string][] = [
  [
    'a comma before a brace',
    '{\n  "name": "a",\n  "mode": "bridge",\n}',
    'line 3, column 19: a comma before }: take it out, behind …, "mode": "bridge"',
  ],
  ['a comma before a bracket', '{"a":[1, ]}', 'line 1, column 8: a comma before ]: take it out, behind {"a":[1'],
  ['a comment', '{\n// NIC\n"a":1}', 'line 2, column 1: a comment, which JSON has none of: take it out, behind {'],
  [
    'a comment behind a value',
    '{"a":1 /* x */}',
    'line 1, column 8: a comment, which JSON has none of: take it out, behind {"a":1',
  ],
  [
    'a byte-order mark',
    '\ufeff{}',
    'line 1, column 1: a byte-order mark (U+FEFF), which JSON has none of: save the file as UTF-8 without BOM',
  ],
  ['single quotes', "{'a':1}", `line 1, column 2: "'" in place of a key in double quotes, behind {`],
  ['no colon', '{"a" 1}', 'line 1, column 6: "1" in place of a colon, behind {"a"'],
  ['no comma', '{"a":1 "b":2}', 'line 1, column 8: "\\"" in place of a comma or }, behind {"a":1'],
  ['no value', '{"a":}', 'line 1, column 6: "}" in place of a value, behind {"a":'],
  ['a bare word', '{"a":bridge}', 'line 1, column 6: "b" in place of a value, behind {"a":'],
  ['a leading zero', '{"a":01}', 'line 1, column 7: "1" in place of a comma or }, behind {"a":0'],
  ['half an object', '{"a":1', 'line 1, column 7: it ends here, and } is missing, behind {"a":1'],
  ['nothing', '', 'line 1, column 1: it ends here, and a value is missing'],
  ['more than a document', '{} x', 'line 1, column 4: "x" in place of the end, behind {}'],
  [
    'a string without an end',
    '{"a":"b',
    'line 1, column 8: it ends in a string, whose closing " is missing, behind {"a":"b',
  ],
  [
    'a tab in a string',
    '{"a":"\t"}',
    'line 1, column 7: a raw line break or control character in a string, behind {"a":"',
  ],
  ['a strange escape', '{"a":"\\x"}', 'line 1, column 7: a backslash that begins no escape of JSON, behind {"a":"'],
]

t.test('decodeConf() says where a text is no JSON, and why', t => {
  for (const [of, text, says] of FAULTS)
    t.throws(() => decodeConf(text), { code: 6, message: `error unmarshall network config: ${says}` }, of)
  t.end()
})

t.test('faultIn() finds no fault in what JSON.parse() takes, and one in what it refuses', t => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '-0.5e+3',
    'true',
    'null',
    ' ',
    '\n',
    '"\\u00e9\\n"',
    '01',
    "'",
    '"',
  ]
  let state = 1
  const next = (): number => (state = (state * 48271) % 2147483647)
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: (next() % 8) + 1 }, () => pieces[next() % pieces.length]).join('')
    let isJson = true
    try {
      JSON.parse(text)
    } catch {
      isJson = false
    }
    if ((faultIn(text) === undefined) !== isJson) t.fail(`${JSON.stringify(text)}: ${faultIn(text)}`)
  }
  t.equal(faultIn('{"a":[1,{"b":[]},"c"],"d":{}}'), undefined)
  t.end()
})
