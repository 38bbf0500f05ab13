// One CNI call that an executable handed over: the plugin on the agent's store.
import type { CniCallReply } from '../../../lib/agent/protocol.js'
import { outcomeOf, type Plugin } from '../../../lib/cni/plugin.js'
import type { Log } from '../../../lib/log.js'
import type { Claims } from './claims.js'
import type { Serializer } from './serialize.js'
import { withSwitches, type IpamSwitchDefaults } from './conf-defaults.js'

export interface CallRequest {
  readonly plugin: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

/**
 * A plugin whose API server is the agent's; `claimed` gets the undo of a successful ADD.
 */
export type AgentPlugin = (claimed: (undo: () => Promise<void>) => void) => Promise<Plugin<unknown>>

export interface CallDeps {
  readonly plugins: ReadonlyMap<string, AgentPlugin>
  readonly claims: Claims
  readonly serializer: Serializer
  readonly switches: IpamSwitchDefaults
  /** Variables of the agent; a variable of the call goes before. */
  readonly env: Readonly<Record<string, string>>
  readonly sameNetns: (path: string) => boolean
  readonly log: Log
  readonly now: () => number
  readonly onCall?: (call: EndedCall) => void
}

/** A call that has ended, for the metrics. */
export interface EndedCall {
  readonly plugin: string
  readonly command: string
  /** The error reply of a failed call, as JSON; undefined of one that is done. */
  readonly error: string | undefined
  /** From its beginning to its end. */
  readonly ms: number
  /** Until it began: behind calls of its container, or behind too many calls. */
  readonly waitedMs: number
}

/** Of a call's variables only those of a runtime and of Multus reach the plugin. */
const PASSED = /^(CNI|MULTUS)_/

export const passedOf = (env: CallRequest['env']): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(env).filter(([key, value]) => PASSED.test(key) && value !== ''))

export const hasPlugin = ({ plugins }: CallDeps, name: string): boolean => plugins.has(name)

/**
 * What the executable prints and its exit status. Calls of one container run one after another.
 * Never throws.
 */
export function runCall(request: CallRequest, deps: CallDeps): Promise<CniCallReply> {
  const containerID = request.env['CNI_CONTAINERID'] ?? ''
  const arrivedMs = deps.now()
  if (containerID === '') return runNow(request, deps, arrivedMs) // VERSION, STATUS, GC
  return deps.serializer.run(containerID, () => runNow(request, deps, arrivedMs))
}

async function runNow(
  { plugin: name, env, stdin }: CallRequest,
  deps: CallDeps,
  arrivedMs: number,
): Promise<CniCallReply> {
  const began = deps.now()
  let undo: (() => Promise<void>) | undefined
  const load = deps.plugins.get(name)
  if (load === undefined) return { exitCode: 1, stdout: '', stderr: `the agent has no plugin ${name}\n` }
  const plugin = await load(one => (undo = one))
  const outcome = await outcomeOf(plugin, {
    env: { ...deps.env, ...passedOf(env) },
    readStdin: () => withSwitches(stdin, deps.switches),
    sameNetns: deps.sameNetns,
  })
  logCall({ name, env, outcome, ms: deps.now() - began, waitedMs: began - arrivedMs }, deps)
  const isDone = outcome.exitCode === 0
  const attachment = `${env['CNI_CONTAINERID'] ?? ''} ${env['CNI_IFNAME'] ?? ''}`
  if (isDone && env['CNI_COMMAND'] === 'DEL') deps.claims.forget(attachment)
  const of = { containerID: env['CNI_CONTAINERID'] ?? '', ifName: env['CNI_IFNAME'] ?? '' }
  return { ...outcome, ...of, ...(isDone && undo !== undefined && { claim: deps.claims.keep(attachment, undo) }) }
}

interface Ended {
  readonly name: string
  readonly env: CallRequest['env']
  readonly outcome: Pick<CniCallReply, 'exitCode' | 'stdout' | 'stderr'>
  readonly ms: number
  readonly waitedMs: number
}

const POD = /(?:^|;)K8S_POD_(NAMESPACE|NAME)=([^;]*)/g

/** One line for each call; a failed one with the error that the runtime gets. */
export function logCall(
  { name, env, outcome, ms, waitedMs }: Ended,
  { log, onCall }: Pick<CallDeps, 'log' | 'onCall'>,
): void {
  const command = env['CNI_COMMAND'] ?? ''
  const failed = outcome.exitCode !== 0
  onCall?.({ plugin: name, command, error: failed ? outcome.stdout : undefined, ms, waitedMs })
  const pod = Object.fromEntries([...(env['CNI_ARGS'] ?? '').matchAll(POD)].map(([, key = '', value]) => [key, value]))
  const fields = {
    plugin: name,
    command,
    containerID: env['CNI_CONTAINERID'] ?? '',
    ifName: env['CNI_IFNAME'] ?? '',
    pod: `${pod['NAMESPACE'] ?? ''}/${pod['NAME'] ?? ''}`,
    ms: Math.round(ms),
    waitedMs: Math.round(waitedMs),
  }
  if (failed) log.error('call failed', { ...fields, error: outcome.stdout, stack: outcome.stderr })
  else log[command === 'ADD' || command === 'DEL' ? 'info' : 'debug']('call done', fields)
}
