// Rules compile to the expressions that nft makes, and are read back; expressions of others become
// `other`.
import t from 'tap'
import { expressionsOf, ruleFrom } from '../../../lib/kernel/nft-compile.js'
import type { Expression } from '../../../lib/netlink/nft/expression.js'
import { ofInet } from '../../../lib/netlink/nft/message.js'
import { ruleAdd, ruleDump } from '../../../lib/netlink/nft/rule.js'
import { nftRuleText, type NftRule } from '../../../lib/plan/nft-table.js'
import * as captures from '../netlink/captures/nft.js'
import { hex } from '../netlink/captures/row.js'

/** The rules of the captured batch: nft's text of it, and our words. */
const rules: readonly { nft: string; words: NftRule; text?: string }[] = [
  {
    nft: 'iifname "veth0" ct state new meta mark set 0x1',
    words: [
      { match: 'iifname', is: 'veth0' },
      { match: 'ct state', in: ['new'] },
      { set: 'mark', to: 1 },
    ],
  },
  {
    nft: 'meta mark 0x1 ct mark set meta mark',
    words: [
      { match: 'mark', is: 1 },
      { set: 'ct mark', to: 'mark' },
    ],
  },
  {
    nft: 'oifname != "net1" ct direction reply meta mark & 0xff != 0x2 counter accept',
    words: [
      { match: 'oifname', is: 'net1', not: true },
      { match: 'ct direction', is: 'reply' },
      { match: 'mark', is: 2, mask: 0xff, not: true },
      { counter: true },
      { verdict: 'accept' },
    ],
  },
]

const short = (text: string): string => text.replaceAll(/0x0+(?=[0-9a-f])/g, '0x')
const captured = (op: unknown, of: string) =>
  [...captures.batch, ...captures.answers].find(one => one.op === op && one.of.replace('nft: ', '') === of)

for (const { nft, words } of rules)
  t.test(nft, t => {
    const value = ruleAdd.codec.decode(captured(ruleAdd, nft)?.bytes.subarray(16) ?? hex(''))
    const expressions = expressionsOf(words)
    t.strictSame(ruleFrom(value.attrs.expressions ?? []), words, 'reads what nft sent')
    const rule = ruleDump.codec.decode(captured(ruleDump, nft)?.bytes ?? hex(''))
    t.strictSame(ruleFrom(rule.attrs.expressions ?? []), words, 'reads what the kernel reports')
    t.strictSame(ruleFrom(expressions), words, 'reads what we write')
    t.equal(short(nftRuleText(words)), nft, 'and it is the text of nft')
    t.end()
  })

t.test('expressionsOf() of the marks has the bytes of nft', t => {
  for (const { nft, words } of rules.slice(0, 2)) {
    const { header, attrs } = ruleAdd.codec.decode(captured(ruleAdd, nft)?.bytes.subarray(16) ?? hex(''))
    t.strictSame(
      ruleAdd.codec.encode({ header, attrs: { ...attrs, expressions: expressionsOf(words) } }),
      ruleAdd.codec.encode({ header: ofInet, attrs }),
      nft,
    )
  }
  t.end()
})

t.test('ruleFrom() names expressions of others; expressionsOf() rejects them', t => {
  const of = 'ip saddr 10.6.0.0/16 meta iif 1 drop'
  const { attrs } = ruleDump.codec.decode(captured(ruleDump, of)?.bytes ?? hex(''))
  const words = ruleFrom(attrs.expressions ?? [])
  t.equal(nftRuleText(words), '(meta) (cmp) (payload) (cmp) (meta) (cmp) drop')
  t.throws(() => expressionsOf(words), { message: '"meta" cannot be written back: it is of another\'s making' })
  t.end()
})

const register = { source: 1, destination: 1, length: 4 }
const zero = { value: hex('00000000') }
const one = { value: hex('01000000') }
const mark: Expression = { kind: 'meta', data: { key: 3, destination: 1 } }
const equals: Expression = { kind: 'cmp', data: { source: 1, op: 0, data: one } }

const strangers: readonly (readonly [what: string, expressions: readonly Expression[], text: string])[] = [
  ['a comparison of another kind', [mark, { kind: 'cmp', data: { source: 1, op: 2, data: one } }], '(meta) (cmp)'],
  ['another register', [{ kind: 'meta', data: { key: 3, destination: 2 } }, equals], '(meta) (cmp)'],
  [
    'bits that are changed too',
    [mark, { kind: 'bitwise', data: { ...register, mask: one, xor: one } }, equals],
    '(meta) (bitwise) (cmp)',
  ],
  [
    'a shift',
    [mark, { kind: 'bitwise', data: { ...register, op: 1, mask: one, xor: zero } }, equals],
    '(meta) (bitwise) (cmp)',
  ],
  ['a name that goes on', [{ kind: 'meta', data: { key: 6, destination: 1 } }, equals], '(meta) (cmp)'],
  [
    'a state that has no name',
    [
      { kind: 'ct', data: { key: 0, destination: 1 } },
      { kind: 'bitwise', data: { ...register, mask: { value: hex('10000000') }, xor: zero } },
      { kind: 'cmp', data: { source: 1, op: 1, data: zero } },
    ],
    '(ct) (bitwise) (cmp)',
  ],
  [
    'a jump',
    [{ kind: 'immediate', data: { destination: 0, data: { verdict: { code: -3, chain: 'c' } } } }],
    '(immediate)',
  ],
  ['a load and nothing behind it', [mark], '(meta)'],
  ['a kind without a table', [{ kind: 'other', name: 'lookup' }], '(lookup)'],
]

for (const [what, expressions, text] of strangers)
  t.test(`ruleFrom() does not mistake ${what}`, t => {
    t.equal(nftRuleText(ruleFrom(expressions)), text)
    t.end()
  })
