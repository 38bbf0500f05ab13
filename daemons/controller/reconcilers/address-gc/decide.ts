// Whether an address stays with its pod: from the pod, whoever keeps the pod's identity, its node and its record. Pure; knows no API server.
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../../../lib/crd/types.js'
import { parsePrefix } from '../../../../lib/ip/cidr.js'
import { isQuarantined } from '../../../../lib/ipam/allocation/quarantine.js'
import { addressesOf } from '../../../../lib/ipam/allocation/endpoint.js'
import { isOfContainer } from '../../../../lib/ipam/allocation/container-id.js'
import { isOfPod } from '../../../../lib/ipam/store/pod.js'
import { parseIp } from '../../../../lib/ip/address.js'

/** `outOfService`: somebody who knows has marked it so (taint node.kubernetes.io/out-of-service); nothing runs there. */
export type NodeState = 'ready' | 'notReady' | 'outOfService'

export interface GcRules {
  readonly onReadyNodes: boolean
  readonly onNotReadyNodes: boolean
  readonly runningWithoutAddress: boolean
  /** Added to every grace. */
  readonly delayMs: number
  /**
   * An ADD takes its addresses first and writes its record last, and may be at it for as long as the kubelet waits for a sandbox.
   * Until then, what no record names is not left over.
   */
  readonly unrecordedMs: number
  /**
   * On a node that is ready the DEL of a pod that is gone comes, or is under way: what it is about to free is left to it for so long. On
   * any other node nothing frees it.
   */
  readonly releaseMs: number
}

export interface AddressContext {
  /** The pod that has the name, whatever its UID. */
  readonly pod: Pod | undefined
  readonly node: NodeState
  readonly endpoint: SpiderEndpoint | undefined
  /** Addresses that Multus says the pod's NICs have. */
  readonly inUse: ReadonlySet<string>
  /** `kept`: a StatefulSet or a virtual machine will use it again; `ended`: it will not; `none`: the pod is nobody's in particular. */
  readonly keeper: 'none' | 'kept' | 'ended'
  /** Since the address was created. */
  readonly ageMs: number
}

/** Why an address is freed; the reason of its Event begins with `Reclaimed`. */
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

/** Between two sightings: what was seen once may be a cache between two events. */
export const SIGHTING_MS = 1_000
/** Where a pod says none: Kubernetes' own default. */
const GRACE_SECONDS = 30

/** An address that another host had is tried again after this long: whoever gets it asks the network anew. */
export const CONFLICT_MS = 600_000

const KEEP: GcVerdict = { kind: 'keep' }
const free = (why: GcReason, graceMs: number): GcVerdict => ({
  kind: 'free',
  why,
  graceMs: Math.max(SIGHTING_MS, graceMs),
})

/** The grace counts from the first sighting of the same `why`, by a monotonic clock. */
export function gcVerdict(address: SpiderIPAddress, context: AddressContext, rules: GcRules): GcVerdict {
  const { pod } = context
  if (isQuarantined(address)) return free('ConflictOver', CONFLICT_MS + rules.delayMs)
  if (address.spec.pod.uid === '') return KEEP // somebody's own object: not of a pod
  if (isOfContainer(address.spec)) return KEEP // only its host knows whether it runs (lib/ipam/pod/container.ts)
  if (pod === undefined || !isOfPod(address.spec.pod.uid, pod)) return verdictWithoutPod(address, context, rules)
  if (pod.metadata.deletionTimestamp !== undefined)
    return context.keeper === 'kept' ? KEEP : whileEnding(pod, context, rules)
  if (isFinished(pod)) return context.keeper === 'kept' ? KEEP : afterFinish(pod, context, rules)
  return whileAlive(address, pod, context, rules)
}

