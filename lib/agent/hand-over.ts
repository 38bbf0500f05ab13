// Hands a whole CNI call over to the node agent, which executes the code of the plugin there.
import { deadlineOf, type TimeoutsConf } from '../cni/conf.js'
import type { CniEnv } from '../cni/env.js'
import { CniError } from '../cni/error.js'
import type { CallHost } from '../cni/host.js'
import { ask, send, waitsOfCall, waitsOfRequest, type UnixAnswer } from './client.js'
import {
  AGENT_STATUS,
  cniPath,
  undoPath,
  type CniCallReply,
  type CniCallRequest,
  type UndoRequest,
} from './protocol.js'
import { agentSocketOf, type AgentSocket, type NoAgent } from './socket.js'

/** What became of a call. */
export type HandedCall =
  | { readonly kind: 'executed'; readonly reply: CniCallReply; readonly socket: string }
  /** The agent of a Go system, which knows only the paths of its own API. */
  | { readonly kind: 'go'; readonly socket: string }
  | ({ readonly kind: 'none' } & NoAgent)
  /** The conf names a socket that it may not name. */
  | { readonly kind: 'refused'; readonly error: CniError }

export type ExecutedCall = Extract<HandedCall, { readonly kind: 'executed' }>
/** A call that this process is to execute without an agent. */
export type UnexecutedCall = Extract<HandedCall, { readonly kind: 'none' | 'refused' }>

export interface CallToHand {
  readonly env: CniEnv
  readonly stdin: string
  /** The conf in `stdin`. */
  readonly conf: unknown
}

/** Beyond the deadline of the call, which is for the API server and not for probes. */
const GRACE_MS = 15_000
const UNDO_MS_MAX = 20_000

/** Returns what the agent made of a call with an `ipam` object. Never throws. */
export const handOver = (plugin: string, call: CallToHand): HandedCall => beginHandOver(plugin, call)()

/** Sends the call; the function that it returns waits for what the agent made of it. */
export function beginHandOver(plugin: string, { env, stdin, conf }: CallToHand): () => HandedCall {
  const { socket: named, timeouts } = ipamKeysOf(conf)
  const found = socketOf(named, env)
  if (found.kind !== 'there') return () => found
  const socket = found.path
  const body: CniCallRequest = { env: ofCni(env), stdin }
  const totalMs = deadlineOf(env['CNI_COMMAND'] ?? '', timeouts, 'ipam.timeouts').ms + GRACE_MS
  const answer = send(socket, { method: 'POST', path: cniPath(plugin), body }, waitsOfCall(totalMs))
  return () => handedIn(answer(), socket, env)
}

/** As handOver(), of a call that the agent itself runs: it is never handed to another socket. */
export async function handOverWithin(
  plugin: string,
  { env, stdin }: CallToHand,
  { ask: askHost }: CallHost,
): Promise<HandedCall> {
  const body: CniCallRequest = { env: ofCni(env), stdin }
  const response = await askHost({ method: 'POST', path: cniPath(plugin), body })
  return handedIn({ kind: 'answered', ...response }, OWN_AGENT, env)
}

/** Stands for the socket's path in a sentence of the agent about itself. */
const OWN_AGENT = 'the agent'

function handedIn(answer: UnixAnswer, socket: string, env: CniEnv): HandedCall {
  if (answer.kind !== 'answered') return { kind: 'none', socket, why: answer.why, isMissing: false }
  if (answer.status === 404) return { kind: 'go', socket }
  const reply = answer.status === 200 ? replyIn(answer.body, env) : withStatus(answer)
  return typeof reply === 'string'
    ? { kind: 'none', socket, why: reply, isMissing: false }
    : { kind: 'executed', reply, socket }
}

const SOCKET_KEY = 'ipam.ipam_unix_socket_path'

/** For DEL and GC a socket that the conf may not name is no socket, as such a log is no log. */
function socketOf(path: string, env: CniEnv): AgentSocket | UnexecutedCall {
  try {
    return agentSocketOf({ path, key: SOCKET_KEY }, env)
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    return env['CNI_COMMAND'] === 'DEL' || env['CNI_COMMAND'] === 'GC'
      ? { kind: 'none', socket: SOCKET_KEY, why: `is not used: ${error.message}`, isMissing: false }
      : { kind: 'refused', error }
  }
}

