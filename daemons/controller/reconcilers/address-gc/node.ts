// Whether a node still works, from its object and its heartbeat. Pure; is given the clock.
import type { ObjectMeta } from '../../../../lib/crd/types.js'
import type { NodeState } from './decide.js'

export interface ClusterNode {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly taints?: readonly { readonly key: string }[] }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** In namespace kube-node-lease, by the node's name: its kubelet renews it every ten seconds. */
export interface NodeLease {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly renewTime?: string }
}

/** Set by an administrator or a fencing agent, who vouch for it (Kubernetes: non-graceful node shutdown). */
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'
/** What the node controller waits for a heartbeat (kube-controller-manager --node-monitor-grace-period). */
export const HEARTBEAT_MS_MAX = 50_000

/** A node that no object tells of is not ready: it was removed, and its pods will be. */
export function stateOf(node: ClusterNode | undefined): NodeState {
  if (node === undefined) return 'notReady'
  if (node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true) return 'outOfService'
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True' ? 'ready' : 'notReady'
}

/** The heartbeat may stop before anybody has changed the node's condition. Without a lease the condition is all there is. */
export function withHeartbeat(state: NodeState, lease: NodeLease | undefined, nowMs: number): NodeState {
  const renewedMs = Date.parse(lease?.spec?.renewTime ?? '')
  return state === 'ready' && nowMs - renewedMs > HEARTBEAT_MS_MAX ? 'notReady' : state
}
