// Who uses which link that `removeUnused` made: an empty file for each user, below /run, which a reboot empties as it takes the links.
import { mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'

/** An attachment, as CNI identifies it; `network` is the conf's name. */
export interface LinkUser {
  readonly network: string
  readonly containerID: string
  readonly ifName: string
}

export const userOf = (call: { name: string; containerID: string; ifName: string }): LinkUser => ({
  network: call.name,
  containerID: call.containerID,
  ifName: call.ifName,
})

/** To be changed with the lock in hand. */
export interface LinkUsers {
  /** The links that somebody holds. */
  links(): readonly string[]
  usersOf(link: string): readonly LinkUser[]
  /** False where it was there already. */
  put(link: string, user: LinkUser): boolean
  drop(link: string, user: LinkUser): void
}

/** `folder/LINK/NETWORK/CONTAINERID:IFNAME`; none of the names may hold a slash, and no interface's name a colon (CNI's own rules). */
export function linkUsersIn(folder: string): LinkUsers {
  const networkOf = (link: string, { network }: Pick<LinkUser, 'network'>): string => `${folder}/${link}/${network}`
  const fileOf = (link: string, user: LinkUser): string => `${networkOf(link, user)}/${user.containerID}:${user.ifName}`
  const usersIn = (link: string, network: string): readonly LinkUser[] =>
    namesIn(networkOf(link, { network })).map(file => {
      const at = file.lastIndexOf(':')
      return { network, containerID: file.slice(0, at), ifName: file.slice(at + 1) }
    })
  const usersOf = (link: string): readonly LinkUser[] =>
    namesIn(`${folder}/${link}`).flatMap(network => usersIn(link, network))
  return {
    links: () => namesIn(folder),
    usersOf,
    put(link, user) {
      mkdirSync(networkOf(link, user), { recursive: true, mode: 0o755 })
      return unless('EEXIST', () => writeFileSync(fileOf(link, user), '', { flag: 'wx' }))
    },
    drop(link, user) {
      unless('ENOENT', () => unlinkSync(fileOf(link, user)))
      for (const empty of [networkOf(link, user), `${folder}/${link}`])
        if (namesIn(empty).length === 0) unless('ENOENT', () => rmdirSync(empty))
    },
  }
}

/** Those of this node. */
export const LINK_USERS = linkUsersIn('/run/spidernet/ifacer')

function namesIn(folder: string): readonly string[] {
  let names: readonly string[] = []
  unless('ENOENT', () => (names = readdirSync(folder)))
  return names
}

/** False where the system refused with just this code. */
function unless(code: string, work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return false
    throw error
  }
}
