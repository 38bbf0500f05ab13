// nodePolicy(): what it matches and allows, and that deploy/node-policy.yaml is its output.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { nodePolicy } from '../../../../daemons/controller/webhooks/node-policy.js'
import { manifestsIn } from '../../../fixtures/rights.js'

interface Policy {
  readonly spec: {
    readonly failurePolicy: string
    readonly matchConstraints: {
      readonly resourceRules: readonly [
        { readonly operations: readonly string[]; readonly resources: readonly string[] },
      ]
    }
    readonly matchConditions: readonly [{ readonly expression: string }]
    readonly variables: readonly { readonly name: string; readonly expression: string }[]
    readonly validations: readonly { readonly expression: string }[]
  }
}
const items = nodePolicy({ namespace: 'kube-system', account: 'spiderpool-agent' })
const [policy, binding] = items as unknown as [
  Policy,
  { readonly spec: object; readonly metadata: { readonly name: string } },
]

t.test('deploy/node-policy.yaml is the output of nodePolicy()', async t => {
  const objects = parseAllDocuments(readFileSync('deploy/node-policy.yaml', 'utf8')).map(one => one.toJS() as object)
  t.strictSame(objects, items)
})

t.test('nodePolicy() matches the DaemonSet’s account and every write to its kinds', async t => {
  const { matchConstraints, matchConditions, failurePolicy } = policy.spec
  const daemonSet = manifestsIn('deploy/spiderpool.yaml').find(({ kind }) => kind === 'DaemonSet') as unknown as {
    metadata: { namespace: string }
    spec: { template: { spec: { serviceAccountName: string } } }
  }
  const account = `system:serviceaccount:${daemonSet.metadata.namespace}:${daemonSet.spec.template.spec.serviceAccountName}`
  t.equal(matchConditions[0].expression, `request.userInfo.username == '${account}'`)
  t.equal(failurePolicy, 'Fail')
  const [{ operations, resources }] = matchConstraints.resourceRules
  t.strictSame([...operations].sort(), ['CREATE', 'DELETE', 'UPDATE'])
  for (const name of ['spideripaddresses', 'spiderendpoints'])
    for (const all of [name, `${name}/*`]) t.ok(resources.includes(all), all)
  t.match(binding, { spec: { policyName: binding.metadata.name, validationActions: ['Deny'] } })
})

type Fields = Readonly<Record<string, unknown>>
interface Write {
  readonly resource: string
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly object?: Fields
  readonly oldObject?: Fields
  readonly claim?: string
}

/**
 * The CEL expressions are valid JavaScript too, except for `has`, `in` of a list and of a map, and
 * `==`.
 */
function isAllowed({ resource, operation, object, oldObject, claim }: Write): boolean {
  const extra = claim === undefined ? undefined : { 'authentication.kubernetes.io/node-name': [claim] }
  const request = { operation, resource: { resource }, userInfo: { username: 'x', extra } }
  const variables: Record<string, unknown> = {}
  const evaluate = (cel: string): unknown => {
    const script = cel
      .replace(/has\(([^)]+)\)/g, '($1 !== undefined)')
      .replace(/(\S+) in (\[[^\]]*\])/g, '$2.includes($1)')
      .replaceAll(' == ', ' === ')
      .replaceAll(' != ', ' !== ')
    return (
      new Function('request', 'object', 'oldObject', 'variables', `return ${script}`) as (...all: unknown[]) => unknown
    )(request, object, oldObject, variables)
  }
  for (const { name, expression } of policy.spec.variables) variables[name] = evaluate(expression)
  return policy.spec.validations.every(({ expression }) => evaluate(expression) === true)
}

const address = (node: string | undefined, kind = 'ReplicaSet'): Fields => ({
  spec: { ...(node !== undefined && { node }), owner: { kind } },
})
const record = (node: string, kind = 'ReplicaSet'): Fields => ({
  status: { current: { node }, ownerControllerType: kind },
})
const [ADDRESSES, ENDPOINTS] = ['spideripaddresses', 'spiderendpoints'] as const
const CASES: readonly (readonly [what: string, write: Write, isFine: boolean])[] = [
  [
    'its own address is created',
    { resource: ADDRESSES, operation: 'CREATE', object: address('n1'), claim: 'n1' },
    true,
  ],
  ['another node’s is not', { resource: ADDRESSES, operation: 'CREATE', object: address('n2'), claim: 'n1' }, false],
  [
    'one of no node is not',
    { resource: ADDRESSES, operation: 'CREATE', object: address(undefined), claim: 'n1' },
    false,
  ],
  ['its own is deleted', { resource: ADDRESSES, operation: 'DELETE', oldObject: address('n1'), claim: 'n1' }, true],
  [
    'another node’s is not deleted',
    { resource: ADDRESSES, operation: 'DELETE', oldObject: address('n2'), claim: 'n1' },
    false,
  ],
  [
    'a StatefulSet’s moves here',
    {
      resource: ADDRESSES,
      operation: 'UPDATE',
      object: address('n1', 'StatefulSet'),
      oldObject: address('n2', 'StatefulSet'),
      claim: 'n1',
    },
    true,
  ],
  [
    'a Deployment’s does not',
    { resource: ADDRESSES, operation: 'UPDATE', object: address('n1'), oldObject: address('n2'), claim: 'n1' },
    false,
  ],
  [
    'nothing moves elsewhere',
    {
      resource: ADDRESSES,
      operation: 'UPDATE',
      object: address('n2', 'StatefulSet'),
      oldObject: address('n1', 'StatefulSet'),
      claim: 'n1',
    },
    false,
  ],
  ['its own record is created', { resource: ENDPOINTS, operation: 'CREATE', object: record('n1'), claim: 'n1' }, true],
  [
    'another node’s record is not',
    { resource: ENDPOINTS, operation: 'CREATE', object: record('n2'), claim: 'n1' },
    false,
  ],
  [
    'its own record is deleted',
    { resource: ENDPOINTS, operation: 'DELETE', oldObject: record('n1'), claim: 'n1' },
    true,
  ],
  [
    'another node’s record is not deleted',
    { resource: ENDPOINTS, operation: 'DELETE', oldObject: record('n2'), claim: 'n1' },
    false,
  ],
  [
    'a virtual machine’s record moves here',
    {
      resource: ENDPOINTS,
      operation: 'UPDATE',
      object: record('n1', 'VirtualMachineInstance'),
      oldObject: record('n2', 'VirtualMachineInstance'),
      claim: 'n1',
    },
    true,
  ],
  [
    'a bare pod’s record moves here',
    {
      resource: ENDPOINTS,
      operation: 'UPDATE',
      object: record('n1', 'Pod'),
      oldObject: record('n2', 'Pod'),
      claim: 'n1',
    },
    true,
  ],
  [
    'a bare pod’s address does not',
    {
      resource: ADDRESSES,
      operation: 'UPDATE',
      object: address('n1', 'Pod'),
      oldObject: address('n2', 'Pod'),
      claim: 'n1',
    },
    false,
  ],
  ['a token without a node writes nothing', { resource: ADDRESSES, operation: 'CREATE', object: address('n1') }, false],
]
for (const [what, write, isFine] of CASES) t.test(`nodePolicy(): ${what}`, async t => t.equal(isAllowed(write), isFine))
