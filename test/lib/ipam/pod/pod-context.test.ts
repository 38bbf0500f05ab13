// The pod context of ADD, and the pods that it refuses. On objects in memory.
import t from 'tap'
import type { Pod } from '../../../../lib/crd/types.js'
import { newEndpoint } from '../../../../lib/ipam/allocation/endpoint.js'
import { readPodContext, UNREAD, withEndpoint, type AddRequest } from '../../../../lib/ipam/pod/pod-context.js'
import { ALL_FEATURES } from '../../../../lib/ipam/store/retention.js'
import { claimantOf, Memory, outcomeOf } from '../../../fixtures/memory.js'

const podOf = (name: string, more: Partial<Pod['metadata']> = {}, rest: Omit<Pod, 'metadata'> = {}): Pod => ({
  metadata: { namespace: 'default', name, uid: `uid-${name}`, ...more },
  spec: { nodeName: 'n1' },
  ...rest,
})
const askOf = (name: string, more: Partial<AddRequest> = {}): AddRequest => ({
  ...{ pod: { namespace: 'default', name }, podUid: '', nic: 'eth0', containerID: `c-${name}` },
  ...{ conf: { ipv4: [], ipv6: [] }, cleanGateway: false, families: [4], agentNamespace: 'x', clusterNetwork: '' },
  features: { ...ALL_FEATURES, subnets: true },
  ...more,
})
const controller = (apiVersion: string, kind: string, name: string) => ({
  ownerReferences: [{ apiVersion, kind, name, uid: `uid-${name}`, controller: true }],
})
const scene = (pod?: Pod): Memory => {
  const memory = new Memory()
  if (pod) memory.pods.create(pod)
  return memory
}

const refused: readonly (readonly [of: string, pod: Pod | undefined, podUid: string, is: string])[] = [
  ['a pod that is not there', undefined, '', 'pod default/p (K8S_POD_NAMESPACE, K8S_POD_NAME) does not exist'],
  [
    'a pod of another UID',
    podOf('p'),
    'uid-old',
    'pod default/p has UID uid-p, not uid-old (K8S_POD_UID): it was replaced by a newer pod',
  ],
  [
    'a pod that is being deleted',
    podOf('p', { deletionTimestamp: 'x' }),
    'uid-p',
    'pod default/p is terminating or has ended; it gets no address',
  ],
]
for (const [of, pod, podUid, is] of refused)
  t.test(`readPodContext() refuses ${of}`, async t =>
    t.strictSame(await outcomeOf(readPodContext(askOf('p', { podUid }), scene(pod).direct())), is),
  )

const SET = controller('apps/v1', 'StatefulSet', 'web')
const VMI = controller('kubevirt.io/v1', 'VirtualMachineInstance', 'vm')
const MIRROR = { annotations: { 'kubernetes.io/config.mirror': 'uid-static' } }
const ALONE = { isRetained: undefined, apiUid: undefined }
const claims: readonly (readonly [of: string, pod: Pod, is: object, ask?: Partial<AddRequest>])[] = [
  ['a bare pod', podOf('p'), { uid: 'uid-p', record: 'p', owner: 'Pod p', ...ALONE }],
  [
    'a mirror pod',
    podOf('p', MIRROR),
    { uid: 'uid-static', record: 'p', owner: 'Pod p', isRetained: undefined, apiUid: 'uid-p' },
  ],
  [
    "a StatefulSet's pod",
    podOf('web-0', SET),
    { uid: 'uid-web-0', record: 'web-0', owner: 'StatefulSet web', isRetained: true, apiUid: undefined },
  ],
  [
    "a StatefulSet's pod where the feature is off",
    podOf('web-0', SET),
    { uid: 'uid-web-0', record: 'web-0', owner: 'StatefulSet web', ...ALONE },
    { features: { ...ALL_FEATURES, statefulSet: false, subnets: true } },
  ],
  [
    'a virtual machine',
    podOf('virt-launcher-vm-ab12z', VMI),
    {
      ...{ uid: 'uid-virt-launcher-vm-ab12z', record: 'vm', owner: 'VirtualMachineInstance vm' },
      ...{ isRetained: true, apiUid: undefined },
    },
  ],
]
for (const [of, pod, is, ask] of claims)
  t.test(`readPodContext() claims for ${of}`, async t => {
    const { claimant } = await readPodContext(askOf(pod.metadata.name, ask), scene(pod).direct())
    const { uid, record, owner, isRetained, apiUid } = claimant
    t.strictSame({ uid, record, owner: `${owner.kind} ${owner.name}`, isRetained, apiUid }, is)
    t.strictSame([claimant.node, claimant.containerID], ['n1', `c-${pod.metadata.name}`])
  })

const reads: readonly (readonly [of: string, pod: Pod])[] = [
  ['a pod whose name has no ordinal', podOf('p')],
  ['a bare pod whose name has one', podOf('web-0')],
  ["a StatefulSet's pod", podOf('web-0', SET)],
]
for (const [of, pod] of reads)
  t.test(`readPodContext() does not read the record of ${of}; withEndpoint() does`, async t => {
    const memory = scene(pod)
    const { name } = pod.metadata
    memory.endpoints.create(newEndpoint(claimantOf(name), [], true))
    const context = await readPodContext(askOf(name), memory.direct())
    t.strictSame([...memory.calls].sort(), [`pod ${name}`, 'reserved'])
    t.strictSame((await withEndpoint(context, memory.direct())).endpoint?.metadata.name, name)
    t.strictSame(memory.calls.slice(2), [`endpoint ${name}`])
  })

t.test('readPodContext() does not use a launcher’s record for its machine', async t => {
  const name = 'virt-launcher-vm-12345'
  const memory = scene(podOf(name, VMI))
  memory.endpoints.create(newEndpoint(claimantOf(name), [], true))
  const context = await readPodContext(askOf(name), memory.direct())
  t.strictSame(context.endpoint, UNREAD)
})

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const fresh: readonly (readonly [of: string, pod: Pod, is: boolean])[] = [
  ['a pod with one interface and no address', podOf('p'), true],
  ['a pod with an empty list of addresses', podOf('p', {}, { status: { podIPs: [] } }), true],
  ['a pod that had an address', podOf('p', {}, { status: { podIPs: [{ ip: '10.1.0.1' }] } }), false],
  ['a pod with two interfaces', podOf('p', { annotations: { [NETWORKS]: 'a' } }), false],
  ['a pod with ippools', podOf('p', { annotations: { 'ipam.spidernet.io/ippools': '[]' } }), false],
  ['a pod that inherits', podOf('web-0', SET), false],
]
for (const [of, pod, is] of fresh)
  t.test(`readPodContext() isFresh of ${of} is ${is}`, async t => {
    const context = await readPodContext(askOf(pod.metadata.name), scene(pod).direct())
    t.strictSame(context.isFresh, is)
  })
