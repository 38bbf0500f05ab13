// The webhook configurations that are printed for kubectl, and how a CA comes into one.
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

t.test('paths, kinds and operations are the documented ones', t => {
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

t.test('each fails closed, without side effects, at the Service', t => {
  for (const { webhooks } of read())
    for (const webhook of webhooks)
      t.match(webhook, {
        ...{ failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 10 },
        clientConfig: { service: { name: 'spiderpool-controller', namespace: 'spiderpool', port: 5722 } },
      })
  t.end()
})

t.test('kinds that the installation leaves alone are left out', t => {
  for (const one of read({ without: ['spidercoordinators', 'spidermultusconfigs'] })) t.equal(one.webhooks.length, 3)
  t.end()
})

t.test('pods are asked about where they choose networks, and never in our own namespace', t => {
  const [mutating] = read({ pods: { exclude: ['kube-system'], include: ['apps'] } })
  t.match(mutating?.webhooks.at(-1), {
    name: 'pods.spiderpool.spidernet.io',
    clientConfig: { service: { path: '/mutate--v1-pod' } },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    namespaceSelector: {
      matchExpressions: [
        { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'spiderpool'] },
        { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['apps'] },
      ],
    },
    objectSelector: {
      matchExpressions: [{ key: 'app.kubernetes.io/component', operator: 'NotIn', values: ['spiderpool-controller'] }],
    },
  })
  t.end()
})

t.test('a CA goes into every webhook, and is there only where every one has it', t => {
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
