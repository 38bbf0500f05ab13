// The IPAM as CNI asks for it, for the executable and for a main plugin that runs it in its own process: ADD and DEL, their log, their events.
import type { Call } from '../../cni/plugin.js'
import type { Result } from '../../cni/result.js'
import { sentencesOf, type UnknownKey } from '../../cni/unknown-keys.js'
import { add, type Granted } from '../pod/add.js'
import { ipsOf } from '../allocation/endpoint.js'
import { keysOf } from '../pools/annotations.js'
import { eventOf, NOT_ALLOCATED, type PodEventSpec } from '../store/event.js'
import type { ContainerHost } from '../pod/container.js'
import type { Detect } from '../pod/conflict.js'
import type { AllocatedByCall, NodeAddress, NodeAddressLookup } from './node-address.js'
import type { Store } from '../store/store.js'
import { Refused } from '../errors.js'
import { release } from '../pod/release.js'
import { requestedIpsIn } from '../pod/requested-ips.js'
import { answerOf } from './result.js'
import type { AddRequest } from '../pod/context.js'
import { connectStore, refusalOf, sessionOf, type Session } from './session.js'

export { ipamCheck } from './check.js'

export interface IpamClaim {
  readonly result: Result
  /** For a main plugin that fails after us: gives back what this ADD took, and only that. */
  undo(): Promise<void>
}

const ADD_FAILED = 'spiderpool IP allocation error'
const DEL_FAILED = 'spiderpool IP release error'
const AGENT_NAMESPACE = 'kube-system'

/** What the IPAM asks of the kernel, where the conf wants it; lib/ipam has no kernel of its own. */
export type Master = (nic: {
  readonly netns: string
  readonly nic: string
}) => ReturnType<NonNullable<AddRequest['master']>>

export interface KernelAccess {
  readonly master: Master
  readonly detect: Detect
  readonly owned: NodeAddressLookup
  /** Keys of the main plugin's conf that it does not know, for a main plugin without a log. */
  readonly unknown?: readonly UnknownKey[]
  /** Asked only where containers have no pods. */
  readonly host: (netns: string) => Promise<ContainerHost>
}

/**
 * Addresses for the call's interface that neither the node nor, where the conf wants it, anything on the network has.
 * @throws CniError
 */
export async function ipamClaim(call: Call<unknown>, eyes: KernelAccess): Promise<IpamClaim> {
  const { reached, granted, result, session } = await claimUnowned(call, eyes)
  for (const sentence of await sentencesOf([...(eyes.unknown ?? []), ...session.conf.unknown]))
    session.log.warn(sentence, session.fields)
  const { conflictDetection, gatewayDetection } = session.conf.switches
  if (conflictDetection || gatewayDetection)
    await (
      await import('../pod/conflict.js')
    ).checkConflicts({ ...session, nic: call.ifName, granted, store: reached.store }, eyes.detect)
  return { result, undo: () => granted.undo() }
}

/** An address of the node is quarantined, and the next candidate is tried. */
async function claimUnowned(call: Call<unknown>, eyes: KernelAccess): Promise<AllocatedByCall> {
  const first = await claim(call, eyes)
  const owned = await ownedAmong(first, eyes)
  if (owned.length === 0) return first
  const { claimOther } = await import('./node-address.js')
  const again = { claim: () => claim(call, eyes), ownedAmong: (one: AllocatedByCall) => ownedAmong(one, eyes) }
  return claimOther({ nic: call.ifName, first, owned }, again)
}

async function ownedAmong({ granted }: AllocatedByCall, { owned }: KernelAccess): Promise<readonly NodeAddress[]> {
  try {
    return await owned(ipsOf(granted.nic))
  } catch (error) {
    await granted.undo()
    throw error
  }
}

