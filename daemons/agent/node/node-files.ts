// Whether a path of the node names the same file in the agent's mount namespace.
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { codeOf } from '../../../lib/errors.js'
import type { PathView } from '../calls/full-image.js'

/** As the kernel follows at most (MAXSYMLINKS). */
const LINKS_MAX = 40

export interface NodeFiles {
  /** Prefix of the node's files; '' where this process has the node's mount namespace. */
  readonly root: string
  view(path: string): PathView
}

/**
 * The node's files as this process sees them. `root`: the node's root, such as /proc/1/root with
 * hostPID; '' where it is this process's.
 * @throws Error a sentence where it cannot be read
 */
export function nodeFiles(root: string): NodeFiles {
  if (root === '') return { root, view: () => 'same' }
  try {
    readdirSync(root)
  } catch (error) {
    throw new Error(
      `SPIDERPOOL_NODE_ROOT is ${root}, which cannot be read (${codeOf(error)}); /proc/1/root needs hostPID and the capability SYS_PTRACE`,
      { cause: error },
    )
  }
  return { root, view: path => viewOf(root, path) }
}

function viewOf(root: string, path: string): PathView {
  // One /proc for all with hostPID. A link in it is not text that could be followed by hand.
  if (path.startsWith('/proc/')) return 'same'
  const [here, there] = [identityOf(path), identityOf(withoutLinks(root, path))]
  if (here === undefined && there === undefined) return 'gone'
  return here === there ? 'same' : 'other'
}

/**
 * The path below the node's root without links: the kernel would follow an absolute link from the
 * root of this process.
 */
function withoutLinks(root: string, path: string): string {
  const left = path.split('/')
  let at: string[] = []
  for (let links = 0; left.length > 0;) {
    const part = left.shift() ?? ''
    if (part === '' || part === '.') continue
    if (part === '..') at = at.slice(0, -1)
    else {
      const target = linkAt(`${root}/${[...at, part].join('/')}`)
      if (target === undefined || ++links > LINKS_MAX) at.push(part)
      else {
        left.unshift(...target.split('/'))
        if (target.startsWith('/')) at = []
      }
    }
  }
  return `${root}/${at.join('/')}`
}

function linkAt(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return undefined // the stat that follows says so
  }
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
