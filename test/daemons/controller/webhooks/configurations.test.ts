// webhookConfigurations(), and the caBundle in one.
import t from 'tap'
import {
  trusting,
  trusts,
  webhookConfigurations,
  type Installation,
} from '../../../../daemons/controller/webhooks/configurations.js'

const installation: Installation = {
  name: 'spiderpool-controller',
  namespace: 'spiderpool',
  port: 5722,
  without: [],
  pods: undefined,
  hasMatchConditions: false,
}
interface Read {
  readonly kind: string
  readonly webhooks: readonly {
    readonly name: string
    readonly clientConfig: { readonly service: { readonly path: string } }
    readonly rules: readonly { readonly operations: readonly string[]; readonly resources: readonly string[] }[]
  }[]
}
const read = (more: Partial<Installation> = {}): readonly Read[] =>
  webhookConfigurations({ ...installation, ...more }) as unknown as readonly Read[]
const lines = ({ webhooks }: Read): readonly string[] =>
  webhooks.map(
    ({ name, clientConfig, rules: [rule] }) =>
      `${name} ${clientConfig.service.path} ${rule?.resources} ${rule?.operations}`,
  )
const MUTATE = '/mutate-spiderpool-spidernet-io-v2beta1'
const VALIDATE = '/validate-spiderpool-spidernet-io-v2beta1'

t.test('webhookConfigurations() has the documented paths, kinds and operations', t => {
  const [mutating, validating] = read()
  t.equal(mutating?.kind, 'MutatingWebhookConfiguration')
  t.strictSame(mutating && lines(mutating), [
    `spidersubnet.spiderpool.spidernet.io ${MUTATE}-spidersubnet spidersubnets CREATE,UPDATE`,
    `spiderippool.spiderpool.spidernet.io ${MUTATE}-spiderippool spiderippools CREATE,UPDATE`,
    `spiderreservedip.spiderpool.spidernet.io ${MUTATE}-spiderreservedip spiderreservedips CREATE,UPDATE`,
    `spidercoordinator.spiderpool.spidernet.io ${MUTATE}-spidercoordinator spidercoordinators CREATE,UPDATE`,
    `spidermultusconfig.spiderpool.spidernet.io ${MUTATE}-spidermultusconfig spidermultusconfigs CREATE,UPDATE`,
  ])
  t.equal(validating?.kind, 'ValidatingWebhookConfiguration')
  t.strictSame(validating && lines(validating), [
    `spidersubnet.spiderpool.spidernet.io ${VALIDATE}-spidersubnet spidersubnets CREATE,UPDATE,DELETE`,
    `spiderippool.spiderpool.spidernet.io ${VALIDATE}-spiderippool spiderippools CREATE,UPDATE,DELETE`,
    `spiderreservedip.spiderpool.spidernet.io ${VALIDATE}-spiderreservedip spiderreservedips CREATE,UPDATE`,
    `spidercoordinator.spiderpool.spidernet.io ${VALIDATE}-spidercoordinator spidercoordinators CREATE,UPDATE`,
    `spidermultusconfig.spiderpool.spidernet.io ${VALIDATE}-spidermultusconfig spidermultusconfigs CREATE,UPDATE`,
  ])
  t.end()
})

t.test('webhookConfigurations() fail closed, without side effects, at the Service', t => {
  for (const { webhooks } of read())
    for (const webhook of webhooks)
      t.match(webhook, {
        ...{ failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 10 },
        clientConfig: { service: { name: 'spiderpool-controller', namespace: 'spiderpool', port: 5722 } },
      })
  t.end()
})

t.test('webhookConfigurations() leaves out excluded kinds', t => {
  for (const one of read({ without: ['spidercoordinators', 'spidermultusconfigs'] })) t.equal(one.webhooks.length, 3)
  t.end()
})

interface PodWebhook {
  readonly name: string
  readonly failurePolicy: string
  readonly matchConditions?: readonly { readonly expression: string }[]
  readonly namespaceSelector: {
    readonly matchExpressions: readonly { readonly operator: string; readonly values: readonly string[] }[]
  }
}
const podWebhooks = (pods: NonNullable<Installation['pods']>, hasMatchConditions = false): readonly PodWebhook[] => {
  const [mutating] = read({ pods, hasMatchConditions })
  return (mutating?.webhooks.filter(({ rules: [rule] }) => rule?.resources[0] === 'pods') ??
    []) as unknown as readonly PodWebhook[]
}
const ANNOTATED =
  "has(object.metadata.annotations) && ('cni.spidernet.io/rdma-resource-inject' in object.metadata.annotations || 'cni.spidernet.io/network-resource-inject' in object.metadata.annotations)"

t.test('podWebhooks() exclude our own namespace and the cluster’s own ones', t => {
  const [only, ...others] = podWebhooks({ exclude: ['mine'], include: ['apps', 'monitoring'] })
  t.strictSame(others, [])
  t.match(only, {
    name: 'pods.spiderpool.spidernet.io',
    clientConfig: { service: { path: '/mutate--v1-pod' } },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    objectSelector: {
      matchExpressions: [{ key: 'app.kubernetes.io/component', operator: 'NotIn', values: ['spiderpool-controller'] }],
    },
  })
  const [not, only_] = only?.namespaceSelector.matchExpressions ?? []
  for (const name of ['mine', 'spiderpool', 'kube-system', 'calico-system', 'rook-ceph', 'prometheus'])
    t.ok(not?.values.includes(name), name)
  t.notOk(not?.values.includes('monitoring'), 'a namespace included by name is not excluded')
  t.strictSame(only_, { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['apps', 'monitoring'] })
  t.end()
})

t.test('podWebhooks(): an unreachable controller stops no pod that chooses no networks', t => {
  const pods = { exclude: [], include: [] }
  t.match(podWebhooks(pods), [{ failurePolicy: 'Ignore' }], 'an API server before 1.30')
  t.equal(podWebhooks(pods)[0]?.matchConditions, undefined)
  t.match(podWebhooks(pods, true), [
    { name: 'pods.spiderpool.spidernet.io', failurePolicy: 'Fail', matchConditions: [{ expression: ANNOTATED }] },
    {
      name: 'namespaces.spiderpool.spidernet.io',
      failurePolicy: 'Ignore',
      matchConditions: [{ expression: `!(${ANNOTATED})` }],
    },
  ])
  t.end()
})

t.test('trusting() sets the CA in every webhook, and trusts() requires it in every one', t => {
  const clientConfig = { service: { name: 's', namespace: 'n' } }
  const configuration = {
    metadata: { name: 'c' },
    webhooks: [
      { name: 'a', clientConfig },
      { name: 'b', clientConfig: { ...clientConfig, caBundle: 'X' } },
    ],
  }
  t.equal(trusts(configuration, 'X'), false)
  const made = trusting(configuration, 'X')
  t.equal(trusts(made, 'X'), true)
  t.strictSame(
    made.webhooks?.map(webhook => webhook.clientConfig),
    [
      { ...clientConfig, caBundle: 'X' },
      { ...clientConfig, caBundle: 'X' },
    ],
  )
  t.end()
})
