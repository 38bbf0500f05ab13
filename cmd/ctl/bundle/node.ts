// The node's part of a support archive: logs, confs, versions of executables. Reads only.
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../../lib/errors.js'
import { redactedText } from './decide.js'

export interface NodeFolders {
  readonly logs: string
  readonly confs: string
}

const LOG_BYTES_MAX = 4 * 1024 * 1024
const CONF = /\.(conf|conflist|json)$/

/** Files under `node/`, and a sentence for each that cannot be read. Kubeconfigs are left out. */
export function nodeFiles({ logs, confs }: NodeFolders): {
  readonly files: ReadonlyMap<string, string>
  readonly missing: readonly string[]
} {
  const files = new Map<string, string>()
  const missing: string[] = []
  const each = (folder: string, keep: (name: string) => boolean, take: (path: string, name: string) => void): void => {
    try {
      for (const name of readdirSync(folder).filter(keep).sort()) take(join(folder, name), name)
    } catch (error) {
      missing.push(`${folder}: ${messageOf(error)}`)
    }
  }
  const isFile = (path: string): boolean => statSync(path).isFile()
  each(
    logs,
    name => name.includes('.log'),
    (path, name) => {
      if (isFile(path)) files.set(`node/logs/${name}`, redactedText(tail(path)))
    },
  )
  each(
    confs,
    name => CONF.test(name),
    (path, name) => {
      if (isFile(path)) files.set(`node/confs/${name}`, redactedText(readFileSync(realpathSync(path), 'utf8')))
    },
  )
  return { files, missing }
}

/** The end of the file, from the start of a line. */
function tail(path: string): string {
  const bytes = readFileSync(path)
  if (bytes.length <= LOG_BYTES_MAX) return bytes.toString()
  const end = bytes.subarray(bytes.length - LOG_BYTES_MAX)
  return end.subarray(end.indexOf(0x0a) + 1).toString()
}
