// Installs this image under the names of the CNI executables, and finds what differs from it.
// Asynchronous, since in the node agent calls are served meanwhile.
import { constants, type Stats } from 'node:fs'
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  type FileHandle,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../lib/errors.js'
import { CNI_NAMES } from './plan.js'

const IMAGE = '/proc/self/exe'
const CHUNK_BYTES = 1 << 20
/** Prefix of temporary files; a rename replaces the target atomically. */
const TEMP_PREFIX = '.spiderpool-install.'
const MODE = 0o755

/**
 * Stamp of each file when its content was last compared: with the same inode, size, mode and times
 * it has the same content.
 */
export type Verified = Map<string, string>

const stampOf = ({ ino, size, mode, mtimeMs, ctimeMs }: Stats): string => [ino, size, mode, mtimeMs, ctimeMs].join()

/** The status of what is at the path itself, links not followed; undefined where nothing is. */
export async function statIfAny(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** fsync(2) of a file or a folder. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * The executables in the folder that differ from this image. Reads only what changed since it was
 * `verified`, and each inode once.
 */
async function staleIn(folder: string, verified: Verified): Promise<readonly string[]> {
  const size = await imageSize()
  const known = new Map<number, boolean>()
  const stale: string[] = []
  for (const name of CNI_NAMES) {
    const path = join(folder, name)
    const current = await statIfAny(path)
    if (current?.isFile() !== true || current.size !== size || (current.mode & 0o777) !== MODE) {
      stale.push(name)
      continue
    }
    if (verified.get(name) === stampOf(current)) continue
    const isSame = known.get(current.ino) ?? (await hasImage(path))
    known.set(current.ino, isSame)
    if (isSame) verified.set(name, stampOf(current))
    else stale.push(name)
  }
  return stale
}

async function imageSize(): Promise<number> {
  const image = await open(IMAGE, 'r')
  try {
    return (await image.stat()).size
  } finally {
    await image.close()
  }
}

/**
 * Whether the file equals this image; compared in chunks, since an image has a hundred megabytes.
 */
async function hasImage(path: string): Promise<boolean> {
  const image = await open(IMAGE, 'r')
  try {
    const other = await open(path, 'r')
    try {
      return await isEqual(image, other)
    } finally {
      await other.close()
    }
  } finally {
    await image.close()
  }
}

async function isEqual(image: FileHandle, other: FileHandle): Promise<boolean> {
  const [a, b] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)]
  for (;;) {
    const [{ bytesRead: length }, { bytesRead: otherLength }] = await Promise.all([image.read(a), other.read(b)])
    if (length !== otherLength || !a.subarray(0, length).equals(b.subarray(0, length))) return false
    if (length === 0) return true
  }
}

/**
 * Installs one copy of this image and a hard link for each name. A running executable keeps its old
 * inode, so a pod that starts meanwhile runs the old or the new one. Returns the names that
 * changed.
 */
export async function installExecutables(folder: string, verified: Verified): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true })
  const stale = await staleIn(folder, verified)
  if (stale.length === 0) return []
  for (const left of (await readdir(folder)).filter(name => name.startsWith(TEMP_PREFIX))) await rm(join(folder, left))
  const image = join(folder, `${TEMP_PREFIX}image`)
  await copyFile(IMAGE, image, constants.COPYFILE_FICLONE)
  await chmod(image, MODE)
  await sync(image)
  for (const name of CNI_NAMES) {
    const temporary = join(folder, `${TEMP_PREFIX}${name}`)
    await link(image, temporary)
    const path = join(folder, name)
    if ((await statIfAny(path))?.isDirectory() === true) await rm(path, { recursive: true })
    await rename(temporary, path)
  }
  await rm(image)
  await sync(folder)
  for (const name of CNI_NAMES) {
    const current = await statIfAny(join(folder, name))
    if (current) verified.set(name, stampOf(current))
  }
  return stale
}

/** Removes what has this image's content, under any of the names. Returns the names. */
export async function removeExecutables(folder: string): Promise<readonly string[]> {
  const removed: string[] = []
  const size = await imageSize()
  for (const name of CNI_NAMES) {
    const path = join(folder, name)
    const current = await statIfAny(path)
    if (current?.isFile() !== true || current.size !== size || !(await hasImage(path))) continue
    await rm(path)
    removed.push(name)
  }
  return removed
}

/** The text of a file; undefined where there is none. */
export async function textIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Writes atomically: temporary file, fsync, rename. */
export async function replaceFile(path: string, content: string, part: string, mode = 0o600): Promise<void> {
  const file = await open(part, 'w', mode)
  try {
    await file.chmod(mode) // an older temporary file keeps its mode
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(part, path)
  await sync(dirname(path))
}
