// Whether a path of the node names the same file in the agent's mount namespace.
import { statfsSync } from 'node:fs'
import { codeOf } from '../../../lib/errors.js'
import type { PathView } from '../calls/left-to-executable.js'

// <linux/magic.h>: a network namespace is on nsfs, or on procfs with an old kernel.
const NSFS_MAGIC = 0x6e736673
const PROC_SUPER_MAGIC = 0x9fa0

/** What paths of the node are here. */
export interface NodeFiles {
  /** Of a folder. */
  folder(path: string): PathView
  /** Of a network namespace: a mount that has not been propagated here is a plain file. */
  netns(path: string): PathView
}

/** Every path: the agent has the mount namespace of its node. */
export const ALL_FILES: NodeFiles = { folder: () => 'same', netns: () => 'same' }

/**
 * The node's files where these folders are mounted at their own path, and /proc is the node's
 * (hostPID). No other path is taken for the node's.
 */
export const mountedFiles = (folders: readonly string[]): NodeFiles => {
  const isMounted = (path: string): boolean =>
    !path.split('/').includes('..') && folders.some(folder => path === folder || path.startsWith(`${folder}/`))
  return {
    folder: path => (isMounted(path) ? 'same' : 'other'),
    netns(path) {
      if (path.startsWith('/proc/')) return 'same'
      if (!isMounted(path)) return 'other'
      return viewOf(path)
    },
  }
}

function viewOf(path: string): PathView {
  try {
    const { type } = statfsSync(path)
    return type === NSFS_MAGIC || type === PROC_SUPER_MAGIC ? 'same' : 'other'
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'gone' : 'other'
  }
}
