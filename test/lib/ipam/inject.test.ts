// ADD refuses a pod with a network inject annotation that the webhook did not process.
import t from 'tap'
import { requireInjected } from '../../../lib/ipam/pools/annotations.js'

const [RDMA, NETWORK] = ['cni.spidernet.io/rdma-resource-inject', 'cni.spidernet.io/network-resource-inject'] as const
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'

const CASES: readonly (readonly [
  what: string,
  annotations: Record<string, string> | undefined,
  refused: RegExp | undefined,
])[] = [
  ['a pod without annotations', undefined, undefined],
  ['a pod that chooses nothing', { [RDMA]: '' }, undefined],
  ['a pod that the webhook processed', { [RDMA]: 'gpu', [NETWORKS]: 'a/b' }, undefined],
  [
    'a pod with RDMA inject that the webhook did not process',
    { [RDMA]: 'gpu' },
    /rdma-resource-inject is "gpu".*has no annotation k8s\.v1\.cni\.cncf\.io\/networks/,
  ],
  [
    'a pod with network inject that the webhook did not process',
    { [NETWORK]: 'x' },
    /network-resource-inject is "x".*delete it once/,
  ],
]
for (const [what, annotations, refused] of CASES)
  t.test(`requireInjected(): ${what}`, async t => {
    const call = (): void => requireInjected({ metadata: { name: 'p', ...(annotations && { annotations }) } })
    if (refused) t.throws(call, { message: refused, refusal: 'wrongInput' })
    else t.doesNotThrow(call)
  })
