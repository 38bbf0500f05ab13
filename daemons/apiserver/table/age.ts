// Durations and ages as kubectl prints them. Pure.
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const YEAR_DAYS = 365

/**
 * `90s`, `3m5s`, `2d4h`, `1y20d` (k8s.io/apimachinery/pkg/util/duration.HumanDuration). Slightly
 * negative `ms` is clock skew.
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / SECOND)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(ms / MINUTE)
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(ms / HOUR)
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (hours < 8 * 24) return two(days, 'd', hours % 24, 'h')
  if (days < 2 * YEAR_DAYS) return `${days}d`
  const years = Math.trunc(days / YEAR_DAYS)
  return days < 8 * YEAR_DAYS ? two(years, 'y', days % YEAR_DAYS, 'd') : `${years}y`
}

const two = (big: number, unit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big}${unit}` : `${big}${unit}${small}${smallUnit}`

/** The age of an RFC 3339 time: `<unknown>` if absent, `<invalid>` if it cannot be parsed. */
export function ageOf(time: unknown, nowMs: number): string {
  if (time === undefined || time === null || time === '') return '<unknown>'
  const then = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(then) ? '<invalid>' : humanDuration(nowMs - then)
}
