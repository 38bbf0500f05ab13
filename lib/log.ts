// Logs as JSON lines: a file that rotates for executables, which own no stdout, or whatever a daemon writes to. Never a reason to fail.
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join, parse } from 'node:path'
import { whyNotFile, whyNotFolder } from './file-trust.js'

export const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'] as const
export type Level = (typeof LEVELS)[number]
/** In any case; undefined where it is none. */
export const levelOf = (text: string): Level | undefined => LEVELS.find(level => level === text.toLowerCase())

export interface LogOptions {
  readonly level: Level
  readonly file: string
  /** Above the file. From here down no link is followed, and all is root's alone: else nothing is written. */
  readonly folder: string
  /** 0 or less: 100. */
  readonly maxSizeMb?: number
  /** 0: no limit; less: 30. */
  readonly maxAgeDays?: number
  /** 0: all are kept; less: 10. */
  readonly maxCount?: number
}

type Write = (message: string, fields?: Readonly<Record<string, unknown>>) => void
export type Log = { readonly [L in 'debug' | 'info' | 'warn' | 'error']: Write }

const MB = 1024 * 1024
const DAY_MS = 86_400_000
const orElse = (value: number | undefined, zero: number, negative: number): number =>
  value === undefined || value === 0 ? zero : value < 0 ? negative : value

/** Nothing is opened until a line is written; each line is one append, whole even where many processes write. */
export function openLog(options: LogOptions, now: () => Date = () => new Date()): Log {
  let isBroken = false
  const write = (line: string): void => {
    if (!isBroken) isBroken = !append(options, line, now)
  }
  return logTo(write, options.level, now)
}

/** Writes nothing. */
export const MUTE: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** `write` is given one line of JSON with its line feed: level, ts (RFC 3339), msg, and the fields of the call. */
export function logTo(write: (line: string) => void, level: Level, now: () => Date = () => new Date()): Log {
  const threshold = LEVELS.indexOf(level)
  const writer = (own: Level): Write => {
    if (LEVELS.indexOf(own) < threshold) return () => undefined
    return (message, fields = {}) =>
      write(lineOf({ level: own.toUpperCase(), ts: now().toISOString(), msg: message }, fields))
  }
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
}

function lineOf(entry: object, fields: object): string {
  try {
    return `${JSON.stringify({ ...entry, ...fields })}\n`
  } catch (error) {
    return `${JSON.stringify({ ...entry, unwritable: String(error).split('\n')[0] })}\n` // a ring, a bigint: the message is still told
  }
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants
/** O_NONBLOCK: to open a pipe that nobody reads fails, and does not wait. */
const FLAGS = O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_WRONLY

/** False where the file cannot be written: a read-only, full or missing disk, or a place that others than root can change. */
function append(options: LogOptions, line: string, now: () => Date): boolean {
  try {
    const bytes = Buffer.from(line)
    let file = openIn(options)
    const isFull = file.size > 0 && file.size + bytes.length > orElse(options.maxSizeMb, 100, 100) * MB
    if (isFull) {
      closeSync(file.fd)
      rotate(options, now())
      file = openIn(options)
    }
    try {
      return writeSync(file.fd, bytes) === bytes.length
    } finally {
      closeSync(file.fd)
    }
  } catch {
    return false // said by the return value: the call goes on without a log
  }
}

interface Opened {
  readonly fd: number
  readonly size: number
}

/** Opens the log, with the folders above it where they are missing. Throws where it may not be written. */
function openIn(options: LogOptions): Opened {
  try {
    return openSafely(options, false)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  return openSafely(options, true)
}

function openSafely(options: LogOptions, makeFolders: boolean): Opened {
  checkFolders(options, makeFolders)
  const fd = openSync(options.file, FLAGS, 0o600)
  const stats = fstatSync(fd)
  const why = stats.nlink > 1 ? 'has another name (hard link)' : whyNotFile(stats)
  if (why === undefined) return { fd, size: stats.size }
  closeSync(fd)
  throw new Error(`${options.file} ${why}`)
}

/** The folder itself may be reached by links, which are the administrator's; what is below it may have none. */
function checkFolders({ folder, file }: LogOptions, makeFolders: boolean): void {
  const below = dirname(file).slice(folder.length).split('/').filter(Boolean)
  let path = realpathSync(folder)
  for (const part of ['', ...below]) {
    if (part !== '') path += `/${part}`
    if (part !== '' && makeFolders) mkdirSync(path, { recursive: true, mode: 0o700 })
    const why = whyNotFolder(path)
    if (why !== undefined) throw new Error(`${path} ${why}`)
  }
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/
const stampOf = (time: Date): string => time.toISOString().replace(/:/g, '-').replace('Z', '')

/** `spiderpool.log` becomes `spiderpool-<time>.log`, named as lumberjack does; of those, and of no other file, what is too old or too many goes. */
function rotate({ file, maxAgeDays, maxCount }: LogOptions, now: Date): void {
  const { dir, name: stem, ext } = parse(file)
  const rotated = (stamp: string): string => join(dir, `${stem}-${stamp}${ext}`)
  renameSync(file, rotated(stampOf(now)))
  const stamps = readdirSync(dir || '.')
    .filter(name => name.startsWith(`${stem}-`) && name.endsWith(ext))
    .map(name => name.slice(stem.length + 1, name.length - ext.length))
    .filter(stamp => STAMP.test(stamp)) // `spiderpool-ipam.log` is another log, not an old one
    .sort()
    .reverse()
  const oldest = stampOf(new Date(Math.max(0, now.getTime() - orElse(maxAgeDays, Infinity, 30) * DAY_MS)))
  const keep = orElse(maxCount, Infinity, 10)
  stamps.forEach((stamp, at) => {
    if (at >= keep || stamp < oldest) rmSync(rotated(stamp), { force: true })
  })
}
