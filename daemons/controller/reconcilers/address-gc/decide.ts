// Whether an address is kept or released, from its pod, owner, node and record.
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../../../lib/crd/types.js'
import { parsePrefix } from '../../../../lib/ip/cidr.js'
import { isQuarantined } from '../../../../lib/ipam/allocation/conflict-quarantine.js'
import { addressesOf } from '../../../../lib/ipam/allocation/endpoint.js'
import { isOfContainer } from '../../../../lib/ipam/allocation/standalone-identity.js'
import { isOfPod } from '../../../../lib/ipam/store/pod.js'
import { parseIp } from '../../../../lib/ip/address.js'

/**
 * `outOfService`: an administrator has tainted it node.kubernetes.io/out-of-service; nothing runs
 * there.
 */
export type NodeState = 'ready' | 'notReady' | 'outOfService'

export interface GcRules {
  readonly onReadyNodes: boolean
  readonly onNotReadyNodes: boolean
  readonly runningWithoutAddress: boolean
  /** Added to every grace period. */
  readonly delayMs: number
  /**
   * Milliseconds that an address without a record is kept: an ADD creates its addresses first and
   * writes its record last, and may run as long as the kubelet waits for a sandbox.
   */
  readonly unrecordedMs: number
  /**
   * Milliseconds that are left to the DEL of a ready node; on any other node nothing releases the
   * address but the controller.
   */
  readonly releaseMs: number
}

export interface AddressContext {
  /** The pod of that name, of any UID. */
  readonly pod: Pod | undefined
  readonly node: NodeState
  readonly endpoint: SpiderEndpoint | undefined
  /** Addresses of the pod's interfaces, as Multus reports them. */
  readonly inUse: ReadonlySet<string>
  /**
   * `kept`: a StatefulSet or a virtual machine will use the address again; `ended`: it will not;
   * `none`: the owner keeps no identity.
   */
  readonly retention: 'none' | 'kept' | 'ended'
  /** Milliseconds since the address was created. */
  readonly ageMs: number
  /** A Node object has the address in its status. */
  readonly isOfNode: boolean
}

/** Why an address is released; its Event has reason `Reclaimed` and this. */
export type GcReason =
  | 'PodGone'
  | 'PodReplaced'
  | 'OwnerGone'
  | 'PodTerminating'
  | 'PodFinished'
  | 'NoPodIPs'
  | 'NotRecorded'
  | 'ConflictOver'

export type GcVerdict =
  { readonly kind: 'keep' } | { readonly kind: 'free'; readonly why: GcReason; readonly graceMs: number }

/**
 * Minimum time between two observations of the same reason: the cache may be between two watch
 * events.
 */
export const SIGHTING_MS = 1_000
/** Kubernetes' default grace period. */
const GRACE_SECONDS = 30

/**
 * Quarantine of an address that another host answered for; after it the next ADD probes the network
 * again. An address of a node stays in quarantine as long as the node has it.
 */
export const CONFLICT_MS = 600_000

const KEEP: GcVerdict = { kind: 'keep' }
const free = (why: GcReason, graceMs: number): GcVerdict => ({
  kind: 'free',
  why,
  graceMs: Math.max(SIGHTING_MS, graceMs),
})

/**
 * The verdict on one address. The grace period starts when the same `why` is first observed, by a
 * monotonic clock.
 */
export function gcVerdict(address: SpiderIPAddress, context: AddressContext, rules: GcRules): GcVerdict {
  const { pod } = context
  if (isQuarantined(address)) return context.isOfNode ? KEEP : free('ConflictOver', CONFLICT_MS + rules.delayMs)
  if (address.spec.pod.uid === '') return KEEP // created by a user: of no pod
  if (isOfContainer(address.spec)) return KEEP // only its host knows whether it runs (lib/ipam/pod/standalone-container.ts)
  if (pod === undefined || !isOfPod(address.spec.pod.uid, pod)) return verdictWithoutPod(address, context, rules)
  if (pod.metadata.deletionTimestamp !== undefined)
    return context.retention === 'kept' ? KEEP : whileEnding(pod, context, rules)
  if (isFinished(pod)) return context.retention === 'kept' ? KEEP : afterFinish(pod, context, rules)
  return whileAlive(address, pod, context, rules)
}

/** Whether the pod succeeded or failed. */
export const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/**
 * The pod that allocated it is gone. A newer pod of that name inherits what its record names; an
 * address that the record of either does not name is left over.
 */
