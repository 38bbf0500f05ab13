// Which CRDs of a cluster the controller replaces, as a table.
import t from 'tap'
import { ANNOTATION_CRD_VERSION, crdPlan, type Crd } from '../../../../daemons/controller/crds/decide.js'

const crd = (more: Partial<Crd['spec']> = {}): Crd => ({
  metadata: { name: 'spiderippools.spiderpool.spidernet.io', annotations: { own: '1' } },
  spec: {
    group: 'spiderpool.spidernet.io',
    versions: [{ name: 'v2beta1', schema: { properties: { a: { type: 'string' } } } }],
    ...more,
  },
})
const existing = (one: Crd, metadata: object = {}, storedVersions = ['v2beta1']): Crd => ({
  metadata: { ...one.metadata, resourceVersion: '7', labels: { of: 'helm' }, ...metadata },
  spec: { ...one.spec, ...{ conversion: { strategy: 'None' } } },
  status: { storedVersions },
})
const other = crd({ versions: [{ name: 'v2beta1', schema: { properties: {} } }] })
const wider = crd({
  versions: [{ name: 'v2beta1', schema: { properties: { a: { type: 'string' }, b: { type: 'string' } } } }],
})
const column = crd({
  versions: [
    { name: 'v2beta1', schema: { properties: { a: { type: 'string' } } }, additionalPrinterColumns: [{ name: 'X' }] },
  ],
})
const written = (version: string): object => ({ annotations: { [ANNOTATION_CRD_VERSION]: version } })
const foreign = crd({ group: 'k8s.cni.cncf.io' })

const rows: readonly (readonly [string, Crd, Crd | undefined, object])[] = [
  ['of a missing CRD creates it', crd(), undefined, { kind: 'create' }],
  ['of an equal one with the API server’s defaults does nothing', crd(), existing(crd()), { kind: 'current' }],
  ['of one with a smaller schema replaces it', crd(), existing(other), { kind: 'replace' }],
  ['of one with a larger schema replaces it', crd(), existing(wider), { kind: 'replace' }],
  ['of one with other columns replaces it', column, existing(crd()), { kind: 'replace' }],
  ['of one of an older build replaces it', crd(), existing(other, written('0.9.1')), { kind: 'replace' }],
  ['of one of the same build replaces it', crd(), existing(other, written('1.2.3')), { kind: 'replace' }],
  ['of one of a newer build leaves it', crd(), existing(other, written('1.10.0')), { kind: 'left' }],
  ['of one with an unknown stored version leaves it', crd(), existing(other, {}, ['v3', 'v2beta1']), { kind: 'left' }],
  ['of another project creates it', foreign, undefined, { kind: 'create' }],
  ['of another project never updates it', foreign, existing(other), { kind: 'current' }],
]
for (const [title, own, there, expected] of rows)
  t.test(`crdPlan() ${title}`, t => {
    t.match(crdPlan(own, there, '1.2.3'), expected)
    t.end()
  })

t.test('crdPlan() keeps labels and the resourceVersion of the CRD that it replaces', t => {
  const plan = crdPlan(crd(), existing(other), '1.2.3')
  t.match(plan, {
    crd: {
      metadata: {
        labels: { of: 'helm' },
        resourceVersion: '7',
        annotations: { own: '1', [ANNOTATION_CRD_VERSION]: '1.2.3' },
      },
    },
  })
  t.end()
})
