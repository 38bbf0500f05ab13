// Which files of the node a conf may name. Authors of network definitions are not root, so the
// node's administrator allows the folders (docs/security.md).
import { statSync } from 'node:fs'
import { DEFAULT_KUBECONFIG } from '../kube/entry.js'
import { MUTE, openLog, type Log, type LogOptions } from '../log.js'
import { whyNotFile } from '../file-trust.js'
import type { CniEnv } from './env.js'
import { CniError } from './error.js'
import { folderOf, normal, outside, refuse, refuseFolders, resolve, wrong, type NamedFile } from './node-config.js'

export { NODE_CONFIG, NODE_CONFIG_VARIABLE, type NamedFile } from './node-config.js'

/** As a log file: no log. */
const NO_LOG = '/dev/null'

/**
 * The path of the kubeconfig that a conf names, links resolved; undefined if it names none.
 * @throws CniError 7 if the file is in no allowed folder, or a user other than root can change it
 */
export function kubeconfigOf({ path, key }: NamedFile, env: CniEnv): string | undefined {
  if (path === '' || path === DEFAULT_KUBECONFIG) return path || undefined // as if it were not named
  const resolved = resolve(path)
  if (folderOf(resolved ?? normal(path), 'kubeconfigFolders', env) === undefined)
    throw outside({ path, key }, 'kubeconfigFolders', env)
  // Checked here and not by the reader: a link could have been retargeted by then.
  if (resolved === undefined) throw wrong(`${key} is "${path}", and there is no such file`)
  refuseFolders({ path, key }, resolved)
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
