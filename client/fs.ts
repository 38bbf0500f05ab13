// Stands for node:fs in the client: as much of it as the checks of a socket's path use.
import { ERRNO } from './system.js'

// <linux/stat.h>
const S_IFMT = 0o170000
const S_IFLNK = 0o120000
const S_IFREG = 0o100000
const S_IFDIR = 0o040000
const S_IFSOCK = 0o140000

interface ClientStats {
  readonly mode: number
  readonly uid: number
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
  isSocket(): boolean
}

function failed(call: string, path: string, result: number): Error {
  const name = Object.entries(ERRNO).find(([, errno]) => errno === -result)?.[0] ?? ''
  return Object.assign(new Error(`${call} ${path}: ${globalThis.system.strerror(-result)}`), { code: name })
}

function statsOf(call: 'lstat' | 'stat', path: string): ClientStats {
  const found = globalThis.system[call](path)
  if (typeof found === 'number') throw failed(call, path, found)
  const [mode, uid] = found
  const is = (type: number) => (): boolean => (mode & S_IFMT) === type
  return {
    mode,
    uid,
    isFile: is(S_IFREG),
    isDirectory: is(S_IFDIR),
    isSymbolicLink: is(S_IFLNK),
    isSocket: is(S_IFSOCK),
  }
}

/** lstat(2). @throws Error with `code` */
export const lstatSync = (path: string): ClientStats => statsOf('lstat', path)

/** stat(2). @throws Error with `code` */
export const statSync = (path: string): ClientStats => statsOf('stat', path)

/** The path without links. @throws Error with `code` */
export function realpathSync(path: string): string {
  const found = globalThis.system.realpath(path)
  if (typeof found === 'number') throw failed('realpath', path, found)
  return found
}

/** The node's file, which only the full image reads. @throws Error always */
export function readFileSync(path: string): never {
  throw new Error(`${path} is not read by the client`)
}
