// The folders of the node that a conf may name files in: those that are always allowed, and those
// of the administrator's file.
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { codeOf } from '../errors.js'
import { whyNotFile, whyNotFolder } from '../file-trust.js'
import type { CniEnv } from './env.js'
import { CniError } from './error.js'

/**
 * The administrator's file; SPIDERPOOL_NODE_CONFIG in the runtime's environment, root's too,
 * overrides it.
 */
export const NODE_CONFIG = '/etc/cni/net.d/spiderpool.d/node.json'
export const NODE_CONFIG_VARIABLE = 'SPIDERPOOL_NODE_CONFIG'

const FOLDERS = {
  kubeconfigFolders: ['/etc/cni/net.d'],
  logFolders: ['/var/log/spidernet'],
  socketFolders: ['/var/run/spidernet', '/run/spidernet'],
} as const
type Key = keyof typeof FOLDERS

/** A path that a conf names, and the key that names it. */
export interface NamedFile {
  readonly path: string
  readonly key: string
}

/** CNI error 7. */
export const wrong = (message: string): CniError => new CniError('invalidConfig', message)

/** @throws CniError 7 with the reason why a path that a conf names is not trusted */
export function refuse({ path, key }: NamedFile, what: string, why: string | undefined): void {
  if (why === undefined) return
  throw wrong(`${key} is "${path}", and ${what === path ? 'it' : what} ${why}`)
}

/** The refusal of a path in no folder that the administrator allows. */
export const outside = ({ path, key }: NamedFile, folders: Key, env: CniEnv): CniError =>
  wrong(
    `${key} is "${path}"; a conf may only name a file under ${FOLDERS[folders].join(', ')} or a folder of ${folders} in ${fileOf(env)} (docs/security.md)`,
  )

/** The path without links; undefined if it does not resolve. */
export function resolve(path: string): string | undefined {
  try {
    return path.startsWith('/') ? realpathSync(path) : undefined
  } catch {
    return undefined // missing, or a loop of links
  }
}

/** Without `.`, `..` and double slashes; '' for a path that is not absolute. */
export function normal(path: string): string {
  if (!path.startsWith('/')) return ''
  const parts: string[] = []
  for (const part of path.split('/'))
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  return `/${parts.join('/')}`
}

/** @throws CniError 7 if a user other than root can change a folder of the path */
export function refuseFolders(named: NamedFile, path: string): void {
  for (const folder of ['/', ...parentsOf(path)]) refuse(named, folder, whyNotFolder(folder))
}

const parentsOf = (path: string): readonly string[] => {
  const parts = path.split('/').slice(1, -1)
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`)
}

/**
 * The allowed folder that contains a path; undefined if none does. The node's file is read only for
 * a path outside the folders that are always allowed.
 */
export function folderOf(path: string, key: Key, env: CniEnv): string | undefined {
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
  if (unknown) throw says(`has the key "${unknown[0]}"; it may have ${Object.keys(FOLDERS).join(', ')}`)
  const folders: unknown = entries.find(([name]) => name === key)?.[1] ?? []
  const isList = Array.isArray(folders) && folders.every(one => typeof one === 'string' && normal(one) === one)
  if (!isList || folders.includes('/'))
    throw says(`has ${key} ${JSON.stringify(folders)}; it must be a list of absolute paths such as "/data/log"`)
  return folders as readonly string[]
}
