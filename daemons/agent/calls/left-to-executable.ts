// Which calls of whole plugins the agent leaves to the executable, and why. Pure.
import type { CallRequest } from './run.js'

/** What is known of a path of the node: the same file here, other or none here, or none on both. */
export type PathView = 'same' | 'other' | 'gone'

export interface FullImageDeps {
  /** What paths of the node are here. */
  readonly files: { folder(path: string): PathView; netns(path: string): PathView }
  /** The sockets that a conf may name for this agent. */
  readonly sockets: readonly string[]
}

/** Types of the IPAM that need no executable in CNI_PATH. */
const OWN_IPAM: readonly string[] = ['', 'spiderpool', 'spiderpool-ipam']
const LOG_FOLDER = '/var/log/spidernet'
/** The lock and the users of links, and NetworkManager's state. */
const NODE_FOLDERS: readonly string[] = ['/run/spidernet', '/run/NetworkManager']
const NO_LOG = '/dev/null'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As Go's encoding/json: case is ignored, the last duplicate wins. */
const valueIn = (object: unknown, key: string): unknown =>
  isObject(object) ? Object.entries(object).findLast(([name]) => name.toLowerCase() === key)?.[1] : undefined

const textIn = (object: unknown, key: string): string => {
  const value = valueIn(object, key)
  return typeof value === 'string' ? value : ''
}

/**
 * Why the executable must run this call, as a predicate of the agent; undefined where the agent
 * runs it. A conf that is no JSON is run: the plugin refuses it.
 */
export function whyFullImage({ plugin, env, stdin }: CallRequest, deps: FullImageDeps): string | undefined {
  const netns = env['CNI_NETNS'] ?? ''
  if (netns !== '' && deps.files.netns(netns) === 'other') return `does not see the network namespace ${netns}`
  const conf = parsed(stdin)
  const ipam = valueIn(conf, 'ipam')
  const socket = textIn(ipam, 'ipam_unix_socket_path')
  if (socket !== '' && !deps.sockets.includes(socket)) return `does not listen at ${socket}, which the conf names`
  if (plugin === 'macvlan-wrapper') {
    const type = textIn(ipam, 'type')
    if (!OWN_IPAM.includes(type)) return `does not execute the IPAM ${type}`
    return valueIn(conf, 'linkincontainer') === true ? 'does not run a conf with linkInContainer' : undefined
  }
  const folders = [folderOfLog(conf), ...(plugin === 'ifacer' ? NODE_FOLDERS : [])]
  const unseen = folders.find(folder => deps.files.folder(folder) !== 'same')
  return unseen === undefined ? undefined : `does not see the folder ${unseen} of the node`
}

function folderOfLog(conf: unknown): string {
  const file = textIn(valueIn(conf, 'logoptions'), 'logfile')
  return file === '' || file === NO_LOG || !file.startsWith('/') ? LOG_FOLDER : parentOf(file)
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
