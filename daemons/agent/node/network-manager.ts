// NetworkManager and the links of pods: the drop-in by which it leaves them alone, and the warning
// where it manages them.
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { managedLinks, NETWORK_MANAGER_STATE } from '../../../lib/kernel/network-manager.js'
import { replaceFile, textIfAny } from '../../install/executables.js'

const FILE = 'spidernet.conf'
/** First line of a file that may be replaced and removed. */
const MARK = '# Written by spiderpool-agent (spiderpoolAgent.installNetworkManagerConf).'
const TEXT = `${MARK}
[keyfile]
unmanaged-devices=interface-name:veth*
`
const MODE = 0o644

export const dropInOf = (folder: string): string => join(folder, FILE)

/** Whether the drop-in exists and is ours. */
export async function hasDropIn(folder: string): Promise<boolean> {
  return (await textIfAny(dropInOf(folder)))?.startsWith(MARK) ?? false
}

/**
 * Writes it where it is missing or an older one of ours. True where it was written; an
 * administrator's file of that name stays.
 */
export async function writeDropIn(folder: string): Promise<boolean> {
  const path = dropInOf(folder)
  const current = await textIfAny(path)
  if (current === TEXT || (current !== undefined && !current.startsWith(MARK))) return false
  await mkdir(folder, { recursive: true })
  await replaceFile(path, TEXT, `${path}.part`, MODE)
  return true
}

/** Where the warning looks: the agent shares the node's processes and network (hostPID). */
export interface LinkFolders {
  readonly state: string
  readonly proc: string
  readonly links: string
}

/** The node's root by its first process: this container has no mount of /run/NetworkManager. */
export const NODE_FOLDERS: LinkFolders = {
  state: `/proc/1/root${NETWORK_MANAGER_STATE}`,
  proc: '/proc',
  links: '/sys/class/net',
}
const NAMED_MAX = 5

/** A sentence where NetworkManager manages veth links of this node; undefined where it does not. */
export function managedSentence({ state, proc, links }: LinkFolders): string | undefined {
  const managed = managedLinks(vethsIn(links), { folder: state, proc })
  if (managed.length === 0) return undefined
  const more = managed.length > NAMED_MAX ? ` and ${managed.length - NAMED_MAX} more` : ''
  return `NetworkManager manages ${managed.slice(0, NAMED_MAX).join(', ')}${more} and may change these links of pods: set spiderpoolAgent.installNetworkManagerConf=true, or put unmanaged-devices=interface-name:veth* below [keyfile] in /etc/NetworkManager/conf.d/spidernet.conf, and run nmcli general reload`
}

function vethsIn(folder: string): readonly { readonly name: string; readonly index: number }[] {
  try {
    return readdirSync(folder)
      .filter(name => name.startsWith('veth'))
      .map(name => ({ name, index: Number(readFileSync(join(folder, name, 'ifindex'), 'utf8')) }))
  } catch {
    return [] // a link that goes meanwhile; the next comparison sees the others
  }
}
