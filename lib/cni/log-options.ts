// The key `logOptions` of a conf: what its log is, with the defaults; knows no plugin.
/**
 * Where a conf says nothing, a log is three files of so many megabytes, and no more: the one
 * written to, and two old ones.
 */
export const LOG_SIZE_MB = 10
export const LOG_OLD_FILES = 2

/** As the schemas have it. */
export interface LogOptionsConf {
  readonly logLevel?: string
  readonly logFile?: string
  readonly logMaxSize?: number | string
  readonly logMaxAge?: number | string
  readonly logMaxCount?: number | string
}

export interface LogConf {
  /** Not checked: what is none is for ADD to refuse, and DEL goes on. */
  readonly level: string
  readonly file: string
  readonly maxSizeMb: number
  readonly maxAgeDays: number
  readonly maxCount: number
}

/** `file` is the one where the conf names none. */
export const logConfOf = (options: LogOptionsConf, file: string): LogConf => ({
  level: options.logLevel || 'debug',
  file: options.logFile || file,
  maxSizeMb: Number(options.logMaxSize ?? LOG_SIZE_MB),
  maxAgeDays: Number(options.logMaxAge ?? 0),
  maxCount: Number(options.logMaxCount ?? LOG_OLD_FILES),
})
