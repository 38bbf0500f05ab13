// Warns if NetworkManager manages links of the conf, by its state files in /run: no D-Bus, no
// process.
import { existsSync } from 'node:fs'
import { managedLinks, NETWORK_MANAGER_STATE } from '../../lib/kernel/network-manager.js'
import type { NetnsState, ObservedLink } from '../../lib/plan/state.js'
import { linkNamed } from '../../lib/plan/state.js'
import type { IfacerConf } from './config.js'
import { madeBy } from './plan.js'

const PROC = '/proc'

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

/** The warning about managed links of the conf; undefined also if the files cannot be read. */
export function networkManagerWarning(
  config: IfacerConf,
  node: NetnsState,
  folder = NETWORK_MANAGER_STATE,
  proc = PROC,
): string | undefined {
  if (!existsSync(folder)) return undefined
  return warningOf(managedLinks(ownLinksIn(config, node), { folder, proc }))
}
