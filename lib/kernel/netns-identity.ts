// Identity of a network namespace, and whether it still exists after its runtime is gone.
import { codeOf } from '../errors.js'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'

/** This host. `machine` is empty if there is no machine ID (machine-id(5)). */
export interface HostView {
  readonly machine: string
  /** Boot ID (random(4)): inode numbers are valid within one boot. */
  readonly boot: string
  /** Inode of the PID namespace: only its processes are visible. */
  readonly pids: string
}

export interface NetnsLookup {
  isAt(path: string, inode: string): boolean
  isOfProcess(inode: string): boolean
}

/** PROC_PID_INIT_INO (<linux/proc_ns.h>): in the initial PID namespace every process is visible. */
const PID_INIT = '4026531836'

/** `MACHINE BOOT PIDS INODE PATH`. */
export const markOf = ({ machine, boot, pids }: HostView, inode: string, path: string): string =>
  [machine || '-', boot, pids, inode, path].join(' ')

/**
 * True only if the namespace certainly does not exist: it is of an earlier boot of this machine, or
 * of this boot and neither at its path nor the namespace of a process. In doubt it exists: on
 * another machine, in another PID namespace, or when its inode number was reused.
 */
export function isGone(mark: string, { machine, boot, pids }: HostView, look: NetnsLookup): boolean {
  const [onMachine, ofBoot, inPids, inode = '', ...path] = mark.split(' ')
  if (onMachine !== (machine || '-') || !/^[0-9]+$/.test(inode)) return false
  if (ofBoot !== boot) return machine !== ''
  if (inPids !== pids && pids !== PID_INIT) return false
  return !look.isAt(path.join(' '), inode) && !look.isOfProcess(inode)
}

const LOOK: NetnsLookup = {
  isAt(path, inode) {
    try {
      return String(statSync(path).ino) === inode
    } catch (error) {
      return codeOf(error) !== 'ENOENT'
    }
  },
  /** The link /proc/PID/ns/net is `net:[INODE]` (namespaces(7)). */
  isOfProcess(inode) {
    return readdirSync('/proc').some(entry => {
      if (!/^[0-9]+$/.test(entry)) return false
      try {
        return readlinkSync(`/proc/${entry}/ns/net`) === `net:[${inode}]`
      } catch (error) {
        const hasExited = codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH'
        return !hasExited // a process whose namespaces are not readable may be in it
      }
    })
  },
}

function viewer(): HostView {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return { machine: machineId(), boot, pids: String(statSync('/proc/self/ns/pid').ino) }
}

function machineId(): string {
  try {
    const id = readFileSync('/etc/machine-id', 'utf8').trim()
    return /^[0-9a-f]{32}$/.test(id) ? id : '' // "uninitialized" during the first boot
  } catch {
    return ''
  }
}

/** The hostname as a valid label value (at most 63 characters). */
function hostName(): string {
  const name = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()
  const label = name.slice(0, 63).replace(/[^A-Za-z0-9._-]/g, '-')
  return label.replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '') || 'localhost'
}

/**
 * The name of this host, the mark of the namespace at a path, and whether the namespace of a mark
 * is gone.
 * @throws Error of node:fs if the path does not exist
 */
export function hostOf(netns: string) {
  const here = viewer()
  const mark = markOf(here, String(statSync(netns).ino), netns)
  return { name: hostName(), netns: mark, isGone: (other: string) => isGone(other, here, LOOK) }
}