async function claim(call: Call<unknown>, { master, host }: KernelAccess): Promise<AllocatedByCall> {
  const session = sessionOf(call)
  const { log, journal, fields, conf } = session
  let store: Store | undefined
  try {
    const reached = await connectStore(conf, call)
    store = reached.store
    const [request, deps] = [requestOf(call, session, master), { store, journal, random: Math.random }]
    const granted = session.container
      ? await (
          await import('../pod/container.js')
        ).addContainer(request, { container: session.container, host: await host(call.netns) }, deps)
      : await add(request, deps)
    log.info('address allocated', { ...fields, nic: granted.nic, ...reached.cost() })
    return { reached, granted, result: resultOf(granted, call.ifName), session }
  } catch (error) {
    log.error(ADD_FAILED, { ...fields, error: String(error) })
    const refusal = refusalOf(ADD_FAILED, error)
    if (error instanceof Refused && !session.container)
      await tell(session, { message: refusal.message, about: error.about }, store)
    throw refusal
  }
}

/** The pod shows the sentence too, for the one who has no access to the node's logs. */
async function tell(
  { pod, podUid }: Session,
  told: Pick<PodEventSpec, 'message' | 'about'>,
  store?: Store,
): Promise<void> {
  await store?.recordEvent(
    eventOf({ ...told, pod: { ...pod, uid: podUid }, node: '', reason: NOT_ALLOCATED, now: Date.now() }),
  )
}

/** As Go's encoding/json reads it: keys in any case. */
const inside = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? keysOf(value).get(key) : undefined

function requestOf(call: Call<unknown>, { conf, pod, podUid, container }: Session, master: Master): AddRequest {
  const sources = {
    runtimeConfigIps: inside(inside(call.config, 'runtimeconfig'), 'ips'),
    argsIps: inside(inside(inside(call.config, 'args'), 'cni'), 'ips'),
    ip: call.args.get('IP') ?? '',
  }
  const { ipv4, ipv6, statefulSet, kubevirt, subnets } = conf.switches
  return {
    pod,
    podUid,
    nic: call.ifName,
    containerID: call.containerID,
    conf: { ...conf, network: call.name },
    cleanGateway: conf.cleanGateway,
    families: [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])],
    features: { statefulSet, kubevirt, subnets },
    requested: requestedIpsIn(container ? { ...sources, ip: '' } : sources), // a container's IP= is container.ts'
    agentNamespace: call.env['SPIDERPOOL_AGENT_NAMESPACE'] ?? AGENT_NAMESPACE,
    clusterNetwork: call.env['MULTUS_CLUSTER_NETWORK'] ?? '',
    ...(conf.matchMasterSubnet && { master: () => master({ netns: call.netns, nic: call.ifName }) }),
  }
}

function resultOf({ nic }: Granted, ifName: string): Result {
  const { ips, routes } = answerOf(nic)
  if (ips.length === 0) throw new Refused('noAddress', `no Interface ${ifName} IP allocation found`)
  return { ips, ...(routes.length > 0 && { routes }) }
}

export const ipamAdd = async (call: Call<unknown>, eyes: KernelAccess): Promise<Result> =>
  (await ipamClaim(call, eyes)).result

/** Never fails for what an API server does: the pod's other plugins must get their DEL. What is left is reclaimed later, and logged. */
export async function ipamDel(call: Call<unknown>): Promise<void> {
  const { log, journal, pod, podUid, container, fields, conf } = sessionOf(call)
  try {
    const { store, cost } = await connectStore(conf, call)
    if (container) {
      const { releaseNic } = await import('../pod/container.js')
      const addresses = await releaseNic({ container, nic: call.ifName }, { store, journal })
      return log.info('addresses released', { ...fields, addresses, ...cost() })
    }
    const leaving = { pod, podUid, containerID: call.containerID, nic: call.ifName, features: conf.switches }
    const released = await release(leaving, { store, journal })
    log.info(released.kind === 'kept' ? 'addresses kept' : 'addresses released', { ...fields, ...released, ...cost() })
  } catch (error) {
    log.error(DEL_FAILED, { ...fields, error: String(error) })
  }
}
