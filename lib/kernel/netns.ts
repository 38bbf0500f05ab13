// Whether two paths name one namespace. Needs no library: a namespace is a file, and files have identities.
import { statSync } from 'node:fs'

const OWN_NETNS = '/proc/thread-self/ns/net'

/** Whether a path is the very network namespace we run in. A path that cannot be looked at is not: opening it will say why. */
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
