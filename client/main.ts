// The client of the node agent under the names of the CNI plugins: hands the call over and relays
// the answer. What it cannot hand over, the full image executes (client.c).
import { deadlineOf, type TimeoutsConf } from '../lib/cni/conf.js'
import type { CniEnv } from '../lib/cni/env.js'
import { AGENT_SOCKET, BODY_BYTES_MAX, cniPath, REPEATED_CALL_ENV, SILENT_SOCKET_ENV } from '../lib/agent/protocol.js'
import { agentSocketOf } from '../lib/agent/socket.js'
import { ask } from './ask.js'
import { replyIn, type Reply } from './reply.js'

/** By scripts/client.ts: the CNI versions that each plugin supports. */
declare const PLUGIN_VERSIONS: Readonly<Record<string, readonly string[]>>

/** What client.c does when this ends. */
type Exit =
  /** Exits with the status; stdout and stderr are written. */
  | number
  /**
   * Executes the full image, which gets the same environment and stdin. `note` is for stderr,
   * `variable` (`NAME=value`) is one more.
   */
  | { readonly note: string; readonly variable?: string }

const FULL_IMAGE: Exit = { note: '' }
const { system } = globalThis

/** Names that stand for a plugin of another name. */
const ALIASES: Readonly<Record<string, string>> = { spiderpool: 'spiderpool-ipam' }
const VERBS: readonly string[] = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS']
/** As FIRST_BYTE_MS to the API server's deadline: probes have no part of it (hand-over.ts). */
const GRACE_MS = 15_000

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

function main(): Exit {
  const name = baseName(system.argv0)
  const plugin = Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? '') : name
  const versions = Object.hasOwn(PLUGIN_VERSIONS, plugin) ? PLUGIN_VERSIONS[plugin] : undefined
  if (versions === undefined || system.argc !== 1) return FULL_IMAGE
  const env = environment()
  const command = env['CNI_COMMAND'] ?? ''
  if (command === 'VERSION') return versionOf(versions)
  return VERBS.includes(command) ? handOver(plugin, env) : FULL_IMAGE
}

/** The last of two variables of one name, as the full image has it. */
const environment = (): CniEnv =>
  Object.fromEntries(
    system.environ.map(line => {
      const equals = line.indexOf('=')
      return [line.slice(0, Math.max(0, equals)), line.slice(equals + 1)]
    }),
  )

const versionOf = (versions: readonly string[]): Exit =>
  print({
    exitCode: 0,
    stdout: `${JSON.stringify({ cniVersion: versions.at(-1), supportedVersions: versions })}\n`,
    stderr: '',
  })

/** Stdout first: stderr may be closed. */
function print({ exitCode, stdout, stderr }: Reply): number {
  const failed = system.write(1, stdout)
  if (failed === 0) {
    system.write(2, stderr)
    return exitCode
  }
  system.write(2, `${stderr}error writing to stdout: ${system.strerror(-failed)}\n`)
  return 1
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function handOver(plugin: string, env: CniEnv): Exit {
  const stdin = system.input(BODY_BYTES_MAX)
  const conf = stdin === undefined ? undefined : confIn(stdin)
  if (stdin === undefined || conf === undefined) return FULL_IMAGE
  const ipam = valueOf(conf, 'ipam')
  const named = isObject(ipam) ? valueOf(ipam, 'ipam_unix_socket_path') : undefined
  const socket = socketOf(typeof named === 'string' ? named : '', env)
  if (socket === undefined) return FULL_IMAGE
  const body = `${JSON.stringify({ env: passedOf(env), stdin })}\n`
  if (system.byteLength(body) > BODY_BYTES_MAX) return FULL_IMAGE
  const totalMs = deadlineOf(env['CNI_COMMAND'] ?? '', timeoutsIn(ipam), 'ipam.timeouts').ms + GRACE_MS
  const answer = ask(socket, { path: cniPath(plugin), body }, totalMs)
  if (answer.kind === 'absent')
    return answer.isSilent ? { note: '', variable: `${SILENT_SOCKET_ENV}=${socket}` } : FULL_IMAGE
  const reply = answer.kind === 'answered' ? replyIn(answer.body, { plugin, env }) : answer.why
  if (reply === undefined) return FULL_IMAGE
  if (typeof reply !== 'string') return print(reply)
  const isRepeated = answer.kind === 'broken' && answer.hasEnded === true
  const note = `spiderpool-agent has not executed this call: ${socket} ${reply}\n`
  return { note, ...(isRepeated && { variable: `${REPEATED_CALL_ENV}=1` }) }
}

/** The conf; undefined for what is no JSON object, of which the full image says what is wrong. */
function confIn(stdin: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const conf: unknown = JSON.parse(stdin)
    return isObject(conf) ? conf : undefined
  } catch {
    return undefined
  }
}

/** As Go's encoding/json: case is ignored, the last duplicate wins. */
const valueOf = (object: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.entries(object).findLast(([name]) => name.toLowerCase() === key)?.[1]

/** What belongs to the call; KUBECONFIG and the like stay here. */
const passedOf = (env: CniEnv): CniEnv =>
  Object.fromEntries(Object.entries(env).filter(([key]) => key.startsWith('CNI_') || key.startsWith('MULTUS_')))

/**
 * The socket. Undefined where there is none or it is not trusted: the full image has the sentence,
 * and reads the node's file where a conf names another folder than the default.
 */
function socketOf(path: string, env: CniEnv): string | undefined {
  const isOwn = path === '' || path === AGENT_SOCKET
  if (!isOwn && !['/var/run/spidernet/', '/run/spidernet/'].some(folder => path.startsWith(folder))) return undefined
  try {
    const found = agentSocketOf({ path, key: 'ipam.ipam_unix_socket_path' }, env)
    return found.kind === 'there' ? found.path : undefined
  } catch {
    return undefined
  }
}

/** Of another type than numbers: what the plugin refuses. */
function timeoutsIn(ipam: unknown): TimeoutsConf {
  const timeouts = isObject(ipam) ? valueOf(ipam, 'timeouts') : undefined
  const seconds = isObject(timeouts) ? Object.entries(timeouts) : []
  return Object.fromEntries(
    seconds.flatMap(([key, value]) =>
      typeof value === 'number' && value > 0 ? [[key.toLowerCase(), value] as const] : [],
    ),
  )
}

/** The entry point that client.c calls. */
Object.assign(globalThis, { main })
