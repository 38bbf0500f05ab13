// By what a network namespace on this machine is found again when its runtime is gone, and whether it can still be. Knows no container.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'

/** Who looks. `machine` is empty where the machine has no identity (machine-id(5)). */
export interface HostView {
  readonly machine: string
  /** Of this start of the machine; the inode numbers of an earlier one say nothing (random(4)). */
  readonly boot: string
  /** Inode of the PID namespace: its processes are all that can be seen. */
  readonly pids: string
}

export interface NetnsLookup {
  isAt(path: string, inode: string): boolean
  isOfProcess(inode: string): boolean
}

/** PROC_PID_INIT_INO (linux/proc_ns.h): the PID namespace from which every process can be seen. */
const PID_INIT = '4026531836'

/** `MACHINE BOOT PIDS INODE PATH`. */
export const markOf = ({ machine, boot, pids }: HostView, inode: string, path: string): string =>
  [machine || '-', boot, pids, inode, path].join(' ')

/**
 * True only where it cannot be any more: of an earlier boot of this very machine, or of this boot and neither at its path nor that of any
 * process. A host of the same name is another machine; from a PID namespace beside that of its runtime its processes cannot be seen. Where
 * something cannot be told the namespace is taken to be there; so is one whose inode number another has by now.
 */
export function isGone(mark: string, { machine, boot, pids }: HostView, look: NetnsLookup): boolean {
  const [onMachine, ofBoot, inPids, inode = '', ...path] = mark.split(' ')
  if (onMachine !== (machine || '-') || !/^[0-9]+$/.test(inode)) return false
  if (ofBoot !== boot) return machine !== ''
  if (inPids !== pids && pids !== PID_INIT) return false
  return !look.isAt(path.join(' '), inode) && !look.isOfProcess(inode)
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

const LOOK: NetnsLookup = {
  isAt(path, inode) {
    try {
      return String(statSync(path).ino) === inode
    } catch (error) {
      return codeOf(error) !== 'ENOENT'
    }
  },
  /** namespaces(7): the link of each process is `net:[INODE]`. */
  isOfProcess(inode) {
    return readdirSync('/proc').some(entry => {
      if (!/^[0-9]+$/.test(entry)) return false
      try {
        return readlinkSync(`/proc/${entry}/ns/net`) === `net:[${inode}]`
      } catch (error) {
        const isOver = codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH'
        return !isOver // a process that hides its namespaces may be in it
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
    return /^[0-9a-f]{32}$/.test(id) ? id : '' // "uninitialized" while it starts for the first time
  } catch {
    return ''
  }
}

/** What this machine calls itself, as a label's value may say it (63 of a few characters). */
function hostName(): string {
  const name = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()
  const label = name.slice(0, 63).replace(/[^A-Za-z0-9._-]/g, '-')
  return label.replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '') || 'localhost'
}

/** This machine, and what the namespace at a path on it is found again by. */
export function hostOf(netns: string) {
  const here = viewer()
  const mark = markOf(here, String(statSync(netns).ino), netns)
  return { name: hostName(), netns: mark, isGone: (other: string) => isGone(other, here, LOOK) }
}
