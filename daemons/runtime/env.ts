// Typed reading of a daemon's environment variables; a fault is a sentence with name and value.
import { LEVELS, type Level } from '../../lib/log.js'

export type DaemonEnv = Readonly<Record<string, string | undefined>>

/**
 * A variable that is required where it is set: an empty value means a broken manifest.
 * @throws Error a sentence with the variable.
 */
export function text(env: DaemonEnv, name: string, otherwise: string): string {
  const value = env[name] ?? otherwise
  if (value === '') throw new Error(`${name} is set and empty; give a value or leave it out`)
  return value
}

/**
 * SPIDERPOOL_LOG_LEVEL, `info` by default.
 * @throws Error a sentence with the variable and its value.
 */
export function level(env: DaemonEnv): Level {
  const value = env['SPIDERPOOL_LOG_LEVEL'] ?? ''
  const found = LEVELS.find(name => name === (value === '' ? 'info' : value.toLowerCase()))
  if (found) return found
  throw new Error(`SPIDERPOOL_LOG_LEVEL is "${value}"; give one of ${LEVELS.join(', ')}`)
}

/**
 * A whole number of at most nine digits.
 * @throws Error a sentence with the variable and its value.
 */
export function number(env: DaemonEnv, name: string, otherwise: number): number {
  const value = env[name] ?? ''
  if (value === '') return otherwise
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new Error(`${name} is "${value}"; give a whole number`)
}

/** Accepted by Go's strconv.ParseBool. */
const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']

/**
 * A boolean as Go's strconv.ParseBool reads it.
 * @throws Error a sentence with the variable and its value.
 */
export function flag(env: DaemonEnv, name: string, otherwise: boolean): boolean {
  const value = env[name] ?? ''
  if (value === '') return otherwise
  if (TRUE.includes(value)) return true
  if (FALSE.includes(value)) return false
  throw new Error(`${name} is "${value}"; give true or false`)
}
