// Compares network namespaces by device and inode, without libc.
import { statSync } from 'node:fs'

const OWN_NETNS = '/proc/thread-self/ns/net'

/** Whether a path is our own network namespace; false if stat(2) fails. */
export function sameNetns(path: string): boolean {
  const there = identityOf(path)
  return there !== undefined && there === identityOf(OWN_NETNS)
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path) // the kernel counts namespaces in 32 bits (<linux/ns_common.h>)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
