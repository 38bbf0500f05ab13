// docs/subnets.md agrees with the code: the demand of each application on it, and the reasons of
// Events.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import {
  demandOfPod,
  demandOfWorkload,
  type Workload,
  type WorkloadKind,
} from '../../../daemons/controller/reconcilers/application/decide.js'
import { planSubnet } from '../../../daemons/controller/reconcilers/subnet/decide.js'
import { CONF_DEFAULT, type Conf } from '../../../daemons/controller/settings.js'
import { demandOptionsOf, FLEXIBLE_KEYS } from '../../../daemons/controller/reconcilers/subnet/reconcile.js'
import type { Pod, SpiderSubnet } from '../../../lib/crd/types.js'

const page = readFileSync(new URL('../../../docs/subnets.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
  ([, text = '']) => parse(text) as Record<string, unknown>,
)
const named = (name: string): unknown =>
  blocks.find(block => (block['metadata'] as { name: string } | undefined)?.name === name)

t.test('docs/subnets.md: the subnet has the addresses that the page shows', async t => {
  const plan = planSubnet({
    ...{
      subnet: named('lan') as SpiderSubnet,
      pools: [],
      requests: [],
      reserved: [],
      older: undefined,
      isThorough: true,
    },
    ...{ heldOf: () => [], poolNamed: () => undefined, requestStateOf: () => 'kept' as const },
  })
  t.equal(plan.status.totalIPCount, 190)
})

const ASKED: readonly (readonly [kind: WorkloadKind, name: string, size: number, number: string, pools: number])[] = [
  ['Deployment', 'web', 4, '+1', 1],
  ['StatefulSet', 'db', 2, '+0', 2],
  ['Deployment', 'router', 1, '+0', 2],
  ['Deployment', 'mail', 1, '+0', 1],
]
for (const [kind, name, size, number, pools] of ASKED)
  t.test(`docs/subnets.md: ${kind} ${name} requests ${pools} pools of ${size}`, async t => {
    const demand = demandOfWorkload(kind, named(name) as Workload, 0)
    t.match(demand, { kind: 'valid', application: { size, number, reclaims: name !== 'mail' } })
    const items = demand.kind === 'valid' ? demand.application.items : []
    t.equal(
      items.reduce((sum, { subnets }) => sum + subnets.size, 0),
      pools,
    )
  })

t.test('docs/subnets.md: pods of a foreign kind request what the page says', async t => {
  const annotations = blocks.find(block => 'ipam.spidernet.io/subnet' in block)
  const ownerReferences = [
    { apiVersion: 'apps.kruise.io/v1alpha1', kind: 'CloneSet', name: 'c', uid: 'u', controller: true },
  ]
  t.match(demandOfPod({ metadata: { name: 'p', annotations, ownerReferences } } as unknown as Pod), {
    application: { size: 5 },
  })
})

t.test('docs/subnets.md lists the reasons of Events', async t => {
  const source = readFileSync(
    new URL('../../../daemons/controller/reconcilers/subnet/notice.ts', import.meta.url),
    'utf8',
  )
  const [, union = ''] = /readonly reason:([^\n]*(?:\n +\|[^\n]*)*)/.exec(source) ?? []
  const reasons = [...union.matchAll(/'(\w+)'/g)].map(([, reason]) => reason)
  const listed = [...page.matchAll(/^\| `(\w+)` +\| (?:old|app)/gm)].map(([, reason]) => reason)
  t.strictSame(listed.sort(), reasons.sort())
  t.ok(reasons.length > 0)
})

t.test('demandOptionsOf() reads the flexible number under either key', async t => {
  const [first = '', second = ''] = FLEXIBLE_KEYS
  const flexible = (raw: Conf['raw']): number => demandOptionsOf({ ...CONF_DEFAULT, raw }).flexible
  t.equal(flexible({}), 0)
  t.equal(flexible({ [first]: 2 }), 2)
  t.equal(flexible({ [second]: 3 }), 3)
  t.equal(flexible({ [second]: 3, [first]: 2 }), 2, 'the newer goes before')
  t.throws(() => flexible({ [second]: '3' }), /"3"; give a whole number/)
})
