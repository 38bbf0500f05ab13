// Validation of label selectors, as a table.
import t from 'tap'
import { selectorFaults } from '../../../lib/crd/selector.js'
import type { LabelSelector } from '../../../lib/crd/types.js'

const long = (length: number): string => 'a'.repeat(length)
const cases: readonly [LabelSelector, readonly string[]][] = [
  [{ matchLabels: { app: 'a', 'example.com/app': '' } }, []],
  [{ matchLabels: { 'A_b.c-D': 'A_b.c-D' } }, []],
  [{ matchLabels: { [long(63)]: long(63) } }, []],
  [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['x', ''] }] }, []],
  [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['x'] }] }, []],
  [
    {
      matchExpressions: [
        { key: 'a', operator: 'Exists' },
        { key: 'b', operator: 'DoesNotExist', values: [] },
      ],
    },
    [],
  ],
  [{}, ['f']],
  [{ matchLabels: {}, matchExpressions: [] }, ['f']],
  [{ matchLabels: { [long(64)]: 'a' } }, ['f.matchLabels']],
  [{ matchLabels: { app: long(64) } }, ['f.matchLabels']],
  [{ matchLabels: { '-a': 'b-' } }, ['f.matchLabels', 'f.matchLabels']],
  [{ matchLabels: { '/a': 'a' } }, ['f.matchLabels']],
  [{ matchLabels: { 'a/': 'a' } }, ['f.matchLabels']],
  [{ matchLabels: { 'a/b/c': 'a' } }, ['f.matchLabels']],
  [{ matchLabels: { 'Example.com/a': 'a' } }, ['f.matchLabels']],
  [{ matchLabels: { [`${long(254)}/a`]: 'a' } }, ['f.matchLabels']],
  [{ matchLabels: { a: 'x y' } }, ['f.matchLabels']],
  [{ matchExpressions: [{ key: 'a', operator: 'In' }] }, ['f.matchExpressions[0].values']],
  [{ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] }, ['f.matchExpressions[0].values']],
  [{ matchExpressions: [{ key: 'a', operator: 'in', values: ['x'] }] }, ['f.matchExpressions[0].operator']],
  [{ matchExpressions: [{ key: '', operator: 'Exists' }] }, ['f.matchExpressions[0].key']],
  [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['ok', 'b!'] }] }, ['f.matchExpressions[0].values[1]']],
]
for (const [selector, fields] of cases)
  t.test(
    `selectorFaults() ${fields.length === 0 ? 'accepts' : 'rejects'} ${JSON.stringify(selector).slice(0, 100)}`,
    t => {
      t.strictSame(
        selectorFaults('f', selector).map(({ field }) => field),
        fields,
      )
      t.end()
    },
  )
