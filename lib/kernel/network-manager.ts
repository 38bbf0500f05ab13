// NetworkManager's state files and process: which links it manages. No D-Bus, no process of ours.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export const NETWORK_MANAGER_STATE = '/run/NetworkManager/devices'
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
 * Of these links the names of those that NetworkManager manages, by its state files in `folder`;
 * none also if the files cannot be read. They outlive a stopped NetworkManager, so its process must
 * run in this network namespace; one in a container has other links.
 */
export function managedLinks(
  links: readonly { readonly name: string; readonly index: number }[],
  { folder, proc }: { readonly folder: string; readonly proc: string },
): readonly string[] {
  const managed = links.filter(({ index }) => isManaged(textOf(`${folder}/${index}`)))
  return managed.length > 0 && isRunning(proc) ? managed.map(({ name }) => name) : []
}

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
