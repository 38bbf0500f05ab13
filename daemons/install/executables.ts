// Installs this image and its client as the CNI executables, and finds what differs from them.
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
  readlink,
  rename,
  rm,
  type FileHandle,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../lib/errors.js'
import { CLIENT_FILE, installedFiles, type FileKind } from './plan.js'

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

/** Where the files of one kind come from. */
interface Source {
  readonly path: string
  readonly size: number
}

/** This image, and the client beside it; undefined in an image that was built without. */
async function sourcesHere(): Promise<Readonly<Record<FileKind, Source | undefined>>> {
  const client = join(dirname(await readlink(IMAGE)), CLIENT_FILE)
  const found = await statIfAny(client)
  return {
    image: { path: IMAGE, size: await imageSize() },
    client: found?.isFile() === true ? { path: client, size: found.size } : undefined,
  }
}

interface WantedFile {
  readonly name: string
  readonly source: Source
}

/** The files of a node and their sources, in the order in which they are installed. */
async function wantedFiles(usesClient: boolean): Promise<readonly WantedFile[]> {
  const { image, client } = await sourcesHere()
  const wanted = installedFiles(usesClient && client !== undefined)
  return wanted.flatMap(({ name, kind }) => {
    const source = kind === 'client' ? client : image
    return source === undefined ? [] : [{ name, source }]
  })
}

/**
 * The files in the folder that differ from their source. Reads only what changed since it was
 * `verified`, and each inode once.
 */
async function staleIn(
  folder: string,
  wanted: readonly WantedFile[],
  verified: Verified,
): Promise<readonly WantedFile[]> {
  const known = new Map<string, boolean>()
  const stale: WantedFile[] = []
  for (const file of wanted) {
    const { name, source } = file
    const path = join(folder, name)
    const current = await statIfAny(path)
    if (current?.isFile() !== true || current.size !== source.size || (current.mode & 0o777) !== MODE) {
      stale.push(file)
      continue
    }
    if (verified.get(name) === verifiedAs(source, current)) continue
    const inode = `${source.path} ${current.ino}`
    const isSame = known.get(inode) ?? (await hasContent(path, source))
    known.set(inode, isSame)
    if (isSame) verified.set(name, verifiedAs(source, current))
    else stale.push(file)
  }
  return stale
}

const verifiedAs = ({ path }: Source, current: Stats): string => `${path} ${stampOf(current)}`

async function imageSize(): Promise<number> {
  const image = await open(IMAGE, 'r')
  try {
    return (await image.stat()).size
  } finally {
    await image.close()
  }
}

/**
 * Whether the file equals its source; compared in chunks, since an image has a hundred megabytes.
 */
async function hasContent(path: string, source: Source): Promise<boolean> {
  const file = await open(source.path, 'r')
  try {
    const other = await open(path, 'r')
    try {
      return await isEqual(file, other)
    } finally {
      await other.close()
    }
  } finally {
    await file.close()
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
 * Installs the full image and, under the names of the plugins, the client or the image: one copy
 * of each, and hard links. The image comes first, since a client executes it. A running executable
 * keeps its old inode, so a pod that starts meanwhile runs the old or the new one. Returns the
 * names that changed.
 */
export async function installExecutables(
  folder: string,
  verified: Verified,
  usesClient = true,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true })
  const wanted = await wantedFiles(usesClient)
  const stale = await staleIn(folder, wanted, verified)
  if (stale.length === 0) return []
  for (const left of (await readdir(folder)).filter(name => name.startsWith(TEMP_PREFIX))) await rm(join(folder, left))
  const sources = new Set(stale.map(({ source }) => source))
  for (const source of sources)
    await replaceAll(
      folder,
      source,
      wanted.filter(file => file.source === source),
    )
  await sync(folder)
  for (const { name, source } of wanted) {
    const current = await statIfAny(join(folder, name))
    if (current) verified.set(name, verifiedAs(source, current))
  }
  return stale.map(({ name }) => name)
}

/** All names of one source become links to a new copy of it. */
async function replaceAll(folder: string, source: Source, files: readonly WantedFile[]): Promise<void> {
  const copy = join(folder, `${TEMP_PREFIX}image`)
  await copyFile(source.path, copy, constants.COPYFILE_FICLONE)
  await chmod(copy, MODE)
  await sync(copy)
  for (const { name } of files) {
    const temporary = join(folder, `${TEMP_PREFIX}${name}`)
    await link(copy, temporary)
    const path = join(folder, name)
    if ((await statIfAny(path))?.isDirectory() === true) await rm(path, { recursive: true })
    await rename(temporary, path)
  }
  await rm(copy)
}

/**
 * Removes what has the content of this image or of its client, under any of the names; the image
 * that a client executes comes last. Returns the names.
 */
export async function removeExecutables(folder: string): Promise<readonly string[]> {
  const removed: string[] = []
  const sources = Object.values(await sourcesHere()).filter(source => source !== undefined)
  for (const { name } of installedFiles(true).toReversed()) {
    const path = join(folder, name)
    const current = await statIfAny(path)
    for (const source of sources) {
      if (current?.isFile() !== true || current.size !== source.size || !(await hasContent(path, source))) continue
      await rm(path)
      removed.push(name)
      break
    }
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
