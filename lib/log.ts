// A log file of JSON lines that rotates. Never stdout, and never a reason to fail: a full disk loses lines, not pods.
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'

export const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'] as const
export type Level = (typeof LEVELS)[number]

export interface LogOptions {
  readonly level: Level
  readonly file: string
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
  const threshold = LEVELS.indexOf(options.level)
  let isBroken = false
  const writer = (level: (typeof LEVELS)[number]): Write => {
    if (LEVELS.indexOf(level) < threshold) return () => undefined
    return (message, fields = {}) => {
      if (isBroken) return
      const line = `${JSON.stringify({ level: level.toUpperCase(), ts: now().toISOString(), msg: message, ...fields })}\n`
      isBroken = !append(options, line, now)
    }
  }
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
}

/** False where the file cannot be written: a read-only, full or missing disk. */
function append(options: LogOptions, line: string, now: () => Date): boolean {
  const { file } = options
  try {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (size + line.length > orElse(options.maxSizeMb, 100, 100) * MB) rotate(options, now())
    appendFileSync(file, line, { mode: 0o600 })
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) return false
  }
  try {
    mkdirSync(file.slice(0, file.lastIndexOf('/')) || '/', { recursive: true, mode: 0o700 })
    appendFileSync(file, line, { mode: 0o600 })
    return true
  } catch {
    return false // said by the return value: the call goes on without a log
  }
}

/** `spiderpool.log` becomes `spiderpool-<time>.log`; what is too old or too many goes. */
function rotate({ file, maxAgeDays, maxCount }: LogOptions, now: Date): void {
  const dot = file.lastIndexOf('.')
  const slash = file.lastIndexOf('/')
  const [stem, extension] = dot > slash ? [file.slice(0, dot), file.slice(dot)] : [file, '']
  renameSync(file, `${stem}-${now.toISOString().replace(/:/g, '-')}${extension}`)
  const folder = file.slice(0, slash) || '/'
  const prefix = `${stem.slice(slash + 1)}-`
  const old = readdirSync(folder)
    .filter(name => name.startsWith(prefix) && name.endsWith(extension))
    .sort()
    .reverse()
  const keep = orElse(maxCount, Infinity, 10)
  const days = orElse(maxAgeDays, Infinity, 30)
  old.forEach((name, at) => {
    const age = now.getTime() - statSync(`${folder}/${name}`).mtimeMs
    if (at >= keep || age > days * DAY_MS) rmSync(`${folder}/${name}`, { force: true })
  })
}
