// After an address is taken and before it is used: is it free on the network, is its gateway there? What is not right is given up. On a port.
import type { Features } from '../store/retention.js'
import { OwnError } from '../../cni/error.js'
import { ANNOTATION_MIGRATION_JOB } from '../../crd/names.js'
import type { EndpointNic, SpiderEndpoint } from '../../crd/types.js'
import { objectNameOf, parseIp, type Ip } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import { remedyOf, sentenceOf, type ProbeFinding } from '../../probe/finding.js'
import type { ProbeRequest } from '../../probe/detect.js'
import type { Granted } from './add.js'
import { quarantine } from '../allocation/quarantine.js'
import { addressesOf } from '../allocation/endpoint.js'
import { eventOf } from '../store/event.js'
import type { ObjectRef, Store } from '../store/store.js'
import { removeNics } from './record.js'
import { REFUSALS } from '../errors.js'
import { recordOf, releaseIfHeldBy } from './release.js'
import { dstOf } from '../allocation/routes.js'

/** Asks the network, through the interface that gets the addresses. */
export type Detect = (asks: readonly ProbeRequest[]) => Promise<readonly ProbeFinding[]>

/** Of the conf: what is probed for. */
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
 * Throws OwnError with the bare sentence, told as an Event of the pod too; the call's addresses are given back then, and one that another
 * host has is put aside, so that the retry gets another. What stops the detection itself is thrown as it is, after the same giving back.
 */
export async function checkConflicts(inspecting: ConflictCheck, detect: Detect): Promise<void> {
  const { granted } = inspecting
  const asks = probeRequestsOf(granted.nic, await wantedOf(inspecting))
  if (asks.length === 0) return
  const findings = await detect(asks).catch(async (error: unknown) => {
    await granted.undo()
    throw error
  })
  await refuse(inspecting, findings)
}

/**
 * Gives the addresses of the call back, quarantines those in conflict and sends the pod's Event. Nothing where there are no findings.
 * @throws OwnError 108, 109
 */
export async function refuse(inspecting: ConflictCheck, findings: readonly ProbeFinding[]): Promise<void> {
  const { nic } = inspecting
  const [first] = [...findings].sort((a, b) => a.kind.localeCompare(b.kind)) // conflicts before gateways
  if (!first) return
  await giveUp(inspecting, findings)
  const message = sentenceOf(first, nic)
  const refusal = REFUSALS[first.kind === 'conflict' ? 'ipConflict' : 'gatewayUnreachable']
  const remedy = remedyOf(first)
  await tell(inspecting, first, remedy === '' ? message : `${message}; ${remedy}`)
  throw new OwnError(refusal.code, message, [remedy, others(findings, first, nic)].filter(Boolean).join('; '))
}

const others = (findings: readonly ProbeFinding[], first: ProbeFinding, nic: string): string =>
  findings
    .filter(one => one !== first)
    .map(one => sentenceOf(one, nic))
    .join('; ')

/** A virtual machine that moves has its address on both sides for a while, and must. */
async function wantedOf({ conf: { switches }, pod: ref, store }: ConflictCheck): Promise<DetectionSwitches> {
  if (!switches.conflictDetection || !switches.kubevirt || !ref.name.startsWith('virt-launcher-')) return switches
  const pod = await store.pod(ref)
  const isMoving =
    pod?.metadata.annotations?.[ANNOTATION_MIGRATION_JOB] !== undefined &&
    pod.metadata.ownerReferences?.some(({ kind }) => kind === 'VirtualMachineInstance') === true
  return { ...switches, conflictDetection: !isMoving }
}

/** The next hop of the pod's own default route. */
const defaultOf = ({ routes = [] }: EndpointNic, everything: string): string | undefined =>
  routes.findLast(route => dstOf(route) === everything)?.gw

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

/** Conflicts first: once an address is put aside, giving back leaves it alone. */
async function giveUp(
  { pod, podUid, granted, conf, store }: ConflictCheck,
  findings: readonly ProbeFinding[],
): Promise<void> {
  const conflicts = findings.filter(one => one.kind === 'conflict')
  const leaving = { pod, features: conf.switches }
  const before = await recordOf(leaving, store)
  const uid = podUid || (before?.status.current.uid ?? '')
  for (const { ip, mac } of conflicts) await setAside(ip, { mac, uid }, store)
  await granted.undo()
  // What an earlier call took, undo leaves: the interface then has it still, in the record.
  const after = conflicts.length > 0 ? await recordOf(leaving, store) : undefined
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

/** Against a late DEL of an earlier sandbox, which writes the same object. */
async function setAside(ip: Ip, { mac, uid }: { mac: string; uid: string }, store: Store): Promise<void> {
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

async function tell({ pod, podUid, store }: ConflictCheck, { kind }: ProbeFinding, message: string): Promise<void> {
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
