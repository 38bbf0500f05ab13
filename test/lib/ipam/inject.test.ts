// ADD refuses a pod with a network inject annotation that the webhook did not process.
import t from 'tap'
import { Refused } from '../../../lib/ipam/errors.js'
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
function refusalOf(call: () => void): string {
  try {
    call()
    return ''
  } catch (error) {
    return error instanceof Refused && error.refusal === 'wrongInput' ? error.message : String(error)
  }
}

for (const [what, annotations, refused] of CASES)
  t.test(`requireInjected(): ${what}`, async t => {
    const call = (): void => requireInjected({ metadata: { name: 'p', ...(annotations && { annotations }) } })
    t.match(refusalOf(call), refused ?? /^$/)
  })
