// Loaded lazily: the CNI verbs of coordinator. ADD: observe.ts → plan.ts → lib/plan/run.ts →
// lib/kernel/acts.
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
import { applyAll, applyPlan, StepError, undoPlan } from '../../lib/plan/run.js'
import { NFT_TABLE } from '../../lib/plan/nft-table.js'
import { linkNamed } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'
import { VERSION } from '../../lib/version.js'
import type { announcementsOf } from '../../lib/probe/announce.js'
import { remedyOf, sentenceOf } from '../../lib/probe/finding.js'
import { differencesOf, isFromGoCoordinator, missingSteps } from './check.js'
import type { CoordinatorConf } from './config.js'
import type { ConflictProbe } from './conflict.js'
import { isOfAnother, delInputOf, planForDel, configuredTable } from './del.js'
import type { ContextInput, CoordinatorContext } from './context.js'
import { observeAll, observeForDel } from './observe.js'
import { decide, resultOf, pendingSteps, type Decision } from './plan.js'
import { packetsIn, REMEDY, failedRouteChecks, routeChecksOf } from './rule-priorities.js'
import { settingsOf, type CoordinatorSettings } from './settings.js'
import { routedIps } from './pod-node-routing.js'
import { refusalOf } from './errors.js'

export type CoordinatorCall = Call<CoordinatorConf>

/** <linux/if.h>: the link has carrier. */
const IFF_LOWER_UP = 1 << 16

const fieldsOf = ({ command, containerID, ifName, args }: CoordinatorCall) => ({
  version: VERSION,
  command,
  containerID,
  ifName,
  pod: `${args.get('K8S_POD_NAMESPACE') ?? ''}/${args.get('K8S_POD_NAME') ?? ''}`,
})

/** ADD rejects an unknown level; DEL then logs all levels. */
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

/**
 * Runs `work` with an open kernel.
 * @throws CniError if the namespace cannot be opened or the kernel cannot be observed
 */
export async function withKernel<T>(
  { netns, host }: Pick<CoordinatorCall, 'netns' | 'host'>,
  work: (kernel: Kernel) => T | Promise<T>,
): Promise<T> {
  const kernel = openKernel(netns, host)
  try {
    return await work(kernel)
  } catch (error) {
    if (error instanceof NetnsError) throw new CniError('invalidNetns', `failed to GetNS "${netns}": ${error.message}`)
    if (!(error instanceof Error) || !/^E[A-Z0-9]+$/.test(refusalCode(error) ?? '')) throw error
    throw new CniError('internal', `failed to observe the container and the node: ${reasonOf(error)}`, error.message)
  } finally {
    kernel.close()
  }
}

/**
 * The settings of a call; reads SpiderCoordinator and annotation only if the conf leaves a key
 * open.
 * @throws CniError
 */
export async function resolveSettings(call: CoordinatorCall): Promise<CoordinatorSettings> {
  const cluster = needsCluster(call.config.keys) ? await clusterKeys(call) : {}
  return settingsOf(call.config, cluster satisfies CoordinatorKeys)
}

/** From the node agent where its socket answers, else from the API server. @throws CniError */
async function clusterKeys(call: CoordinatorCall): Promise<CoordinatorKeys> {
  const { config, command, env, host } = call
  const { kubeconfig, timeouts, agentSocket: path } = config
  const deadline = deadlineOf(command, timeouts, 'timeouts')
  const { keysFromAgent } = await import('../../lib/coordinator/agent-config.js')
  const found = await keysFromAgent({
    socket: { path, key: 'ipam.ipam_unix_socket_path' },
    ...{ command, env, host, pod: podOf(call), deadlineMs: deadline.ms, kubeconfig: kubeconfig.path },
  })
  return found ?? coordinatorKeys({ kubeconfig, deadline, env, pod: podToRead(call) })
}

const podOf = ({ args }: CoordinatorCall): { namespace: string; name: string } | undefined => {
  const [namespace = '', name = ''] = [args.get('K8S_POD_NAMESPACE'), args.get('K8S_POD_NAME')]
  return name === '' || namespace === '' ? undefined : { namespace, name }
}

/**
 * The pod whose annotation is to be read: of a secondary interface, if the conf has no
 * podDefaultRouteNic.
 */
function podToRead(call: CoordinatorCall): ReturnType<typeof podOf> {
  const { config, ifName } = call
  const isConfigured = (config.keys.podDefaultRouteNic ?? '') !== ''
  return isConfigured || config.hasAnnotations || ifName === config.podDefaultCniNic ? undefined : podOf(call)
}

/** Two locally administered unicast MACs (IEEE 802: the two low bits of the first byte). */
function randomMacs(): ContextInput['macs'] {
  const bytes = randomBytes(12)
  for (const first of [0, 6]) bytes[first] = ((bytes[first] ?? 0) & 0xfc) | 0x02
  return { pod: macFromBytes(bytes.subarray(0, 6)), node: macFromBytes(bytes.subarray(6)) }
}

