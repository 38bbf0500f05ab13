// Which files of the node a conf may name. Authors of network definitions are not root, so the
// node's administrator allows the folders (docs/security.md).
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { DEFAULT_KUBECONFIG, kubeconfigPaths } from '../kube/entry.js'
import { codeOf } from '../errors.js'
import { MUTE, openLog, type Log, type LogOptions } from '../log.js'
import { whyNotFile, whyNotFolder } from '../file-trust.js'
import type { CniEnv } from './env.js'
import { CniError } from './error.js'

/**
 * The administrator's file; SPIDERPOOL_NODE_CONFIG in the runtime's environment, root's too,
 * overrides it.
 */
export const NODE_CONFIG = '/etc/cni/net.d/spiderpool.d/node.json'
export const NODE_CONFIG_VARIABLE = 'SPIDERPOOL_NODE_CONFIG'

const FOLDERS = { kubeconfigFolders: ['/etc/cni/net.d'], logFolders: ['/var/log/spidernet'] } as const
type Key = keyof typeof FOLDERS

/** As a log file: no log. */
const NO_LOG = '/dev/null'

/** A path that a conf names, and the key that names it. */
export interface NamedFile {
  readonly path: string
  readonly key: string
}

const wrong = (message: string): CniError => new CniError('invalidConfig', message)

/**
 * The path of the kubeconfig, links resolved: the conf's, else the one of KUBECONFIG, else the
 * installed one. Undefined for several in KUBECONFIG.
 * @throws CniError 7 if the conf's is in no allowed folder, or a user other than root can change
 * one of them
 */
export function kubeconfigOf({ path, key }: NamedFile, env: CniEnv): string | undefined {
  if (path === DEFAULT_KUBECONFIG) return trusted({ path, key })
  if (path === '') {
    const paths = kubeconfigPaths(undefined, env)
    const by = env['KUBECONFIG'] ? 'KUBECONFIG' : 'the installed kubeconfig'
    const found = paths.map(one => trusted({ path: one, key: by }))
    return found.length === 1 ? found[0] : undefined
  }
  const resolved = resolve(path)
  if (folderOf(resolved ?? normal(path), 'kubeconfigFolders', env) === undefined)
    throw outside({ path, key }, 'kubeconfigFolders', env)
  // Checked here and not by the reader: a link could have been retargeted by then.
  if (resolved === undefined) throw wrong(`${key} is "${path}", and there is no such file`)
  return trusted({ path, key })
}

/** The file, links resolved; one that is missing as it is named, for the reader to say so. */
function trusted({ path, key }: NamedFile): string {
  let resolved: string
  try {
    resolved = realpathSync(path)
  } catch {
    return path
  }
  const folders = ['/', ...parentsOf(resolved)]
  for (const folder of folders) refuse({ path, key }, folder, whyNotFolder(folder))
  refuse({ path, key }, resolved, whyNotFile(statSync(resolved)))
  return resolved
}

/**
 * The log that a conf names. For DEL and GC an invalid one is no log, so that the pod can be
 * deleted.
 * @throws CniError 7
 */
export function logOf(
  call: { readonly command: string; readonly env: CniEnv },
  key: string,
  options: Omit<LogOptions, 'folder'>,
): Log {
  if (options.file === NO_LOG) return MUTE
  try {
    const folder = logFolderOf({ path: options.file, key }, call.env)
    return openLog({ ...options, file: normal(options.file), folder })
  } catch (error) {
    if (error instanceof CniError && (call.command === 'DEL' || call.command === 'GC')) return MUTE
    throw error
  }
}

/** The allowed folder that contains the log. @throws CniError 7 */
function logFolderOf(named: NamedFile, env: CniEnv): string {
  const folder = folderOf(normal(named.path), 'logFolders', env)
  if (folder === undefined) throw outside(named, 'logFolders', env)
  return folder
}

function refuse({ path, key }: NamedFile, what: string, why: string | undefined): void {
  if (why === undefined) return
  throw wrong(`${key} is "${path}", and ${what === path ? 'it' : what} ${why}`)
}

const outside = ({ path, key }: NamedFile, folders: Key, env: CniEnv): CniError =>
  wrong(
    `${key} is "${path}"; a conf may only name a file under ${FOLDERS[folders].join(', ')} or a folder of ${folders} in ${fileOf(env)} (docs/security.md)`,
  )

/** Undefined if the path does not resolve. */
function resolve(path: string): string | undefined {
  try {
    return path.startsWith('/') ? realpathSync(path) : undefined
  } catch {
    return undefined // missing, or a loop of links
  }
}

/** Without `.`, `..` and double slashes; '' for a path that is not absolute. */
function normal(path: string): string {
  if (!path.startsWith('/')) return ''
  const parts: string[] = []
  for (const part of path.split('/'))
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  return `/${parts.join('/')}`
}

const parentsOf = (path: string): readonly string[] => {
  const parts = path.split('/').slice(1, -1)
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`)
}

/** The node's file is read only for a path outside the folders that are always allowed. */
function folderOf(path: string, key: Key, env: CniEnv): string | undefined {
  const isIn = (folder: string): boolean => path.startsWith(`${folder}/`)
  const holds = (folder: string): boolean => isIn(folder) || isIn(resolve(folder) ?? folder)
  return FOLDERS[key].find(isIn) ?? FOLDERS[key].find(holds) ?? foldersIn(fileOf(env), key).find(holds)
}

const fileOf = (env: CniEnv): string => env[NODE_CONFIG_VARIABLE] || NODE_CONFIG

/** @throws CniError 7 for a file that is not root's or is not valid */
function foldersIn(file: string, key: Key): readonly string[] {
  const says = (what: string): CniError => wrong(`${file} ${what}; the administrator of this node must correct it`)
  let value: unknown
  try {
    const why = whyNotFile(statSync(file))
    if (why !== undefined) throw says(why)
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof CniError) throw error
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw says(`cannot be read (${code || String(error)})`)
  }
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : undefined
  if (entries === undefined) throw says('is not a JSON object')
  const unknown = entries.find(([name]) => !Object.hasOwn(FOLDERS, name))
  if (unknown) throw says(`has the key "${unknown[0]}"; it may have ${Object.keys(FOLDERS).join(' and ')}`)
  const folders: unknown = entries.find(([name]) => name === key)?.[1] ?? []
  const isList = Array.isArray(folders) && folders.every(one => typeof one === 'string' && normal(one) === one)
  if (!isList || folders.includes('/'))
    throw says(`has ${key} ${JSON.stringify(folders)}; it must be a list of absolute paths such as "/data/log"`)
  return folders as readonly string[]
}