export const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** The pod that took it is gone. A younger pod of the name takes over what a record gives it; what that record leaves out is left over. */
function verdictWithoutPod(address: SpiderIPAddress, context: AddressContext, rules: GcRules): GcVerdict {
  const { delayMs, unrecordedMs } = rules
  const { pod, endpoint, keeper, ageMs } = context
  const isOfYounger = pod !== undefined && isOfPod(endpoint?.status.current.uid ?? '', pod)
  if (keeper === 'kept')
    return isOfYounger && !isRecorded(address, endpoint) ? free('NotRecorded', unrecordedMs + delayMs) : KEEP
  const why = keeper === 'ended' ? 'OwnerGone' : pod ? 'PodReplaced' : 'PodGone'
  const isWhole = endpoint?.status.current.uid === address.spec.pod.uid && isRecorded(address, endpoint)
  // Not the rest of its time: the age grows while the sighting stays, and the two together would come to half of it.
  const isYoung = !isWhole && ageMs < unrecordedMs
  return free(why, isYoung ? unrecordedMs + delayMs : releaseMs(context, rules) + delayMs)
}

/** The switches are of pods without a stable identity. A pod that never had an address is freed whatever its node. */
function whileEnding(pod: Pod, context: AddressContext, rules: GcRules): GcVerdict {
  const { node, keeper } = context
  if (node === 'outOfService') return free('PodTerminating', rules.delayMs)
  if (keeper === 'none' && hasAddress(pod) && !mayOn(node, rules)) return KEEP
  const seconds = pod.metadata.deletionGracePeriodSeconds ?? GRACE_SECONDS
  return free('PodTerminating', seconds * 1000 + releaseMs(context, rules) + rules.delayMs)
}

function afterFinish(pod: Pod, context: AddressContext, rules: GcRules): GcVerdict {
  const { node, keeper } = context
  if (keeper === 'none' && !mayOn(node, rules)) return KEEP
  const seconds = pod.spec?.terminationGracePeriodSeconds ?? GRACE_SECONDS
  return free('PodFinished', seconds * 1000 + releaseMs(context, rules) + rules.delayMs)
}

function whileAlive(
  address: SpiderIPAddress,
  pod: Pod,
  { endpoint, inUse, keeper }: AddressContext,
  rules: GcRules,
): GcVerdict {
  const isRunning = pod.status?.phase === 'Running'
  if (!isRunning) return KEEP
  if (!hasAddress(pod))
    return keeper === 'none' && rules.runningWithoutAddress
      ? free('NoPodIPs', rules.unrecordedMs + rules.delayMs)
      : KEEP
  const hasRecord = isOfPod(endpoint?.status.current.uid ?? '', pod)
  if (!hasRecord || isRecorded(address, endpoint) || isInUse(address, pod, inUse)) return KEEP
  return free('NotRecorded', rules.unrecordedMs + rules.delayMs)
}

/** What the node's own DEL is given, milliseconds. */
export const releaseMs = ({ node }: Pick<AddressContext, 'node'>, rules: Pick<GcRules, 'releaseMs'>): number =>
  node === 'ready' ? rules.releaseMs : 0

const mayOn = (node: NodeState, { onReadyNodes, onNotReadyNodes }: GcRules): boolean =>
  node === 'ready' ? onReadyNodes : onNotReadyNodes

const hasAddress = ({ status }: Pod): boolean => (status?.podIPs ?? []).length > 0

/** By address alone: before CNI names it, a NIC's record may have another name than the address says. */
export const isRecorded = ({ spec }: SpiderIPAddress, endpoint: SpiderEndpoint | undefined): boolean =>
  endpoint?.status.current.ips.some(nic => addressesOf(nic).some(({ address }) => address === spec.address)) ?? false

/** The pod's status or Multus' annotation shows it on a NIC. */
export function isInUse({ spec }: SpiderIPAddress, pod: Pod, shown: ReadonlySet<string>): boolean {
  const ip = parsePrefix(spec.address)?.ip
  if (ip === undefined) return true // not an address of ours: leave it alone
  return shown.has(ip) || (pod.status?.podIPs ?? []).some(one => parseIp(one.ip) === ip)
}

/** Addresses in `k8s.v1.cni.cncf.io/network-status`: `[{"name", "interface", "ips": ["10.0.0.1"]}]`; of what is not that, none. */
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
