// Lists of ranges as specs hold them: texts, merged where there are several, and each that is wrong named. Knows no kind.
import { familyOf, type Family } from '../ip/address.js'
import { intervalOfPrefix, parsePrefix } from '../ip/cidr.js'
import { formatRanges, normal, readRange, sizeOf, type Interval, type Ranges } from '../ip/range.js'
import { usableIn } from '../ip/usable.js'
import { invalid, type Fault } from './fault.js'

/** The interval, or the sentence why it is none; of a CIDR with the range to write. */
export function rangeIn(text: string, family: Family): Interval | string {
  const read = readRange(text, family)
  if (typeof read !== 'string') return read
  const prefix = parsePrefix(text)
  if (!prefix || familyOf(prefix.ip) !== family) return `it ${read}`
  const usable = usableIn([intervalOfPrefix(prefix)], family, { subnet: prefix })
  return `it is a CIDR; write a range: ${formatRanges(usable, family).join(', ') || 'first-last'}`
}

/** What of the texts can be read. An object older than its admission may hold anything. */
export const readable = (texts: readonly string[] | undefined, family: Family): Ranges =>
  normal((texts ?? []).map(text => rangeIn(text, family)).filter(read => typeof read !== 'string'))

/**
 * Several ranges sorted and joined; a single one stays as it was typed. `undefined` where there is nothing to do, or where
 * one cannot be read: that is for validation to name. With `keepOverlaps` so are ranges that overlap.
 */
export function mergedTexts(
  texts: readonly string[] | undefined,
  family: Family | undefined,
  { keepOverlaps = false } = {},
): readonly string[] | undefined {
  if (!texts || texts.length < 2 || family === undefined) return undefined
  const read = texts.map(text => rangeIn(text, family))
  const intervals = read.filter(one => typeof one !== 'string')
  if (intervals.length < read.length) return undefined
  const ranges = normal(intervals)
  // A sum of sizes, not the size of a set: what overlaps counts twice.
  if (keepOverlaps && sizeOf(ranges) !== sizeOf(intervals)) return undefined
  return formatRanges(ranges, family)
}

export interface RangeRules {
  readonly family: Family
  readonly inside?: Interval
  readonly mayOverlap: boolean
}

/** One fault for each text that cannot be read, lies outside, or overlaps with one before it. */
export function rangeFaults(field: string, texts: readonly string[], rules: RangeRules): readonly Fault[] {
  const faults: Fault[] = []
  const seen: { readonly text: string; readonly interval: Interval }[] = []
  texts.forEach((text, at) => {
    const path = `${field}[${at}]`
    const interval = rangeIn(text, rules.family)
    if (typeof interval === 'string') return void faults.push(invalid(path, text, interval))
    if (rules.inside && (interval.first < rules.inside.first || interval.last > rules.inside.last))
      faults.push(invalid(path, text, 'it is not inside spec.subnet'))
    const twice = seen.find(one => one.interval.first <= interval.last && interval.first <= one.interval.last)
    if (twice && !rules.mayOverlap) faults.push(invalid(path, text, `range ${twice.text} overlaps with ${text}`))
    seen.push({ text, interval })
  })
  return faults
}