/** The part of the environment that belongs to the call; KUBECONFIG and the like stay here. */
const ofCni = (env: CniEnv): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) =>
      value !== undefined && (key.startsWith('CNI_') || key.startsWith('MULTUS_')) ? [[key, value] as const] : [],
    ),
  )

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As Go's encoding/json: case is ignored, the last duplicate wins. */
const valueOf = (object: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.entries(object).findLast(([name]) => name.toLowerCase() === key)?.[1]

interface IpamKeys {
  /** '': not named. A value of another type is refused where the plugin reads its conf. */
  readonly socket: string
  readonly timeouts: TimeoutsConf
}

function ipamKeysOf(conf: unknown): IpamKeys {
  const ipam = isObject(conf) ? valueOf(conf, 'ipam') : undefined
  if (!isObject(ipam)) return { socket: '', timeouts: {} }
  const [socket, timeouts] = [valueOf(ipam, 'ipam_unix_socket_path'), valueOf(ipam, 'timeouts')]
  const seconds = isObject(timeouts)
    ? Object.entries(timeouts).flatMap(([key, value]) =>
        typeof value === 'number' && value > 0 ? [[key.toLowerCase(), value] as const] : [],
      )
    : []
  return { socket: typeof socket === 'string' ? socket : '', timeouts: Object.fromEntries(seconds) }
}

const SHOWN_MAX = 200

const shownText = (text: string): string =>
  JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text)

const withStatus = ({ status, body }: Extract<UnixAnswer, { readonly kind: 'answered' }>): string =>
  `answered with status ${status}: ${shownText(body.trim())}`

/** The reply in the body of a response; else why it is none, as the predicate of a sentence. */
function replyIn(body: string, env: CniEnv): CniCallReply | string {
  let reply: unknown
  try {
    reply = JSON.parse(body)
  } catch {
    return `answered what is no JSON: ${shownText(body.trim())}`
  }
  if (!isReply(reply)) return `answered what is no reply to a CNI call: ${shownText(body.trim())}`
  const { containerID, ifName, exitCode, stdout } = reply
  const [ownID = '', ownIfName = ''] = [env['CNI_CONTAINERID'], env['CNI_IFNAME']]
  if ((containerID ?? ownID) !== ownID || (ifName ?? ownIfName) !== ownIfName)
    return `answered for container ${containerID}, interface ${ifName}, and not for ${ownID}, ${ownIfName}`
  return isOutput(stdout, env['CNI_COMMAND'] ?? '', exitCode)
    ? reply
    : `answered what is no result of CNI ${env['CNI_COMMAND'] ?? ''}: ${shownText(stdout)}`
}

function isReply(value: unknown): value is CniCallReply {
  if (!isObject(value)) return false
  const { exitCode, stdout, stderr, containerID = '', ifName = '', claim = '' } = value
  return (
    (exitCode === 0 || exitCode === 1) &&
    [stdout, stderr, containerID, ifName, claim].every(text => typeof text === 'string')
  )
}

/** An ADD prints a result with addresses, a failure an error with its code. */
function isOutput(stdout: string, command: string, exitCode: 0 | 1): boolean {
  if (exitCode === 0 && command !== 'ADD') return true
  try {
    const output: unknown = JSON.parse(stdout)
    if (!isObject(output)) return false
    return exitCode === 1 ? typeof output['code'] === 'number' : Array.isArray(output['ips'])
  } catch {
    return false
  }
}

/** For stderr, where an agent is there and has not executed a call; '' on a node without one. */
export const noteOf = (handed: HandedCall): string =>
  handed.kind === 'none' && !handed.isMissing
    ? `spiderpool-agent has not executed this call: ${handed.socket} ${handed.why}\n`
    : ''

/**
 * Releases what one ADD allocated, and only that.
 * @throws Error with the reason; the DEL that follows a failed ADD then releases it
 */
export function undo(plugin: string, { socket, reply }: ExecutedCall): void {
  const request = undoRequest(plugin, reply)
  throwUnlessUndone(ask(socket, request, waitsOfRequest(UNDO_MS_MAX)))
}

/** As undo(), of a call that the agent itself runs. @throws Error with the reason */
export async function undoWithin(plugin: string, { reply }: ExecutedCall, { ask: askHost }: CallHost): Promise<void> {
  throwUnlessUndone({ kind: 'answered', ...(await askHost(undoRequest(plugin, reply))) })
}

function undoRequest(plugin: string, { claim }: CniCallReply) {
  if (claim === undefined) throw new Error('spiderpool-agent named no claim; DEL releases the addresses')
  const body: UndoRequest = { claim }
  return { method: 'POST', path: undoPath(plugin), body } as const
}

function throwUnlessUndone(answer: UnixAnswer): void {
  if (answer.kind === 'answered' && answer.status === 200) return
  const why =
    answer.kind !== 'answered'
      ? answer.why
      : answer.status === AGENT_STATUS.unknownClaim
        ? 'has been restarted since'
        : withStatus(answer)
  throw new Error(`spiderpool-agent ${why}; DEL releases the addresses`)
}
