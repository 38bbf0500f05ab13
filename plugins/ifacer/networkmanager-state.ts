// Reads what NetworkManager writes down of links in /run: no D-Bus, no process started. Where it is not installed, one look for a folder.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { NetnsState } from '../../lib/plan/state.js'
import type { IfacerConf } from './config.js'
import { isManaged, oursIn, warningOf } from './networkmanager.js'

const FOLDER = '/run/NetworkManager/devices'
const PROC = '/proc'
const NAME = 'NetworkManager' // also /proc/PID/comm, which has 15 bytes at most: it is 14

/**
 * What to warn of; undefined also where it cannot be read: a warning is never a reason to fail. `node` has the links of the conf.
 * The files outlive a NetworkManager that was stopped, so where they speak of our links, it is looked whether it runs.
 */
export function networkManagerWarning(
  config: IfacerConf,
  node: NetnsState,
  folder = FOLDER,
  proc = PROC,
): string | undefined {
  if (!existsSync(folder)) return undefined
  const managed = oursIn(config, node).filter(({ index }) => isManaged(textOf(`${folder}/${index}`)))
  return managed.length > 0 && isRunning(proc) ? warningOf(managed.map(({ name }) => name)) : undefined
}

/** In our network namespace: one in a container has links of its own. */
function isRunning(proc: string): boolean {
  const here = linkTo(`${proc}/self/ns/net`)
  return pidsIn(proc).some(
    pid => textOf(`${proc}/${pid}/comm`).trimEnd() === NAME && linkTo(`${proc}/${pid}/ns/net`) === here,
  )
}

function pidsIn(proc: string): readonly string[] {
  try {
    return readdirSync(proc).filter(name => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // gone with its link or its process, or never written
  }
}

function linkTo(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
