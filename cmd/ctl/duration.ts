// Durations on the command line, as Go prints them: 30s, 10m, 1h30m.
import { CtlError } from './status.js'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const DURATION = /^(\d+(ms|s|m|h))+$/

/**
 * Milliseconds of the text.
 * @throws CtlError `usage` that names the option
 */
export function millisecondsOf(text: string, option: string): number {
  if (!DURATION.test(text)) throw new CtlError('usage', `${option} "${text}" is not a duration; write 30s, 10m or 1h`)
  return [...text.matchAll(/(\d+)(ms|s|m|h)/g)].reduce(
    (ms, [, n, unit = '']) => ms + Number(n) * (UNIT_MS[unit] ?? 0),
    0,
  )
}
