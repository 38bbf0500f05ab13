// Sysctls of a namespace. /proc/sys/net is the thread's, so each access enters the namespace and
// leaves it.
import { codeOf } from '../../errors.js'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import type { StepOf, Where } from '../../plan/step.js'
import type { Namespaces } from '../netns-pair.js'
import type { Act } from './act.js'

/** Where a thread finds the sysctls of its own namespace, unless they are mounted elsewhere. */
export const SYSCTLS = '/proc/sys/'
/** Not in this kernel, or /proc/sys is mounted read-only. */
const UNWRITABLE = ['ENOENT', 'EROFS', 'EACCES']

/** One read; no value below net/ is longer. */
const VALUE_BYTES = 256

/**
 * One read(2) or write(2): the kernel takes a value at once, unlike readFileSync's fstat and loop.
 */
function withFile<T>(path: string, flags: number, work: (fd: number) => T): T {
  const fd = openSync(path, flags)
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}

function unless(codes: readonly string[], work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!codes.some(code => code === codeOf(error))) throw error
  }
}

const write = (namespaces: Namespaces, { where, path }: { where: Where; path: string }, value: string): void =>
  namespaces.opener.inside(namespaces.netnsOf(where), () =>
    withFile(namespaces.sysctls + path, constants.O_WRONLY, fd => void writeSync(fd, value)),
  )

export const setSysctl: Act<StepOf<'setSysctl'>> = {
  apply: (namespaces, step) =>
    unless(step.optional === true ? UNWRITABLE : [], () => write(namespaces, step, step.value)),
  undo(namespaces, step) {
    const { was } = step
    if (was !== undefined) unless(step.optional === true ? UNWRITABLE : ['ENOENT'], () => write(namespaces, step, was))
  },
}

/** Values by path below /proc/sys; undefined: does not exist. */
export const readSysctls = (
  namespaces: Namespaces,
  where: Where,
  paths: readonly string[],
): Readonly<Record<string, string | undefined>> =>
  namespaces.opener.inside(namespaces.netnsOf(where), () =>
    Object.fromEntries(paths.map((path): [string, string | undefined] => [path, readOrNone(path, namespaces.sysctls)])),
  )

/** The first 256 bytes of a file in /proc/net; undefined if it does not exist. */
export const readProcNet = (namespaces: Namespaces, where: Where, name: string): string | undefined =>
  namespaces.opener.inside(namespaces.netnsOf(where), () => readOrNone(name, '/proc/thread-self/net/'))

function readOrNone(path: string, root: string): string | undefined {
  try {
    return withFile(root + path, constants.O_RDONLY, fd => {
      const text = Buffer.alloc(VALUE_BYTES)
      return text.toString('latin1', 0, readSync(fd, text)).trim()
    })
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return undefined
    throw error
  }
}
