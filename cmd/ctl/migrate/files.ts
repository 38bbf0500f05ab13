// Files of host-local on this node, and confs of its networks. Reads only.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, messageOf } from '../../../lib/errors.js'
import { CtlError } from '../status.js'
import type { HostLocalFile } from './host-local.js'

const CONF = /\.(conf|conflist|json)$/

/**
 * The files of every network below `folder`.
 * @throws CtlError `usage` where it cannot be read
 */
export function hostLocalFiles(folder: string): readonly HostLocalFile[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .flatMap(({ name: network }) =>
        readdirSync(join(folder, network))
          .sort()
          .map(name => ({
            ...{ network, name },
            text: readFileSync(join(folder, network, name), 'utf8'),
          })),
      )
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'there is no such folder on this machine' : messageOf(error)
    throw new CtlError('usage', `--dir ${folder}: ${why}; run it on a node whose pods have addresses of host-local`, {
      cause: error,
    })
  }
}

/** The texts of the confs in `folder`; none without it. */
export function confFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter(name => CONF.test(name))
      .map(name => readFileSync(join(folder, name), 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw new CtlError('usage', `--conf-dir ${folder} cannot be read: ${messageOf(error)}`, { cause: error })
  }
}
