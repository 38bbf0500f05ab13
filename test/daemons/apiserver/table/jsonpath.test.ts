// JSONPath of printer columns: find() and parsePath().
import t from 'tap'
import { find, JsonPathError, parsePath } from '../../../../daemons/apiserver/table/jsonpath.js'

const pool = {
  spec: {
    ips: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    default: false,
    podAffinity: { matchLabels: { 'ipam.spidernet.io/app-namespace': 'shop', plain: 'x' } },
    none: null,
  },
  status: {
    count: 3,
    conditions: [
      { type: 'Ready', status: 'True', weight: 5 },
      { type: 'Synced', status: 'False', weight: 9 },
    ],
  },
}

const found: readonly (readonly [path: string, values: readonly unknown[]])[] = [
  ['.spec.default', [false]],
  ['$.spec.default', [false]],
  ['.spec.none', [null]],
  ['.spec.absent', []],
  ['.spec.absent.deeper[0]', []],
  ['.spec.default.deeper', []],
  [String.raw`.spec.podAffinity.matchLabels['ipam\.spidernet\.io/app\-namespace']`, ['shop']],
  [String.raw`.spec.podAffinity.matchLabels.ipam\.spidernet\.io/app-namespace`, ['shop']],
  [`.spec.podAffinity.matchLabels['plain']`, ['x']],
  [`.spec.podAffinity.matchLabels["plain"]`, ['x']],
  [`.spec.podAffinity.matchLabels['ipam.spidernet.io/app-namespace']`, []], // split at the dots, as in client-go
  [`['spec.default']`, [false]],
  ['.spec.ips', [['10.0.0.1', '10.0.0.2', '10.0.0.3']]],
  ['.spec.ips[0]', ['10.0.0.1']],
  ['.spec.ips[-1]', ['10.0.0.3']],
  ['.spec.ips[7]', []],
  ['.spec.ips[*]', ['10.0.0.1', '10.0.0.2', '10.0.0.3']],
  ['.spec.ips[1:]', ['10.0.0.2', '10.0.0.3']],
  ['.spec.ips[0:2]', ['10.0.0.1', '10.0.0.2']],
  ['.spec.ips[0:3:2]', ['10.0.0.1', '10.0.0.3']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [`.status.conditions[?(@.type=='Synced')].status`, ['False']],
  ['.status.conditions[?(@.type != "Ready")].status', ['False']],
  ['.status.conditions[?(@.weight>5)].type', ['Synced']],
  ['.status.conditions[?(@.weight<=5)].type', ['Ready']],
  ['.status.conditions[?(@.absent)].type', []],
  ['.status.conditions[?(@.weight)].type', ['Ready', 'Synced']],
  ['.status.conditions[?(@.type=="[odd]")].type', []],
  ['.status.conditions.*.type', ['Ready', 'Synced']],
  ['..count', [3]],
  ['.constructor', []],
  ['.spec.__proto__', []],
]

for (const [path, values] of found)
  t.test(`find() of ${path}`, t => {
    t.strictSame(find(pool, parsePath(path)), values)
    t.end()
  })

for (const path of ['spec', '.spec[', '.spec[a]', '.spec[?(@.x==)]', '.spec[?(@.x==y)]', '.[?(', ".spec['a]"])
  t.test(`parsePath() rejects ${path}`, t => {
    t.throws(() => parsePath(path), JsonPathError)
    t.end()
  })
