// Whether two paths name one namespace, and whether one is still there. Needs no library: a namespace is a file, and files have identities.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'

const OWN_NETNS = '/proc/thread-self/ns/net'

/** Whether a path is the very network namespace we run in. A path that cannot be looked at is not: opening it will say why. */
export function sameNetns(path: string): boolean {
  const there = identityOf(path)
  return there !== undefined && there === identityOf(OWN_NETNS)
}

/** Of this start of the machine; the inode numbers of an earlier one say nothing (random(4)). */
const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** `BOOT INODE PATH`: what a namespace is found again by when its runtime is gone. */
const netnsMark = (path: string): string => `${bootId()} ${statSync(path).ino} ${path}`

/**
 * True only where it cannot be any more: of an earlier boot, or neither at its path nor that of any process. Where either cannot be looked
 * at it is taken to be there; so is one whose inode number another namespace has by now.
 */
function isNetnsGone(mark: string): boolean {
  const [boot = '', inode = '', ...path] = mark.split(' ')
  if (!/^[0-9]+$/.test(inode)) return false
  if (boot !== bootId()) return true
  return !isAt(path.join(' '), inode) && !isOfProcess(`net:[${inode}]`)
}

function isAt(path: string, inode: string): boolean {
  try {
    return String(statSync(path).ino) === inode
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT')
  }
}

/** proc_pid_ns(5): the link of each process and of each of its threads' leader is `net:[INODE]`. */
function isOfProcess(link: string): boolean {
  return readdirSync('/proc').some(entry => {
    if (!/^[0-9]+$/.test(entry)) return false
    try {
      return readlinkSync(`/proc/${entry}/ns/net`) === link
    } catch (error) {
      const isOver = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')
      return !isOver // a process that hides its namespaces may be in it
    }
  })
}

/** What this machine calls itself, as a label's value may say it (63 of a few characters). */
function hostName(): string {
  const name = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()
  const label = name.slice(0, 63).replace(/[^A-Za-z0-9._-]/g, '-')
  return label.replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '') || 'localhost'
}

/** This machine, and what the namespace at a path on it is found again by. */
export const hostOf = (netns: string) => ({ name: hostName(), netns: netnsMark(netns), isGone: isNetnsGone })

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
