// Which unix socket an executable takes for the node agent's. A network definition must not make
// root connect to a socket that another user can have made.
import { lstatSync } from 'node:fs'
import type { CniEnv } from '../cni/env.js'
import { folderOf, normal, outside, refuse, refuseFolders, resolve, type NamedFile } from '../cni/node-config.js'
import { codeOf, messageOf } from '../errors.js'
import { whyNotSocket } from '../file-trust.js'
import { AGENT_SOCKET, AGENT_SOCKET_ENV, FIRST_BYTE_MS, SILENT_SOCKET_ENV } from './protocol.js'

/** An agent that cannot execute a call. */
export interface NoAgent {
  /** Path of the socket. */
  readonly socket: string
  /** The predicate of a sentence about the socket. */
  readonly why: string
  /** There is no such file: a node without an agent. */
  readonly isMissing: boolean
}

/** For an error, where there is no kubeconfig either. */
export const neitherWay = ({ socket, why }: NoAgent, kubeconfigs: readonly string[]): string =>
  `unhealthy spiderpool-agent backend: ${socket} ${why}, and there is no kubeconfig to go without it (${kubeconfigs.join(', ')}); the DaemonSet spiderpool-agent must run on this node, or KUBECONFIG or the conf name a kubeconfig`

export type AgentSocket = { readonly kind: 'there'; readonly path: string } | ({ readonly kind: 'none' } & NoAgent)

/**
 * The socket that the conf names, else that of the environment, which is root's, else the default.
 * @throws CniError 7 for a path of the conf in no allowed folder, or that another user can change
 */
export function agentSocketOf({ path, key }: NamedFile, env: CniEnv): AgentSocket {
  if (path === '' || path === AGENT_SOCKET) return heard(ownSocket(path || env[AGENT_SOCKET_ENV] || AGENT_SOCKET), env)
  const resolved = resolve(path)
  if (folderOf(resolved ?? normal(path), 'socketFolders', env) === undefined)
    throw outside({ path, key }, 'socketFolders', env)
  if (resolved === undefined) return missing(path)
  refuseFolders({ path, key }, resolved)
  refuse({ path, key }, resolved, whyNotSocket(lstatSync(resolved)))
  return heard({ kind: 'there', path: resolved }, env)
}

/** The client has waited for this socket in the same call: the full image does not wait again. */
function heard(found: AgentSocket, env: CniEnv): AgentSocket {
  if (found.kind !== 'there' || found.path !== env[SILENT_SOCKET_ENV]) return found
  return { kind: 'none', socket: found.path, why: `sent nothing for ${FIRST_BYTE_MS / 1000} s`, isMissing: false }
}

const missing = (socket: string): AgentSocket => ({
  kind: 'none',
  socket,
  why: 'is not there',
  isMissing: true,
})

/** A path that root chose: one that is not trusted is not used, and the call goes direct. */
function ownSocket(path: string): AgentSocket {
  const resolved = resolve(path)
  if (resolved === undefined) return missing(path)
  try {
    refuseFolders({ path, key: 'socket' }, resolved)
    const why = whyNotSocket(lstatSync(resolved))
    return why === undefined ? { kind: 'there', path: resolved } : { kind: 'none', socket: path, why, isMissing: false }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return missing(path)
    return { kind: 'none', socket: path, why: `cannot be trusted: ${messageOf(error)}`, isMissing: false }
  }
}
