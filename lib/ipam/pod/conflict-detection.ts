// Conflict and gateway detection between allocation and use of an address; what fails is released
// or quarantined. On a Store.
import type { Features } from '../store/retention.js'
import { OwnError } from '../../cni/error.js'
import { ANNOTATION_MIGRATION_JOB } from '../../crd/names.js'
import type { EndpointNic, SpiderEndpoint } from '../../crd/types.js'
import { objectNameOf, parseIp, type Ip } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import { remedyOf, sentenceOf, type ProbeFinding } from '../../probe/finding.js'
import type { ProbeRequest } from '../../probe/detect.js'
import type { Granted } from './add.js'
import { quarantine } from '../allocation/conflict-quarantine.js'
import { addressesOf } from '../allocation/endpoint.js'
import { eventOf } from '../store/event.js'
import type { ObjectRef, Store } from '../store/store.js'
import { readRecord, removeNics } from './record.js'
import { REFUSALS } from '../errors.js'
import { releaseIfHeldBy } from './release-address.js'
import { dstOf } from '../allocation/routes.js'

/** Probes the network through the interface that gets the addresses. */
export type Detect = (requests: readonly ProbeRequest[]) => Promise<readonly ProbeFinding[]>

/** Switches of the conf: what is probed. */
export interface DetectionSwitches extends Features {
  readonly conflictDetection: boolean
  readonly gatewayDetection: boolean
}

export interface ConflictCheck {
  readonly pod: ObjectRef
  readonly podUid: string
  readonly nic: string
  readonly granted: Granted
  readonly conf: { readonly switches: DetectionSwitches }
  readonly store: Store
}

/**
 * Probes the addresses of the call. On a finding they are released, one that another host has is
 * quarantined so that the retry gets another, and the pod gets an Event. Errors of the detection
 * itself are rethrown, after the same release.
 * @throws OwnError 108, 109
 */
export async function checkConflicts(check: ConflictCheck, detect: Detect): Promise<void> {
  const { granted } = check
  const requests = probeRequestsOf(granted.nic, await effectiveSwitches(check))
  if (requests.length === 0) return
  const findings = await detect(requests).catch(async (error: unknown) => {
    await granted.undo()
    throw error
  })
  await refuse(check, findings)
}

/**
 * Releases the addresses of the call, quarantines those in conflict and records the pod's Event.
 * Without findings it does nothing.
 * @throws OwnError 108, 109
 */
export async function refuse(check: ConflictCheck, findings: readonly ProbeFinding[]): Promise<void> {
  const { nic } = check
  const [first] = [...findings].sort((a, b) => a.kind.localeCompare(b.kind)) // conflicts before gateways
  if (!first) return
  await releaseAfter(check, findings)
  const message = sentenceOf(first, nic)
  const refusal = REFUSALS[first.kind === 'conflict' ? 'ipConflict' : 'gatewayUnreachable']
  const remedy = remedyOf(first)
  await recordFinding(check, first, remedy === '' ? message : `${message}; ${remedy}`)
  throw new OwnError(refusal.code, message, [remedy, otherFindings(findings, first, nic)].filter(Boolean).join('; '))
}

const otherFindings = (findings: readonly ProbeFinding[], first: ProbeFinding, nic: string): string =>
  findings
    .filter(one => one !== first)
    .map(one => sentenceOf(one, nic))
    .join('; ')

/** A migrating virtual machine has its address on both nodes for a while: no conflict detection. */
async function effectiveSwitches({ conf: { switches }, pod: ref, store }: ConflictCheck): Promise<DetectionSwitches> {
  if (!switches.conflictDetection || !switches.kubevirt || !ref.name.startsWith('virt-launcher-')) return switches
  const pod = await store.pod(ref)
  const isMigrating =
    pod?.metadata.annotations?.[ANNOTATION_MIGRATION_JOB] !== undefined &&
    pod.metadata.ownerReferences?.some(({ kind }) => kind === 'VirtualMachineInstance') === true
  return { ...switches, conflictDetection: !isMigrating }
}

/** The next hop of the pod's own default route. */
const defaultOf = ({ routes = [] }: EndpointNic, everything: string): string | undefined =>
  routes.findLast(route => dstOf(route) === everything)?.gw

/** What to probe for a NIC. */
export function probeRequestsOf(
  nic: EndpointNic,
  { conflictDetection, gatewayDetection }: DetectionSwitches,
): readonly ProbeRequest[] {
  const families = [
    [nic.ipv4, defaultOf(nic, '0.0.0.0/0') ?? nic.ipv4Gateway],
    [nic.ipv6, defaultOf(nic, '::/0') ?? nic.ipv6Gateway],
  ] as const
  return families.flatMap(([address, gatewayText]) => {
    const ip = address === undefined ? undefined : parsePrefix(address)?.ip
    const gateway = gatewayDetection && gatewayText !== undefined ? parseIp(gatewayText) : undefined
    if (ip === undefined || (!conflictDetection && gateway === undefined)) return []
    return [{ ip, conflict: conflictDetection, ...(gateway !== undefined && { gateway }) }]
  })
}

/** Conflicts first: undo does not release an address in quarantine. */
async function releaseAfter(
  { pod, podUid, granted, conf, store }: ConflictCheck,
  findings: readonly ProbeFinding[],
): Promise<void> {
  const conflicts = findings.filter(one => one.kind === 'conflict')
  const subject = { pod, features: conf.switches }
  const before = await readRecord(subject, store)
  const uid = podUid || (before?.status.current.uid ?? '')
  for (const { ip, mac } of conflicts) await quarantineHeld(ip, { mac, uid }, store)
  await granted.undo()
  // Undo keeps what an earlier call took: the record still has it.
  const after = conflicts.length > 0 ? await readRecord(subject, store) : undefined
  const kept = after && conflictingNic(after, conflicts)
  if (!after || !kept) return
  await removeNics(after, [kept], store)
  for (const { address } of addressesOf(kept)) await releaseIfHeldBy({ uid, containerID: undefined }, address, store)
}

const conflictingNic = (
  { status }: SpiderEndpoint,
  conflicts: readonly { readonly ip: Ip }[],
): EndpointNic | undefined =>
  status.current.ips.find(nic =>
    addressesOf(nic).some(({ address }) => conflicts.some(({ ip }) => parsePrefix(address)?.ip === ip)),
  )

const TRIES_MAX = 5

/** Retries on conflict: a late DEL of an earlier sandbox writes the same object. */
async function quarantineHeld(ip: Ip, { mac, uid }: { mac: string; uid: string }, store: Store): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const object = await store.address(objectNameOf(ip))
    if (object?.spec.pod.uid !== uid) return
    if (await store.updateAddress(quarantine(object, { mac, now: Date.now() }))) return
  }
}

const REASONS: Readonly<Record<ProbeFinding['kind'], string>> = {
  conflict: 'IPConflict',
  unreachable: 'GatewayUnreachable',
}

async function recordFinding(
  { pod, podUid, store }: ConflictCheck,
  { kind }: ProbeFinding,
  message: string,
): Promise<void> {
  await store.recordEvent(
    eventOf({
      pod: { ...pod, uid: podUid },
      node: '',
      reason: REASONS[kind],
      message,
      about: message,
      now: Date.now(),
    }),
  )
}
