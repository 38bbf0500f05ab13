// One ADD of the IPAM: pod, pools, addresses, record. On a port; returns the record of the NIC and how to take the call back.
import type { EndpointNic, Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../crd/types.js'
import type { Family } from '../ip/address.js'
import { allocate, type Hands, type Taken } from './allocate.js'
import { choosePools } from './choose.js'
import { newEndpoint, nicOf, nicRecord, withNic, type Assigned } from './endpoint.js'
import { type Claimant } from './identity.js'
import { retake } from './keep.js'
import { isAlive, topController } from './pod.js'
import { poolOf, reservedRanges } from './pool.js'
import { forget } from './release.js'
import type { ObjectRef, Port } from './port.js'
import type { ConfPools } from './sources.js'

export interface Ask {
  readonly pod: ObjectRef
  /** K8S_POD_UID of CNI_ARGS; '' where the runtime does not say. */
  readonly podUid: string
  readonly nic: string
  readonly containerID: string
  readonly conf: ConfPools
  readonly cleanGateway: boolean
  readonly agentNamespace: string
  readonly clusterNetwork: string
}

export interface Granted {
  readonly nic: EndpointNic
  /** Gives back what this call took; what the pod had before it keeps. */
  undo(): Promise<void>
}

export class Refused extends Error {
  override readonly name = 'Refused'
}

export async function add(ask: Ask, hands: Hands): Promise<Granted> {
  const { port } = hands
  const pod = await alivePod(ask, port)
  const recorded = await currentEndpoint(pod, ask, port)
  const before = recorded && nicOf(recorded, ask.nic)
  const claimant = await claimantOf(pod, ask, port)
  if (before && (await retake(before, claimant, hands))) {
    hands.journal.close()
    return { nic: before, undo: () => Promise.resolve() }
  }
  const assigned = await takeAll(pod, claimant, ask, hands)
  const nic = nicRecord(ask.nic, assigned, ask.cleanGateway)
  const undo = (): Promise<void> => giveBack(assigned, hands)
  try {
    const written = await record({ pod, claimant, nic, recorded }, port)
    hands.journal.close()
    return { nic, undo: () => undoRecorded(written, nic, undo, hands) }
  } catch (error) {
    await undo()
    throw error
  }
}

async function alivePod({ pod: ref, podUid }: Ask, port: Port): Promise<Pod> {
  const pod = await port.pod(ref)
  if (!pod) throw new Refused(`pod ${ref.namespace}/${ref.name} (K8S_POD_NAMESPACE, K8S_POD_NAME) does not exist`)
  if (podUid !== '' && pod.metadata.uid !== podUid)
    throw new Refused(
      `pod ${ref.namespace}/${ref.name} has UID ${pod.metadata.uid}, not ${podUid} (K8S_POD_UID): it was replaced by a newer pod`,
    )
  if (!isAlive(pod))
    throw new Refused(`pod ${ref.namespace}/${ref.name} is terminating or has ended; it gets no address`)
  return pod
}

/** The record of this very pod. A record of an earlier pod of the name is cleared away, with the addresses that pod held. */
async function currentEndpoint(pod: Pod, ask: Ask, port: Port): Promise<SpiderEndpoint | undefined> {
  const endpoint = await port.endpoint(ask.pod)
  if (!endpoint || endpoint.status.current.uid === pod.metadata.uid) return endpoint
  await forget(endpoint, { port })
  return undefined
}

async function claimantOf(pod: Pod, ask: Ask, port: Port): Promise<Claimant> {
  return {
    namespace: ask.pod.namespace,
    name: ask.pod.name,
    uid: pod.metadata.uid ?? '',
    node: pod.spec?.nodeName ?? '',
    containerID: ask.containerID,
    owner: await topController(pod, port),
  }
}

/** One address of every family; all or none. */
async function takeAll(pod: Pod, claimant: Claimant, ask: Ask, hands: Hands): Promise<readonly Assigned[]> {
  const usable = await choosePools({ ...ask, pod }, hands.port)
  const reserved = await hands.port.reserved()
  const outcomes = await Promise.allSettled(
    [...usable].map(([family, pools]) =>
      allocate(
        { claimant, nic: ask.nic, pools: poolsOf(pools, family), reserved: reservedRanges(reserved, family) },
        hands,
      ),
    ),
  )
  const taken = outcomes.flatMap(outcome =>
    outcome.status === 'fulfilled' && outcome.value.kind === 'held' ? [outcome.value] : [],
  )
  const failed = outcomes.find(outcome => outcome.status === 'rejected')
  const refused = outcomes.find(outcome => outcome.status === 'fulfilled' && outcome.value.kind === 'refused')
  if (!failed && !refused) return taken
  await giveBack(taken, hands)
  if (failed) throw failed.reason
  throw new Refused(refusalText(refused))
}

const poolsOf = (objects: readonly SpiderIPPool[], family: Family) => objects.map(object => poolOf(object, family))

function refusalText(outcome: PromiseSettledResult<Taken> | undefined): string {
  if (outcome?.status !== 'fulfilled' || outcome.value.kind !== 'refused') return 'no address'
  const told = outcome.value.refusals.map(({ pool, why }) =>
    why.reason === 'exhausted'
      ? `all IP addresses used out in pool ${pool.name} (${why.size} in all)`
      : `exhaust all retries (${why.attempts} times) in pool ${pool.name}: too many pods want its last addresses at once`,
  )
  return told.join('; ')
}

interface Writing {
  readonly pod: Pod
  readonly claimant: Claimant
  readonly nic: EndpointNic
  readonly recorded: SpiderEndpoint | undefined
}

/** Other NICs of the pod may be written at the same moment: read again and add ours, a bounded number of times. */
const RECORD_TRIES_MAX = 8

async function record({ pod, claimant, nic, recorded }: Writing, port: Port): Promise<SpiderEndpoint> {
  let known = recorded
  for (let tries = 0; tries < RECORD_TRIES_MAX; tries++) {
    const written = known
      ? await port.replaceEndpoint(withNic(known, nic))
      : await port.createEndpoint(newEndpoint(pod, claimant, nic))
    if (written !== 'conflict') return written
    known = await port.endpoint({ namespace: claimant.namespace, name: claimant.name })
    if (known && known.status.current.uid !== claimant.uid) {
      await forget(known, { port })
      known = undefined
    }
  }
  throw new Refused(
    `SpiderEndpoint ${claimant.namespace}/${claimant.name} changed under ${RECORD_TRIES_MAX} writes in a row`,
  )
}

interface New {
  readonly object: SpiderIPAddress
  readonly isNew?: boolean
}

/** What this call created goes back; what an earlier call of the pod took stays for its next one. */
async function giveBack(taken: readonly New[], { port, journal }: Hands): Promise<void> {
  const created = taken.filter(({ isNew }) => isNew === true)
  const outcomes = await Promise.allSettled(created.map(({ object }) => port.release(object)))
  // Where one could not be given back the journal stays: the DEL that follows reads it.
  if (outcomes.every(({ status }) => status === 'fulfilled')) journal.close()
}

async function undoRecorded(
  written: SpiderEndpoint,
  nic: EndpointNic,
  giveBackAll: () => Promise<void>,
  { port }: Hands,
): Promise<void> {
  const { current } = written.status
  if (current.ips.length === 1) await port.removeEndpoint(written)
  else {
    const ips = current.ips.filter(({ interface: name }) => name !== nic.interface)
    await port.replaceEndpoint({ ...written, status: { ...written.status, current: { ...current, ips } } })
  }
  await giveBackAll()
}
