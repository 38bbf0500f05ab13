// Reference counts of links with `removeUnused`: an empty file per attachment, below /run, which a
// reboot clears together with the links.
import { mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { codeOf } from '../../lib/errors.js'

/** An attachment; `network` is the name of the conf. */
export interface LinkUser {
  readonly network: string
  readonly containerID: string
  readonly ifName: string
}

/** The attachment of a call. */
export const userOf = (call: { name: string; containerID: string; ifName: string }): LinkUser => ({
  network: call.name,
  containerID: call.containerID,
  ifName: call.ifName,
})

/** Changed only under the lock (links.ts). */
export interface LinkUsers {
  /** The links that have users. */
  links(): readonly string[]
  usersOf(link: string): readonly LinkUser[]
  /** False if the user was recorded before. */
  put(link: string, user: LinkUser): boolean
  drop(link: string, user: LinkUser): void
}

/**
 * The users recorded as `folder/LINK/NETWORK/CONTAINERID:IFNAME`; CNI forbids slashes, and colons
 * in IFNAME.
 */
export function linkUsersIn(folder: string): LinkUsers {
  const networkFolder = (link: string, { network }: Pick<LinkUser, 'network'>): string => `${folder}/${link}/${network}`
  const fileOf = (link: string, user: LinkUser): string =>
    `${networkFolder(link, user)}/${user.containerID}:${user.ifName}`
  const usersIn = (link: string, network: string): readonly LinkUser[] =>
    namesIn(networkFolder(link, { network })).map(file => {
      const at = file.lastIndexOf(':')
      return { network, containerID: file.slice(0, at), ifName: file.slice(at + 1) }
    })
  const usersOf = (link: string): readonly LinkUser[] =>
    namesIn(`${folder}/${link}`).flatMap(network => usersIn(link, network))
  return {
    links: () => namesIn(folder),
    usersOf,
    put(link, user) {
      mkdirSync(networkFolder(link, user), { recursive: true, mode: 0o755 })
      return unless('EEXIST', () => writeFileSync(fileOf(link, user), '', { flag: 'wx' }))
    },
    drop(link, user) {
      unless('ENOENT', () => unlinkSync(fileOf(link, user)))
      for (const empty of [networkFolder(link, user), `${folder}/${link}`])
        if (namesIn(empty).length === 0) unless('ENOENT', () => rmdirSync(empty))
    },
  }
}

/** The users of this node's links. */
export const LINK_USERS = linkUsersIn('/run/spidernet/ifacer')

function namesIn(folder: string): readonly string[] {
  let names: readonly string[] = []
  unless('ENOENT', () => (names = readdirSync(folder)))
  return names
}

/** Runs `work`; false if it failed with this code. */
function unless(code: string, work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (codeOf(error) === code) return false
    throw error
  }
}
