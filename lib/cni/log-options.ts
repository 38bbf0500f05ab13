// The key `logOptions` of a conf and its defaults.

/** Defaults: the current file and two rotated ones, of at most this size each. */
export const LOG_SIZE_MB = 10
export const LOG_OLD_FILES = 2

/** `logOptions` of the schemas. */
export interface LogOptionsConf {
  readonly logLevel?: string
  readonly logFile?: string
  readonly logMaxSize?: number | string
  readonly logMaxAge?: number | string
  readonly logMaxCount?: number | string
}

export interface LogConf {
  /** Not validated here: ADD rejects an unknown level, DEL ignores it. */
  readonly level: string
  readonly file: string
  readonly maxSizeMb: number
  readonly maxAgeDays: number
  readonly maxCount: number
}

/** `logOptions` with defaults; `file` is the default file. */
export const logConfOf = (options: LogOptionsConf, file: string): LogConf => ({
  level: options.logLevel || 'debug',
  file: options.logFile || file,
  maxSizeMb: Number(options.logMaxSize ?? LOG_SIZE_MB),
  maxAgeDays: Number(options.logMaxAge ?? 0),
  maxCount: Number(options.logMaxCount ?? LOG_OLD_FILES),
})
