// The coordinator's settings from the node agent, ours or a Go system's.
import { existsSync } from 'node:fs'
import { ask, waitsOfRequest, type UnixAnswer } from '../agent/client.js'
import { AGENT_PATHS, COMMAND_HEADER, SILENT_SOCKET_ENV, type CoordinatorConfigRequest } from '../agent/protocol.js'
import { agentSocketOf, neitherWay, type NoAgent } from '../agent/socket.js'
import { CniError } from '../cni/error.js'
import type { CallHost } from '../cni/host.js'
import { ConfReader } from '../cni/json.js'
import type { NamedFile } from '../cni/node-config.js'
import { kubeconfigPaths } from '../kube/entry.js'
import { keysOf, type CoordinatorKeys } from './cluster-config.js'

export interface AgentConfigCall {
  /** `ipam.ipam_unix_socket_path`, or '' for the default. */
  readonly socket: NamedFile
  readonly command: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The agent where it runs the call itself. */
  readonly host: CallHost | undefined
  /** Undefined where the runtime names none, and for STATUS. */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined
  readonly deadlineMs: number
  /** Path of the kubeconfig that the conf names, or ''. */
  readonly kubeconfig: string
}

const FAILED = 'failed to GetCoordinatorConfig'

/** Where a kubeconfig is there: the agent may read a pod from the API server before it answers. */
const FIRST_BYTE_MS = 3_000

/**
 * The keys that the agent answers with; undefined where there is none and a kubeconfig is there.
 * @throws CniError 11 where neither is there or a retry may help, 7 without a SpiderCoordinator and
 *   for a socket that the conf may not name
 */
export async function keysFromAgent(call: AgentConfigCall): Promise<CoordinatorKeys | undefined> {
  const { socket, env, kubeconfig, host } = call
  if (host) return keysWithin(call, host)
  const kubeconfigs = kubeconfigPaths(kubeconfig, env)
  // One that the conf names is looked at only where the administrator allows it.
  const hasKubeconfig = kubeconfig !== '' || kubeconfigs.some(path => existsSync(path))
  // Without another way, an agent that was silent for the client is asked once more.
  const found = agentSocketOf(socket, hasKubeconfig ? env : { ...env, [SILENT_SOCKET_ENV]: undefined })
  const asked = found.kind === 'there' ? askedOf(found.path, call, hasKubeconfig) : found
  if (!('why' in asked)) return asked
  if (hasKubeconfig) return undefined
  throw new CniError('tryAgain', `${FAILED}: ${neitherWay(asked, kubeconfigs)}`)
}

function requestOf({ command, pod }: AgentConfigCall) {
  const body: CoordinatorConfigRequest = { podName: pod?.name ?? '', podNamespace: pod?.namespace ?? '' }
  return { method: 'GET', path: AGENT_PATHS.coordinatorConfig, headers: { [COMMAND_HEADER]: command }, body } as const
}

/** The agent has no other way than itself. @throws CniError */
async function keysWithin(call: AgentConfigCall, host: CallHost): Promise<CoordinatorKeys> {
  const answer = { kind: 'answered', ...(await host.ask(requestOf(call))) } as const
  const keys = keysOfAnswer(answer, call, 'the agent')
  if (!('why' in keys)) return keys
  throw new CniError('tryAgain', `${FAILED}: ${keys.socket} ${keys.why}`)
}

function askedOf(socket: string, call: AgentConfigCall, hasKubeconfig: boolean): CoordinatorKeys | NoAgent {
  const { deadlineMs } = call
  const waits = waitsOfRequest(hasKubeconfig ? Math.min(FIRST_BYTE_MS, deadlineMs) : deadlineMs)
  return keysOfAnswer(ask(socket, requestOf(call), waits), call, socket)
}

function keysOfAnswer(answer: UnixAnswer, { pod }: AgentConfigCall, socket: string): CoordinatorKeys | NoAgent {
  const none = (why: string): NoAgent => ({ socket, why, isMissing: false })
  if (answer.kind !== 'answered') return none(answer.why)
  const value = jsonIn(answer.body)
  if (answer.status === 200) return keysIn(value) ?? none(`answered with no settings: ${shownText(answer.body)}`)
  if (answer.status !== 500 || typeof value !== 'string')
    return none(`answered with status ${answer.status}: ${shownText(answer.body)}`)
  // A Go agent requires a pod, which STATUS has not; the SpiderCoordinator is there by then.
  if (pod === undefined && value.startsWith(POD_MISSING)) return {}
  throw refusalOf(value)
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Undefined unless it is a configuration: an object with a mode and no key of a wrong type. */
function keysIn(value: unknown): CoordinatorKeys | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  try {
    const keys = keysOf(new ConfReader(value, 'spiderpool-agent: '))
    return keys.mode === undefined ? undefined : keys
  } catch (error) {
    if (error instanceof CniError) return undefined
    throw error
  }
}

const SHOWN_MAX = 200
const shownText = (text: string): string => JSON.stringify(text.trim().slice(0, SHOWN_MAX))

const POD_MISSING = 'failed to get pod '

/** The sentences of the Go system's agent, which ours answers with too. */
function refusalOf(message: string): CniError {
  const sentence = `${FAILED}: ${message}`
  if (message.startsWith(POD_MISSING)) return new CniError('internal', sentence)
  if (message.includes('coordinator config not found'))
    return new CniError(
      'invalidConfig',
      sentence,
      'the API server has no SpiderCoordinator; create it, or give mode, overlayPodCIDR and serviceCIDR in the conf',
    )
  return new CniError(
    'tryAgain',
    sentence,
    'pods wait until the SpiderCoordinator is Synced, which spiderpool-controller does',
  )
}