/**
 * Observes and plans: the common part of ADD, CHECK and a dry run.
 * @throws CniError
 */
export function observeAndDecide(call: CoordinatorCall, settings: CoordinatorSettings, kernel: Kernel): Decision {
  const { ifName, containerID } = call
  const { mode, observed } = observeAll(kernel, { ifName, containerID, settings })
  return decide({ ifName, containerID, settings, mode, observed, macs: randomMacs() }, call.prevResult)
}

/**
 * ADD: prevResult, with the MAC that podMACPrefix sets.
 * @throws CniError; nothing is left behind
 */
export async function add(call: CoordinatorCall): Promise<Result> {
  const settings = await resolveSettings(call)
  const { prevResult } = call
  if (settings.mode === 'disabled') return prevResult ?? {}
  if (prevResult === undefined)
    throw new CniError('invalidConfig', 'Required prevResult missing', 'coordinator is chained after a main plugin')
  const log = logOf(call)
  for (const sentence of await sentencesOf(call.config.unknown)) log.warn(sentence, fieldsOf(call))
  const { detectIPConflict, detectGateway } = settings
  const inspect = detectIPConflict || detectGateway ? (await import('./conflict.js')).checkConflicts : undefined
  const framesOf =
    settings.macPrefix === undefined ? undefined : (await import('../../lib/probe/announce.js')).announcementsOf
  try {
    return await withKernel(call, kernel => addOn(call, kernel, { settings, prevResult, log, inspect, framesOf }))
  } catch (error) {
    log.error('not coordinated', { ...fieldsOf(call), error: String(error) })
    throw error
  }
}

interface Adding {
  readonly settings: CoordinatorSettings
  readonly prevResult: Result
  readonly log: Log
  /** Address conflict and gateway detection. Throws OwnError. */
  readonly inspect: ((of: ConflictProbe) => Promise<void>) | undefined
  /** Announcements, if podMACPrefix changes the MAC. */
  readonly framesOf: typeof announcementsOf | undefined
}

