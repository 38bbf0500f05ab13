// NetworkManager, seen from what it writes down of each link: does it manage links of ours, and what to write that it does not. Pure.
import type { NetnsState, ObservedLink } from '../../lib/plan/state.js'
import { linkNamed } from '../../lib/plan/state.js'
import type { IfacerConf } from './config.js'
import { madeBy } from './plan.js'

/**
 * `/run/NetworkManager/devices/IFINDEX`, a GLib key file (seen with NetworkManager 1.42): in the group `device`, `managed` is true also of a link
 * that it calls connected externally. Of one that it leaves alone it says false, or has no file.
 */
export function isManaged(state: string): boolean {
  let group = ''
  let managed = ''
  for (const line of state.split('\n').map(text => text.trim())) {
    const [, name] = /^\[(.*)\]$/.exec(line) ?? []
    const [, value] = /^managed\s*=\s*(.*)$/.exec(line) ?? []
    if (name !== undefined) group = name
    else if (group === 'device' && value !== undefined) managed = value // of several, GLib takes the last
  }
  return managed === 'true' || managed === '1'
}

/** Links that only ifacer should have a hand in: those that it makes and a bond's members. The NIC below a VLAN is the node's own. */
export const oursIn = (config: IfacerConf, node: NetnsState): readonly ObservedLink[] =>
  [...new Set([...madeBy(config), ...(config.bond?.members ?? [])])].flatMap(name => linkNamed(node, name) ?? [])

/** One sentence; undefined where there is none to warn of. */
export function warningOf(managed: readonly string[]): string | undefined {
  if (managed.length === 0) return undefined
  const patterns = managed.map(name => `interface-name:${name}`).join(';')
  return `NetworkManager manages ${managed.join(', ')} and may change or remove what pods stand on: put unmanaged-devices=${patterns} below [keyfile] in /etc/NetworkManager/conf.d/spidernet.conf and run nmcli general reload`
}
