// Whether a node is ready, from its conditions and its Lease. The clock is an argument.
import { parseIp, type Ip } from '../../../../lib/ip/address.js'
import type { ObjectMeta } from '../../../../lib/crd/types.js'
import type { NodeState } from './decide.js'

export interface ClusterNode {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly taints?: readonly { readonly key: string }[] }
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly addresses?: readonly { readonly type: string; readonly address: string }[]
  }
}

/** The node's Lease in namespace kube-node-lease; its kubelet renews it every ten seconds. */
export interface NodeLease {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly renewTime?: string }
}

/** Set by an administrator or a fencing agent (Kubernetes: non-graceful node shutdown). */
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'
/**
 * How long the node controller waits for a heartbeat (kube-controller-manager
 * --node-monitor-grace-period).
 */
export const HEARTBEAT_MS_MAX = 50_000

/** The IP addresses that the kubelet reports; host names are skipped. */
export const ipsOfNode = ({ status }: ClusterNode): readonly Ip[] =>
  (status?.addresses ?? []).flatMap(({ address }) => parseIp(address) ?? [])

/** The node's state. A node without an object was removed and is not ready. */
export function stateOf(node: ClusterNode | undefined): NodeState {
  if (node === undefined) return 'notReady'
  if (node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true) return 'outOfService'
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True' ? 'ready' : 'notReady'
}

/**
 * `notReady` for a ready node whose heartbeat is too old: it may stop before the node's condition
 * changes. Without a Lease the condition decides.
 */
export function withHeartbeat(state: NodeState, lease: NodeLease | undefined, nowMs: number): NodeState {
  const renewedMs = Date.parse(lease?.spec?.renewTime ?? '')
  return state === 'ready' && nowMs - renewedMs > HEARTBEAT_MS_MAX ? 'notReady' : state
}