async function addOn(call: CoordinatorCall, kernel: Kernel, adding: Adding): Promise<Result> {
  const { settings, prevResult, log, inspect, framesOf } = adding
  const first = observeAndDecide(call, settings, kernel)
  rejectNodeAddresses(first.context, kernel)
  await inspect?.({ context: first.context, kernel, host: call.host })
  const raising = first.plan.filter(step => step.verb === 'setUp' && step.name === call.ifName && !step.was)
  const { context, observed, plan, warnings } =
    raising.length === 0 ? first : observeAfter(raising, call, settings, kernel)
  const steps = [...raising, ...pendingSteps(plan, observed)]
  applySteps(steps, kernel)
  undoUnlessRouted(() => failedChecksNow(context, kernel), steps, kernel)
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

/**
 * The pod must not have an address of the node. Throws OwnError 108 with the MAC that the node
 * answers with.
 */
function rejectNodeAddresses({ ifName, own }: CoordinatorContext, kernel: Kernel): void {
  const findings = podAddressesOnNode(kernel, ifName, own).map(owned => ({ kind: 'conflict', ...owned }) as const)
  const [first, ...others] = findings
  if (first === undefined) return
  const more = others.map(one => sentenceOf(one, ifName))
  throw new OwnError(REFUSALS.ipConflict.code, sentenceOf(first, ifName), [remedyOf(first), ...more].join('; '))
}

/**
 * Sets the NIC up and observes again: the kernel adds its connected routes, which are copied later.
 */
function observeAfter(raising: Plan, call: CoordinatorCall, settings: CoordinatorSettings, kernel: Kernel): Decision {
  applySteps(raising, kernel)
  try {
    return observeAndDecide(call, settings, kernel)
  } catch (error) {
    undoPlan(raising, kernel)
    throw error
  }
}

/** Applies a plan. Throws CniError naming the failed step, after undoing the steps before it. */
function applySteps(steps: Plan, kernel: Kernel): void {
  try {
    applyPlan(steps, kernel)
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    const { step, cause, undoFailures } = error
    throw refusalOf({ step, reason: reasonOf(cause), code: refusalCode(cause), notUndone: undoFailures })
  }
}

/** A warning only: the pod reaches its node, and its network once the master is up. */
function masterDown({ pod, ifName }: CoordinatorContext, kernel: Kernel): readonly string[] {
  const nic = linkNamed(pod, ifName)
  if (nic?.parent === undefined || !nic.parentElsewhere || (nic.flags & IFF_LOWER_UP) !== 0) return []
  const [master] = kernel.observe({ node: { links: [nic.parent] } }).node.links
  if (master === undefined || master.up) return []
  return [`master ${master.name} of ${ifName} is down on the node: ip link set ${master.name} up`]
}

/**
 * Messages for packets that the kernel routes differently from the plan. One request per packet.
 */
function failedChecksNow(context: CoordinatorContext, kernel: Kernel): readonly string[] {
  const checks = routeChecksOf(context, routedIps(context))
  const packets = { node: packetsIn(checks, 'node'), pod: packetsIn(checks, 'pod') }
  const { node, pod } = kernel.observe({ node: { packets: packets.node }, pod: { packets: packets.pod } })
  const observed = {
    node: { ...context.node, resolved: node.resolved },
    pod: { ...context.pod, resolved: pod.resolved },
  }
  return failedRouteChecks(checks, observed)
}

/** Undoes the steps and throws CniError if the kernel routes packets differently from the plan. */
function undoUnlessRouted(failedChecks: () => readonly string[], steps: Plan, kernel: Kernel): void {
  let failed: readonly string[]
  try {
    failed = failedChecks()
  } catch (error) {
    undoPlan(steps, kernel)
    throw error
  }
  if (failed.length === 0) return
  const left = undoPlan(steps, kernel)
  const details = [REMEDY, ...(left.length === 0 ? [] : [`not undone: ${left.join('; ')}`])].join('; ')
  throw new CniError('internal', failed.join('; '), details)
}

/** Neighbours that have the old MAC cached learn the new one at once. Best effort. */
function announce({ ifName, own }: CoordinatorContext, kernel: Kernel, framesOf: typeof announcementsOf): void {
  try {
    const { pod } = kernel.observe({ pod: { links: [ifName], addressesOn: ifName } })
    const mac = linkNamed(pod, ifName)?.mac
    if (mac === undefined) return
    const usable = pod.addresses.filter(({ tentative, dadFailed }) => !tentative && !dadFailed)
    const ips = own.filter(ip => usable.some(({ address }) => address.ip === ip))
    kernel.send(framesOf({ from: mac, ips }), { where: 'pod', name: ifName })
  } catch (error) {
    if (refusalCode(error) === undefined) throw error // only errors of the kernel are ignored
  }
}

/** Reads nf_tables and iptables, only if there are differences. */
const isFromGoNow = ({ context }: Decision, kernel: Kernel): boolean =>
  isFromGoCoordinator(context, kernel.observe({ pod: { nft: [NFT_TABLE], mangle: true } }).pod)

/**
 * CHECK.
 * @throws CniError naming each difference
 */
export async function check(call: CoordinatorCall): Promise<void> {
  const settings = await resolveSettings(call)
  if (settings.mode === 'disabled') return
  await withKernel(call, kernel => {
    const decision = observeAndDecide(call, settings, kernel)
    rejectNodeAddresses(decision.context, kernel)
    const isGo = missingSteps(decision).length > 0 && isFromGoNow(decision, kernel)
    const differences = differencesOf(decision, isGo)
    const wrong = differences.length > 0 ? differences : failedChecksNow(decision.context, kernel)
    if (wrong.length > 0)
      throw new CniError('internal', `${call.ifName} is not as coordinator left it: ${wrong.join('; ')}`)
  })
}

/**
 * DEL. Errors of the kernel are logged, not thrown, so that the DEL of the other plugins follows.
 */
export function del(call: CoordinatorCall): void {
  const log = logOf(call)
  const hasPod = call.netns !== ''
  try {
    delOn(call, hasPod, log)
  } catch (error) {
    if (hasPod && error instanceof NetnsError) return delOn(call, false, log)
    log.error('not undone', { ...fieldsOf(call), error: String(error) })
  }
}

function delOn(call: CoordinatorCall, hasPod: boolean, log: Log): void {
  const { ifName, containerID, config, prevResult } = call
  const { podDefaultCniNic: firstNic } = config
  const kernel = openKernel(hasPod ? call.netns : '', call.host)
  try {
    const observed = observeForDel(kernel, { ifName, containerID, firstNic, table: configuredTable(config), hasPod })
    if (isOfAnother({ containerID, ifName, prevResult }, observed)) {
      log.warn('CNI_NETNS names the namespace of another container, which is left as it is', fieldsOf(call))
      return delOn(call, false, log)
    }
    const { restore, undo, remove, release } = planForDel(delInputOf(call, observed))
    const failures = [
      ...restored(restore, kernel),
      ...undoPlan(undo, kernel),
      ...applyAll(remove, kernel),
      ...undoPlan(release, kernel),
    ]
    for (const failure of failures) log.error(failure, fieldsOf(call))
    log.info('deleted', { ...fieldsOf(call), steps: undo.length + remove.length + release.length, ...kernel.cost() })
  } finally {
    kernel.close()
  }
}

/** Applies every step; returns the reasons of the failures. */
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

/**
 * STATUS: whether an ADD would have its settings.
 * @throws CniError 50
 */
export async function status(call: CoordinatorCall): Promise<void> {
  logOf(call)
  try {
    await resolveSettings(call)
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    throw new CniError('notAvailable', error.message, error.details)
  }
}
