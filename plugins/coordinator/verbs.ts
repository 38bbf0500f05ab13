// The verbs of coordinator on an open kernel. Loaded only when one is called: VERSION needs neither libc nor an API server.
import { deadlineOf } from '../../lib/cni/conf.js'
import { logOf as logFor } from '../../lib/cni/allowed-files.js'
import { CniError, OwnError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { sentencesOf } from '../../lib/cni/unknown-keys.js'
import { macFromBytes } from '../../lib/ip/mac.js'
import { coordinatorKeys, needsCluster, type CoordinatorKeys } from '../../lib/coordinator/cluster-config.js'
import { REFUSALS } from '../../lib/ipam/errors.js'
import { reasonOf, refusalCode } from '../../lib/kernel/errno.js'
import { openKernel, type Kernel } from '../../lib/kernel/kernel.js'
import { NetnsError } from '../../lib/kernel/sockets.js'
import { podAddressesOnNode } from '../../lib/kernel/pod-address-on-node.js'
import { randomBytes } from '../../lib/kernel/random.js'
import { levelOf, type Log } from '../../lib/log.js'
import { applyPlan, StepError, undoPlan } from '../../lib/plan/run.js'
import { NFT_TABLE } from '../../lib/plan/nft.js'
import { linkNamed } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'
import { VERSION } from '../../lib/version.js'
import type { announcementsOf } from '../../lib/probe/announce.js'
import { remedyOf, sentenceOf } from '../../lib/probe/finding.js'
import { differing, isOfGo, lacking } from './check.js'
import type { CoordinatorConf } from './config.js'
import { isOfAnother, leavingOf, planForDel, tableAsked } from './del.js'
import type { ContextInput, CoordinatorContext } from './context.js'
import { observeAll, observeForDel } from './observe.js'
import { decide, resultOf, toDo, type Decision } from './plan.js'
import { packetsIn, REMEDY, failedRouteChecks, routeChecksOf } from './rules.js'
import { settingsOf, type CoordinatorSettings } from './settings.js'
import { routedIps } from './host-routes.js'
import { refusalOf } from './errors.js'

export type CoordinatorCall = Call<CoordinatorConf>

/** <linux/if.h>: the link has a carrier. */
const IFF_LOWER_UP = 1 << 16

const fieldsOf = ({ command, containerID, ifName, args }: CoordinatorCall) => ({
  version: VERSION,
  command,
  containerID,
  ifName,
  pod: `${args.get('K8S_POD_NAMESPACE') ?? ''}/${args.get('K8S_POD_NAME') ?? ''}`,
})

/** A level that is none was refused by ADD; DEL goes on with all levels. */
function logOf(call: CoordinatorCall): Log {
  const { log } = call.config
  const { file, maxSizeMb, maxAgeDays, maxCount } = log
  return logFor(call, 'logOptions.logFile', {
    level: levelOf(log.level) ?? 'debug',
    file,
    maxSizeMb,
    maxAgeDays,
    maxCount,
  })
}

/** Opens the kernel for the work, and closes it; a namespace that is none and a look that is refused are told in words users know. */
export function withKernel<T>(netns: string, work: (kernel: Kernel) => T): T {
  const kernel = openKernel(netns)
  try {
    return work(kernel)
  } catch (error) {
    if (error instanceof NetnsError) throw new CniError('invalidNetns', `failed to GetNS "${netns}": ${error.message}`)
    if (!(error instanceof Error) || !/^E[A-Z0-9]+$/.test(refusalCode(error) ?? '')) throw error
    throw new CniError('internal', `failed to look at the container and the node: ${reasonOf(error)}`, error.message)
  } finally {
    kernel.close()
  }
}

/** The conf with the cluster's word, which is asked for only where the conf leaves something open. */
export async function settled(call: CoordinatorCall): Promise<CoordinatorSettings> {
  const { config, command, env } = call
  const { kubeconfig, timeouts } = config
  const deadline = deadlineOf(command, timeouts, 'timeouts')
  const cluster = needsCluster(config.keys)
    ? await coordinatorKeys({ kubeconfig, deadline, env, pod: askedOf(call) })
    : {}
  return settingsOf(config, cluster satisfies CoordinatorKeys)
}

/** The pod whose annotation counts: only secondary interfaces move the default route, and only where the conf does not say which has it. */
function askedOf({ config, ifName, args }: CoordinatorCall): { namespace: string; name: string } | undefined {
  const name = args.get('K8S_POD_NAME') ?? ''
  const namespace = args.get('K8S_POD_NAMESPACE') ?? ''
  const isSaid = (config.keys.podDefaultRouteNic ?? '') !== ''
  return name === '' || namespace === '' || isSaid || config.hasAnnotations || ifName === config.podDefaultCniNic
    ? undefined
    : { namespace, name }
}

/** Two locally administered MACs that are one station's each (IEEE 802, the two low bits of the first byte). */
function randomMacs(): ContextInput['macs'] {
  const bytes = randomBytes(12)
  for (const first of [0, 6]) bytes[first] = ((bytes[first] ?? 0) & 0xfc) | 0x02
  return { pod: macFromBytes(bytes.subarray(0, 6)), node: macFromBytes(bytes.subarray(6)) }
}

/** Look and decide: all that ADD, CHECK and a dry run have in common. */
export function observeAndDecide(call: CoordinatorCall, settings: CoordinatorSettings, kernel: Kernel): Decision {
  const { ifName, containerID } = call
  const { mode, seen } = observeAll(kernel, { ifName, containerID, settings })
  return decide({ ifName, containerID, settings, mode, seen, macs: randomMacs() }, call.prevResult)
}

export async function add(call: CoordinatorCall): Promise<Result> {
  const settings = await settled(call)
  const { prevResult } = call
  if (settings.mode === 'disabled') return prevResult ?? {}
  if (prevResult === undefined)
    throw new CniError('invalidConfig', 'Required prevResult missing', 'coordinator is chained behind a main plugin')
  const log = logOf(call)
  for (const sentence of await sentencesOf(call.config.unknown)) log.warn(sentence, fieldsOf(call))
  const { detectIPConflict, detectGateway } = settings
  const inspect = detectIPConflict || detectGateway ? (await import('./conflict.js')).checkConflicts : undefined
  const framesOf =
    settings.macPrefix === undefined ? undefined : (await import('../../lib/probe/announce.js')).announcementsOf
  try {
    return withKernel(call.netns, kernel => addOn(call, kernel, { settings, prevResult, log, inspect, framesOf }))
  } catch (error) {
    log.error('not coordinated', { ...fieldsOf(call), error: String(error) })
    throw error
  }
}

interface Adding {
  readonly settings: CoordinatorSettings
  readonly prevResult: Result
  readonly log: Log
  /** Throws where the network has something against the NIC's addresses. */
  readonly inspect: ((context: CoordinatorContext, kernel: Kernel) => void) | undefined
  /** Where the NIC may get another MAC: what tells it to the network. */
  readonly framesOf: typeof announcementsOf | undefined
}

function addOn(call: CoordinatorCall, kernel: Kernel, adding: Adding): Result {
  const { settings, prevResult, log, inspect, framesOf } = adding
  const first = observeAndDecide(call, settings, kernel)
  refuseOwned(first.context, kernel)
  inspect?.(first.context, kernel)
  const raising = first.plan.filter(step => step.verb === 'setUp' && step.name === call.ifName && !step.was)
  const { context, seen, plan, warnings } = raising.length === 0 ? first : lookAfter(raising, call, settings, kernel)
  const steps = [...raising, ...toDo(plan, seen)]
  doAll(steps, kernel)
  unlessLost(() => waysLostNow(context, kernel), steps, kernel)
  if (framesOf !== undefined && steps.some(({ verb }) => verb === 'setMac')) announce(context, kernel, framesOf)
  const { mode, table, isDefaultInterface } = context
  for (const warning of [...warnings, ...masterDown(context, kernel)]) log.warn(warning, fieldsOf(call))
  log.info('coordinated', {
    ...fieldsOf(call),
    mode,
    table,
    isDefaultInterface,
    steps: steps.length,
    ...kernel.cost(),
  })
  return resultOf(call, prevResult, plan)
}

/** An address of the node must not be led to the pod, nor announced by it. Throws OwnError 108 with the MAC that the node has on the network. */
function refuseOwned({ ifName, own }: CoordinatorContext, kernel: Kernel): void {
  const findings = podAddressesOnNode(kernel, ifName, own).map(owned => ({ kind: 'conflict', ...owned }) as const)
  const [first, ...others] = findings
  if (first === undefined) return
  const more = others.map(one => sentenceOf(one, ifName))
  throw new OwnError(REFUSALS.ipConflict.code, sentenceOf(first, ifName), [remedyOf(first), ...more].join('; '))
}

/** A NIC that comes up gets its networks' routes from the kernel, which are to be seen before they can be copied. */
function lookAfter(raising: Plan, call: CoordinatorCall, settings: CoordinatorSettings, kernel: Kernel): Decision {
  doAll(raising, kernel)
  try {
    return observeAndDecide(call, settings, kernel)
  } catch (error) {
    undoPlan(raising, kernel)
    throw error
  }
}

/** Runs a plan; when a step is refused the ones before it are taken back, and the sentence says which it was. */
function doAll(steps: Plan, kernel: Kernel): void {
  try {
    applyPlan(steps, kernel)
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    const { step, cause, undoFailures } = error
    throw refusalOf({ step, reason: reasonOf(cause), code: refusalCode(cause), notUndone: undoFailures })
  }
}

/** The pod starts and is reached from its node; its network it has once the master is up. */
function masterDown({ pod, ifName }: CoordinatorContext, kernel: Kernel): readonly string[] {
  const nic = linkNamed(pod, ifName)
  if (nic?.parent === undefined || !nic.parentElsewhere || (nic.flags & IFF_LOWER_UP) !== 0) return []
  const [master] = kernel.observe({ node: { links: [nic.parent] } }).node.links
  if (master === undefined || master.up) return []
  return [`master ${master.name} of ${ifName} is down on the node: ip link set ${master.name} up`]
}

/** What the kernel resolves otherwise than planned, now: a sentence each. Two sockets, a request a packet. */
function waysLostNow(context: CoordinatorContext, kernel: Kernel): readonly string[] {
  const ways = routeChecksOf(context, routedIps(context))
  const packets = { node: packetsIn(ways, 'node'), pod: packetsIn(ways, 'pod') }
  const { node, pod } = kernel.observe({ node: { packets: packets.node }, pod: { packets: packets.pod } })
  const seen = {
    node: { ...context.node, resolved: node.resolved },
    pod: { ...context.pod, resolved: pod.resolved },
  }
  return failedRouteChecks(ways, seen)
}

/** A pod without its ways to the node is none that may start: all is taken back. */
function unlessLost(ask: () => readonly string[], steps: Plan, kernel: Kernel): void {
  let lost: readonly string[]
  try {
    lost = ask()
  } catch (error) {
    undoPlan(steps, kernel)
    throw error
  }
  if (lost.length === 0) return
  const left = undoPlan(steps, kernel)
  const details = [REMEDY, ...(left.length === 0 ? [] : [`not taken back: ${left.join('; ')}`])].join('; ')
  throw new CniError('internal', lost.join('; '), details)
}

/** A courtesy: neighbours that know the old MAC learn the new one at once. What cannot be sent fails nothing. */
function announce({ ifName, own }: CoordinatorContext, kernel: Kernel, framesOf: typeof announcementsOf): void {
  try {
    const { pod } = kernel.observe({ pod: { links: [ifName], addressesOn: ifName } })
    const mac = linkNamed(pod, ifName)?.mac
    if (mac === undefined) return
    const usable = pod.addresses.filter(({ tentative, dadFailed }) => !tentative && !dadFailed)
    const ips = own.filter(ip => usable.some(({ address }) => address.ip === ip))
    kernel.send(framesOf({ from: mac, ips }), { where: 'pod', name: ifName })
  } catch (error) {
    if (refusalCode(error) === undefined) throw error // a bug of ours; a refusal of the kernel's is let pass
  }
}

/** Looked for only where something differs: what made the pod's ways. */
const isGoNow = ({ context }: Decision, kernel: Kernel): boolean =>
  isOfGo(context, kernel.observe({ pod: { nft: [NFT_TABLE], mangle: true } }).pod)

export async function check(call: CoordinatorCall): Promise<void> {
  const settings = await settled(call)
  if (settings.mode === 'disabled') return
  withKernel(call.netns, kernel => {
    const looked = observeAndDecide(call, settings, kernel)
    refuseOwned(looked.context, kernel)
    const isGo = lacking(looked).length > 0 && isGoNow(looked, kernel)
    const differences = differing(looked, isGo)
    const wrong = differences.length > 0 ? differences : waysLostNow(looked.context, kernel)
    if (wrong.length > 0)
      throw new CniError('internal', `${call.ifName} is not as coordinator left it: ${wrong.join('; ')}`)
  })
}

/** Never fails for what the kernel does, so that the pod's other plugins get their DEL; what is left is logged. */
export function del(call: CoordinatorCall): void {
  const log = logOf(call)
  const hasPod = call.netns !== ''
  try {
    delOn(call, hasPod, log)
  } catch (error) {
    if (hasPod && error instanceof NetnsError) return delOn(call, false, log)
    log.error('not taken back', { ...fieldsOf(call), error: String(error) })
  }
}

function delOn(call: CoordinatorCall, hasPod: boolean, log: Log): void {
  const { ifName, containerID, config, prevResult } = call
  const { podDefaultCniNic: firstNic } = config
  const kernel = openKernel(hasPod ? call.netns : '')
  try {
    const seen = observeForDel(kernel, { ifName, containerID, firstNic, table: tableAsked(config), hasPod })
    if (isOfAnother({ containerID, ifName, prevResult }, seen)) {
      log.warn('CNI_NETNS names the namespace of another container, which is left as it is', fieldsOf(call))
      return delOn(call, false, log)
    }
    const { restore, remove } = planForDel(leavingOf(call, seen))
    const failures = [...restored(restore, kernel), ...undoPlan(remove, kernel)]
    for (const failure of failures) log.error(failure, fieldsOf(call))
    log.info('taken back', { ...fieldsOf(call), steps: remove.length, ...kernel.cost() })
  } finally {
    kernel.close()
  }
}

/** Each is tried: what cannot be brought back is told, and the rest goes on. */
function restored(plan: Plan, kernel: Kernel): readonly string[] {
  return plan.flatMap(step => {
    try {
      kernel.apply(step)
      return []
    } catch (error) {
      return refusalCode(error) === 'EEXIST' ? [] : [reasonOf(error)]
    }
  })
}

/** Would an ADD know what to do? */
export async function status(call: CoordinatorCall): Promise<void> {
  logOf(call)
  try {
    await settled(call)
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    throw new CniError('notAvailable', error.message, error.details)
  }
}
