// Kubernetes label selectors: each operator with the value, another value, and no label.
import t from 'tap'
import type { LabelSelector } from '../../../../lib/crd/types.js'
import { selects } from '../../../../lib/ipam/pools/label-selector.js'

const expression = (operator: string, values?: readonly string[]): LabelSelector => ({
  matchExpressions: [{ key: 'app', operator, ...(values && { values }) }],
})
type Labels = Readonly<Record<string, string>>
const [WEB, DB, NONE]: readonly [Labels, Labels, Labels] = [{ app: 'web' }, { app: 'db' }, {}]
const rows: readonly (readonly [of: string, selector: LabelSelector, web: boolean, db: boolean, none: boolean])[] = [
  ['nothing', {}, true, true, true],
  ['empty lists', { matchLabels: {}, matchExpressions: [] }, true, true, true],
  ['matchLabels', { matchLabels: { app: 'web' } }, true, false, false],
  ['two matchLabels', { matchLabels: { app: 'web', tier: 'x' } }, false, false, false],
  ['In', expression('In', ['web', 'x']), true, false, false],
  ['In nothing', expression('In'), false, false, false],
  ['NotIn', expression('NotIn', ['web', 'x']), false, true, true],
  ['NotIn nothing', expression('NotIn'), true, true, true],
  ['Exists', expression('Exists'), true, true, false],
  ['DoesNotExist', expression('DoesNotExist'), false, false, true],
  ['an unknown operator', expression('Gt', ['1']), false, false, false],
  ['both', { ...expression('Exists'), matchLabels: { app: 'db' } }, false, true, false],
  [
    'two expressions',
    {
      matchExpressions: [
        ...(expression('Exists').matchExpressions ?? []),
        ...(expression('NotIn', ['db']).matchExpressions ?? []),
      ],
    },
    ...([true, false, false] as const),
  ],
]
for (const [of, selector, web, db, none] of rows)
  t.test(`selects() by ${of}`, async t =>
    t.strictSame(
      [WEB, DB, NONE].map(labels => selects(selector, labels)),
      [web, db, none],
    ),
  )
