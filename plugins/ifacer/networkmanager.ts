// Warns if NetworkManager manages links of the conf, by its state files in /run: no D-Bus, no
// process.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { NetnsState, ObservedLink } from '../../lib/plan/state.js'
import { linkNamed } from '../../lib/plan/state.js'
import type { IfacerConf } from './config.js'
import { madeBy } from './plan.js'

const FOLDER = '/run/NetworkManager/devices'
const PROC = '/proc'
const NAME = 'NetworkManager' // also /proc/PID/comm, which has 15 bytes at most: it is 14

/**
 * True if `/run/NetworkManager/devices/IFINDEX`, a GLib key file, has `managed=true` in group
 * `device`, also for externally connected links (observed with 1.42). Unmanaged links have false,
 * or no file.
 */
export function isManaged(state: string): boolean {
  let group = ''
  let managed = ''
  for (const line of state.split('\n').map(text => text.trim())) {
    const [, name] = /^\[(.*)\]$/.exec(line) ?? []
    const [, value] = /^managed\s*=\s*(.*)$/.exec(line) ?? []
    if (name !== undefined) group = name
    else if (group === 'device' && value !== undefined) managed = value // GLib takes the last duplicate
  }
  return managed === 'true' || managed === '1'
}

/**
 * The links that NetworkManager must not manage: created links and bond members, not the parent of
 * a VLAN.
 */
export const ownLinksIn = (config: IfacerConf, node: NetnsState): readonly ObservedLink[] =>
  [...new Set([...madeBy(config), ...(config.bond?.members ?? [])])].flatMap(name => linkNamed(node, name) ?? [])

/** The warning; undefined if no link is managed. */
export function warningOf(managed: readonly string[]): string | undefined {
  if (managed.length === 0) return undefined
  const patterns = managed.map(name => `interface-name:${name}`).join(';')
  return `NetworkManager manages ${managed.join(', ')} and may change or remove what pods stand on: put unmanaged-devices=${patterns} below [keyfile] in /etc/NetworkManager/conf.d/spidernet.conf and run nmcli general reload`
}

/**
 * The warning about managed links of the conf; undefined also if the files cannot be read. The
 * files outlive a stopped NetworkManager, so a warning requires a running process.
 */
export function networkManagerWarning(
  config: IfacerConf,
  node: NetnsState,
  folder = FOLDER,
  proc = PROC,
): string | undefined {
  if (!existsSync(folder)) return undefined
  const managed = ownLinksIn(config, node).filter(({ index }) => isManaged(textOf(`${folder}/${index}`)))
  return managed.length > 0 && isRunning(proc) ? warningOf(managed.map(({ name }) => name)) : undefined
}

/** True for a NetworkManager in this network namespace; one in a container has other links. */
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
    return '' // removed with its link or process, or never written
  }
}

function linkTo(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
