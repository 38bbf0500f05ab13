// JSON line logs: a rotated file for CNI executables (their stdout is the result), any sink for
// daemons. A log that cannot be written never fails a call.
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
import { codeOf } from './errors.js'
import { whyNotFile, whyNotFolder } from './file-trust.js'

export const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'] as const
export type Level = (typeof LEVELS)[number]
/** Parses a level, ignoring case; undefined if it is unknown. */
export const levelOf = (text: string): Level | undefined => LEVELS.find(level => level === text.toLowerCase())

export interface LogOptions {
  readonly level: Level
  readonly file: string
  /**
   * An ancestor of `file`. From here down no link is followed and all must be root's
   * (lib/file-trust.ts).
   */
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

/**
 * A log file, opened on the first line; each line is one O_APPEND write(2), so writers do not
 * interleave.
 */
export function openLog(options: LogOptions, now: () => Date = () => new Date()): Log {
  let isBroken = false
  const write = (line: string): void => {
    if (!isBroken) isBroken = !append(options, line, now)
  }
  return logTo(write, options.level, now)
}

/** A log that discards every line. */
export const MUTE: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/**
 * A log on any sink: `write` gets one JSON line with its line feed: level, ts (RFC 3339), msg,
 * fields.
 */
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
    return `${JSON.stringify({ ...entry, unwritable: String(error).split('\n')[0] })}\n` // a cycle or a bigint
  }
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants
/** O_NONBLOCK: opening a FIFO without a reader fails instead of blocking. */
const FLAGS = O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_WRONLY

/** Returns false if the file cannot be written, or is not root's alone. */
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
    return false // the call proceeds without a log
  }
}

interface Opened {
  readonly fd: number
  readonly size: number
}

/** Opens the log and creates missing folders. @throws if it may not be written */
function openIn(options: LogOptions): Opened {
  try {
    return openSafely(options, false)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
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

/** The administrator may reach the folder through links; below it none is followed. */
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

/**
 * Renames `spiderpool.log` to `spiderpool-<time>.log`, as lumberjack does, and removes surplus and
 * old ones.
 */
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
