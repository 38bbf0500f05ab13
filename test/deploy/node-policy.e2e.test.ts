// deploy/node-policy.yaml on an API server that evaluates it: a node writes its own objects only.
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { restOf, type Answer } from '../fixtures/rest.js'
import { manifestsIn } from '../fixtures/rights.js'

const ADDRESSES = '/apis/spiderpool.spidernet.io/v2beta1/spideripaddresses'
const REGISTRATION = '/apis/admissionregistration.k8s.io/v1'
const POLICIES = 'validatingadmissionpolicies'
const KINDS: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: POLICIES,
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
}
/** An API server takes up a policy and its binding within a second or two. */
const LATE_MS = 20_000

const server = await startApiserver()
const rest = restOf(server.kubeconfig)
t.teardown(async () => {
  for (const [name] of addresses) await rest.ask('DELETE', `${ADDRESSES}/${name}`)
  for (const { kind, metadata } of manifests)
    await rest.ask('DELETE', `${REGISTRATION}/${KINDS[kind] ?? ''}/${metadata.name}`)
  rest.close()
  await server.stop()
})

const manifests = manifestsIn('deploy/node-policy.yaml')
const addresses: readonly (readonly [name: string, node: string, ownerKind: string])[] = [
  ['10.201.0.1', 'n1', 'Deployment'],
  ['10.201.0.2', 'n2', 'Deployment'],
  ['10.201.0.3', 'n2', 'StatefulSet'],
]
const objectOf = ([name, node, ownerKind]: (typeof addresses)[number]) => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPAddress',
  metadata: { name },
  spec: {
    ...{ address: `${name}/16`, ipVersion: 4, pool: 'p', nic: 'eth0', node, containerID: 'c' },
    pod: { namespace: 'default', name: 'x', uid: 'u' },
    owner: { apiVersion: 'apps/v1', kind: ownerKind, name: 'o' },
  },
})

/** As the DaemonSet's pod of a node, whose bound token carries the node's name. */
const asNode = (node: string | undefined): Readonly<Record<string, string>> => ({
  'Impersonate-User': 'system:serviceaccount:kube-system:spiderpool-agent',
  'Impersonate-Group': 'system:masters',
  ...(node !== undefined && { 'Impersonate-Extra-authentication.kubernetes.io%2Fnode-name': node }),
})

const served = await rest.ask('GET', `${REGISTRATION}/${POLICIES}`)

type Write = readonly [what: string, node: string | undefined, act: () => Promise<Answer>, status: number]

const create = (at: number, node?: string): Promise<Answer> => {
  const address = addresses[at]
  if (!address) throw new RangeError(`address ${at}`)
  return rest.ask('POST', ADDRESSES, { body: objectOf(address), headers: asNode(node) })
}
const remove = (at: number, node?: string): Promise<Answer> =>
  rest.ask('DELETE', `${ADDRESSES}/${addresses[at]?.[0] ?? ''}`, { headers: asNode(node) })

const WRITES: readonly Write[] = [
  ['creates an object of its own', 'n1', () => create(0, 'n1'), 201],
  ['creates an object of another node', 'n1', () => create(1, 'n1'), 403],
  ['with a token that names no node creates an object', undefined, () => create(1), 403],
  ['deletes an object of another node', 'n1', () => remove(1, 'n1'), 403],
  ['deletes an object of its own', 'n1', () => remove(0, 'n1'), 200],
  ['deletes what a StatefulSet’s pod had on another node', 'n1', () => remove(2, 'n1'), 200],
]

if (served.status !== 200)
  t.test('a node writes its own objects only', { skip: 'the API server serves no ValidatingAdmissionPolicy' }, t =>
    t.end(),
  )
else {
  for (const { kind, ...rest_ } of manifests) {
    const made = await rest.ask('POST', `${REGISTRATION}/${KINDS[kind] ?? ''}`, { body: { kind, ...rest_ } })
    if (made.status !== 201) throw new Error(`${kind}: ${JSON.stringify(made.body)}`)
  }
  for (const address of addresses.slice(1)) await rest.ask('POST', ADDRESSES, { body: objectOf(address) })
  const until = Date.now() + LATE_MS
  while ((await remove(1, 'n1')).status !== 403 && Date.now() < until) {
    const [, other] = addresses
    if (other) await rest.ask('POST', ADDRESSES, { body: objectOf(other) })
    await new Promise(done => setTimeout(done, 200))
  }
  for (const [what, node, act, status] of WRITES)
    t.test(`node ${node ?? 'unknown'} ${what}: ${status}`, async t => {
      const answer = await act()
      t.equal(answer.status, status, JSON.stringify(answer.body))
    })
}