function verdictWithoutPod(address: SpiderIPAddress, context: AddressContext, rules: GcRules): GcVerdict {
  const { delayMs, unrecordedMs } = rules
  const { pod, endpoint, retention, ageMs } = context
  const isOfNewer = pod !== undefined && isOfPod(endpoint?.status.current.uid ?? '', pod)
  const isOfItsPod = endpoint?.status.current.uid === address.spec.pod.uid
  if (retention === 'kept')
    return (isOfNewer || isOfItsPod) && !isRecorded(address, endpoint)
      ? free('NotRecorded', unrecordedMs + delayMs)
      : KEEP
  const why = retention === 'ended' ? 'OwnerGone' : pod ? 'PodReplaced' : 'PodGone'
  const isRecordComplete = endpoint?.status.current.uid === address.spec.pod.uid && isRecorded(address, endpoint)
  // The whole period, not the rest of it: the age grows while the reason is observed, and the sum
  // would be half of it.
  const isYoung = !isRecordComplete && ageMs < unrecordedMs
  return free(why, isYoung ? unrecordedMs + delayMs : releaseMs(context, rules) + delayMs)
}

/**
 * The switches concern pods without a stable identity. A pod that never had an address is released
 * on any node.
 */
function whileEnding(pod: Pod, context: AddressContext, rules: GcRules): GcVerdict {
  const { node, retention } = context
  if (node === 'outOfService') return free('PodTerminating', rules.delayMs)
  if (retention === 'none' && hasAddress(pod) && !mayOn(node, rules)) return KEEP
  const seconds = pod.metadata.deletionGracePeriodSeconds ?? GRACE_SECONDS
  return free('PodTerminating', seconds * 1000 + releaseMs(context, rules) + rules.delayMs)
}

function afterFinish(pod: Pod, context: AddressContext, rules: GcRules): GcVerdict {
  const { node, retention } = context
  if (retention === 'none' && !mayOn(node, rules)) return KEEP
  const seconds = pod.spec?.terminationGracePeriodSeconds ?? GRACE_SECONDS
  return free('PodFinished', seconds * 1000 + releaseMs(context, rules) + rules.delayMs)
}

function whileAlive(
  address: SpiderIPAddress,
  pod: Pod,
  { endpoint, inUse, retention }: AddressContext,
  rules: GcRules,
): GcVerdict {
  const isRunning = pod.status?.phase === 'Running'
  if (!isRunning) return KEEP
  if (!hasAddress(pod))
    return retention === 'none' && rules.runningWithoutAddress
      ? free('NoPodIPs', rules.unrecordedMs + rules.delayMs)
      : KEEP
  const hasRecord = isOfPod(endpoint?.status.current.uid ?? '', pod)
  if (!hasRecord || isRecorded(address, endpoint) || isInUse(address, pod, inUse)) return KEEP
  return free('NotRecorded', rules.unrecordedMs + rules.delayMs)
}

/** Milliseconds that are left to the node's own DEL. */
export const releaseMs = ({ node }: Pick<AddressContext, 'node'>, rules: Pick<GcRules, 'releaseMs'>): number =>
  node === 'ready' ? rules.releaseMs : 0

const mayOn = (node: NodeState, { onReadyNodes, onNotReadyNodes }: GcRules): boolean =>
  node === 'ready' ? onReadyNodes : onNotReadyNodes

const hasAddress = ({ status }: Pod): boolean => (status?.podIPs ?? []).length > 0

/**
 * Whether the record names the address. The interface is not compared: before CNI names it, the
 * record may have another name.
 */
export const isRecorded = ({ spec }: SpiderIPAddress, endpoint: SpiderEndpoint | undefined): boolean =>
  endpoint?.status.current.ips.some(nic => addressesOf(nic).some(({ address }) => address === spec.address)) ?? false

/** Whether the pod's status or Multus' annotation shows the address on an interface. */
export function isInUse({ spec }: SpiderIPAddress, pod: Pod, reported: ReadonlySet<string>): boolean {
  const ip = parsePrefix(spec.address)?.ip
  if (ip === undefined) return true // no IP address: left unchanged
  return reported.has(ip) || (pod.status?.podIPs ?? []).some(one => parseIp(one.ip) === ip)
}

/**
 * The addresses in `k8s.v1.cni.cncf.io/network-status` (`[{"name", "interface", "ips":
 * ["10.0.0.1"]}]`); malformed entries are skipped.
 */
export function addressesInUse(networkStatus: string | undefined): ReadonlySet<string> {
  const found = new Set<string>()
  if (networkStatus === undefined) return found
  for (const entry of listIn(networkStatus))
    for (const text of Array.isArray(entry['ips']) ? (entry['ips'] as readonly unknown[]) : []) {
      const ip = typeof text === 'string' ? parseIp(text) : undefined
      if (ip !== undefined) found.add(ip)
    }
  return found
}

type Fields = Readonly<Record<string, unknown>>

function listIn(text: string): readonly Fields[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.filter((one): one is Fields => typeof one === 'object' && one !== null) : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}
