// The socket's file: folder and modes, a stale one, taking the path over from a running agent.
import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, type Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { codeOf, messageOf } from '../../../lib/errors.js'

const FOLDER_MODE = 0o700
const SOCKET_MODE = 0o600
const STICKY = 0o1000 // S_ISVTX, as /tmp has it
/** An older temporary name is of an agent that was killed between bind and rename. */
const LEFT_MS = 60_000

/**
 * Makes the folder, root's alone, and returns a name beside the path to bind to.
 * @throws Error a sentence where something else than a socket is at the path
 */
export function temporaryBeside(path: string): string {
  const folder = dirname(path)
  makeFolder(folder)
  const there = statOf(path)
  if (there?.isSocket() === false)
    throw new Error(`${path} is ${kindOf(there)}, not a socket; take it away or set another ipamUnixSocketPath`)
  removeLeft(folder, basename(path))
  return `${path}.${randomBytes(4).toString('hex')}`
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
    if ((lstatSync(folder).mode & STICKY) === 0) return chmodSync(folder, FOLDER_MODE)
  } catch (error) {
    throw new Error(`${folder}, the folder of the agent's socket, cannot be made: ${messageOf(error)}`, {
      cause: error,
    })
  }
  throw new Error(`${folder} is a folder that all users share; the agent's socket needs one of its own`)
}

/**
 * Gives the bound socket its path, atomically: clients reach the old one or this one. An agent that
 * still runs keeps its connections, and sees with `isAt` that the path is no longer its own.
 */
export function takePath(temporary: string, path: string): SocketFile {
  chmodSync(temporary, SOCKET_MODE)
  const { dev, ino } = lstatSync(temporary)
  renameSync(temporary, path)
  return new SocketFile(path, `${dev}:${ino}`)
}

export type Occupant = 'own' | 'other' | 'none'

/** A socket at its path, known by its inode. */
export class SocketFile {
  readonly path: string
  readonly #identity: string

  constructor(path: string, identity: string) {
    this.path = path
    this.#identity = identity
  }

  /** Who is at the path now: an administrator may have deleted it, another agent taken it over. */
  occupant(): Occupant {
    const there = statOf(this.path)
    if (there === undefined) return 'none'
    return `${there.dev}:${there.ino}` === this.#identity ? 'own' : 'other'
  }

  /** Removes the path where it is still this socket's. */
  remove(): void {
    if (this.occupant() === 'own') rmSync(this.path, { force: true })
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const kindOf = (there: Stats): string =>
  there.isDirectory() ? 'a directory' : there.isSymbolicLink() ? 'a symbolic link' : 'a file'

function removeLeft(folder: string, name: string): void {
  for (const left of readdirSync(folder)) {
    if (!left.startsWith(`${name}.`) || !/^[0-9a-f]{8}$/.test(left.slice(name.length + 1))) continue
    const path = join(folder, left)
    const stats = statOf(path)
    if (stats?.isSocket() === true && Date.now() - stats.mtimeMs > LEFT_MS) rmSync(path, { force: true })
  }
}
