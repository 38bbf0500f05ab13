// ADD and DEL of the IPAM plugin with their log and events; also run in-process by a main plugin.
import type { Call } from '../../cni/plugin.js'
import type { Result } from '../../cni/result.js'
import { sentencesOf, type UnknownKey } from '../../cni/unknown-keys.js'
import { add, type Granted } from '../pod/add.js'
import { ipsOf } from '../allocation/endpoint.js'
import { eventOf, NOT_ALLOCATED, type PodEventSpec } from '../store/event.js'
import type { ContainerHost } from '../pod/standalone-container.js'
import type { Detect } from '../pod/conflict-detection.js'
import type { AllocatedByCall, NodeAddress, NodeAddressLookup } from './node-address-conflict.js'
import type { Store } from '../store/store.js'
import { Refused } from '../errors.js'
import { release } from '../pod/release.js'
import type { AddRequest } from '../pod/pod-context.js'
import type { AllocDeps } from '../allocation/allocate.js'
import { connectStore, type Connect } from './connect.js'
import { requestOf, type Master } from './request.js'
import { resultOf } from './result.js'
import { refusalOf, sessionOf, type Session } from './session.js'

export { ipamCheck } from './check.js'
export type { Connect, StoreSession } from './connect.js'
export type { NodeAddressLookup } from './node-address-conflict.js'

export interface IpamClaim {
  readonly result: Result
  /** For a main plugin that fails later: releases what this ADD allocated, and only that. */
  undo(): Promise<void>
}

export const ADD_FAILED = 'spiderpool IP allocation error'
const DEL_FAILED = 'spiderpool IP release error'

/** What the IPAM needs from the kernel; lib/ipam opens no sockets itself. */
export interface KernelAccess {
  readonly master: Master
  readonly detect: Detect
  readonly owned: NodeAddressLookup
  /** Unknown keys of the main plugin's conf, for a main plugin without a log. */
  readonly unknown?: readonly UnknownKey[]
  /** Called only with ipam.owner "container". */
  readonly host: (netns: string) => Promise<ContainerHost>
}

/**
 * Allocates addresses for the interface of the call that the node does not have and, with conflict
 * detection, no other host answers for.
 * @throws CniError
 */
export async function ipamClaim(
  call: Call<unknown>,
  kernel: KernelAccess,
  connect: Connect = connectStore,
): Promise<IpamClaim> {
  const { reached, granted, result, session } = await claimUnowned(call, kernel, connect)
  for (const sentence of await sentencesOf([...(kernel.unknown ?? []), ...session.conf.unknown]))
    session.log.warn(sentence, session.fields)
  const { conflictDetection, gatewayDetection } = session.conf.switches
  if (conflictDetection || gatewayDetection)
    await (
      await import('../pod/conflict-detection.js')
    ).checkConflicts({ ...session, nic: call.ifName, granted, store: reached.store }, kernel.detect)
  const undo = (): Promise<void> => {
    reached.renew?.()
    return granted.undo()
  }
  return { result, undo }
}

/** Quarantines an address that the node itself has, and tries the next candidate. */
async function claimUnowned(call: Call<unknown>, kernel: KernelAccess, connect: Connect): Promise<AllocatedByCall> {
  const ownedAmong = async ({ granted }: AllocatedByCall): Promise<readonly NodeAddress[]> => {
    try {
      return await kernel.owned(ipsOf(granted.nic))
    } catch (error) {
      await granted.undo()
      throw error
    }
  }
  const first = await claim(call, kernel, connect)
  const owned = await ownedAmong(first)
  if (owned.length === 0) return first
  const { claimOther } = await import('./node-address-conflict.js')
  return claimOther({ nic: call.ifName, first, owned }, { claim: () => claim(call, kernel, connect), ownedAmong })
}

async function claim(call: Call<unknown>, kernel: KernelAccess, connect: Connect): Promise<AllocatedByCall> {
  const session = sessionOf(call)
  const { log, fields, conf, container } = session
  let store: Store | undefined
  const attempt = async (request: AddRequest, deps: AllocDeps): Promise<Granted> => {
    if (!container) return add(request, deps)
    const { addContainer } = await import('../pod/standalone-container.js')
    return addContainer(request, { container, host: await kernel.host(call.netns) }, deps)
  }
  try {
    const reached = await connect(conf, call)
    store = reached.store
    const request = requestOf(call, session, kernel.master)
    const journal = reached.journalOf?.(session.journal) ?? session.journal
    const deps = { store, journal, random: Math.random }
    const granted = await attempt(request, deps).catch((error: unknown) => {
      const second = reached.retryOf?.(error)
      if (!second) throw error
      return attempt(request, { ...deps, store: second })
    })
    log.info('address allocated', { ...fields, nic: granted.nic, ...reached.cost() })
    return { reached, granted, result: resultOf(granted.nic), session }
  } catch (error) {
    log.error(ADD_FAILED, { ...fields, error: String(error) })
    const refusal = refusalOf(ADD_FAILED, error)
    if (error instanceof Refused && !container)
      await recordRefusal(session, { message: refusal.message, about: error.about }, store)
    throw refusal
  }
}

/** The pod's Event has the sentence too, for users without access to the node's logs. */
async function recordRefusal(
  { pod, podUid }: Session,
  refusal: Pick<PodEventSpec, 'message' | 'about'>,
  store?: Store,
): Promise<void> {
  await store?.recordEvent(
    eventOf({ ...refusal, pod: { ...pod, uid: podUid }, node: '', reason: NOT_ALLOCATED, now: Date.now() }),
  )
}

/**
 * ADD: the result of the allocation.
 * @throws CniError
 */
export const ipamAdd = async (call: Call<unknown>, kernel: KernelAccess, connect?: Connect): Promise<Result> =>
  (await ipamClaim(call, kernel, connect)).result

/**
 * DEL. Failures of the API server are logged, not thrown: the other plugins of the pod must get
 * their DEL, and the controller reclaims what is left.
 */
export async function ipamDel(call: Call<unknown>, connect: Connect = connectStore): Promise<void> {
  const { log, journal, pod, podUid, container, fields, conf } = sessionOf(call)
  try {
    const { store, cost } = await connect(conf, call)
    if (container) {
      const { releaseNic } = await import('../pod/standalone-container.js')
      const addresses = await releaseNic({ container, nic: call.ifName }, { store, journal })
      return log.info('addresses released', { ...fields, addresses, ...cost() })
    }
    const request = { pod, podUid, containerID: call.containerID, nic: call.ifName, features: conf.switches }
    const released = await release(request, { store, journal })
    log.info(released.kind === 'kept' ? 'addresses kept' : 'addresses released', { ...fields, ...released, ...cost() })
  } catch (error) {
    log.error(DEL_FAILED, { ...fields, error: String(error) })
  }
}
