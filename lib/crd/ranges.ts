// Lists of ranges in specs: parsed, merged and validated. Pure.
import { familyOf, type Family } from '../ip/address.js'
import { intervalOfPrefix, parsePrefix } from '../ip/cidr.js'
import { formatRanges, normal, readRange, sizeOf, type Interval, type Ranges } from '../ip/range.js'
import { usableIn } from '../ip/usable.js'
import { invalid, type Fault } from './fault.js'

/** The interval, or a sentence with the fault; for a CIDR it names the range to write. */
export function rangeIn(text: string, family: Family): Interval | string {
  const read = readRange(text, family)
  if (typeof read !== 'string') return read
  const prefix = parsePrefix(text)
  if (!prefix || familyOf(prefix.ip) !== family) return `it ${read}`
  const usable = usableIn([intervalOfPrefix(prefix)], family, { subnet: prefix })
  return `it is a CIDR; write a range: ${formatRanges(usable, family).join(', ') || 'first-last'}`
}

/** The valid ranges. Objects stored before admission existed may hold invalid ones. */
export const readable = (texts: readonly string[] | undefined, family: Family): Ranges =>
  normal((texts ?? []).map(text => rangeIn(text, family)).filter(read => typeof read !== 'string'))

/**
 * Two or more ranges, sorted and joined. `undefined` where there is nothing to do, where one is
 * invalid, which validation reports, or with `keepOverlaps` where they overlap.
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
  // The sum counts overlapping addresses twice.
  if (keepOverlaps && sizeOf(ranges) !== sizeOf(intervals)) return undefined
  return formatRanges(ranges, family)
}

export interface RangeRules {
  readonly family: Family
  readonly inside?: Interval
  readonly mayOverlap: boolean
}

/** One fault for each range that is invalid, outside, or overlaps with an earlier one. */
export function rangeFaults(field: string, texts: readonly string[], rules: RangeRules): readonly Fault[] {
  const faults: Fault[] = []
  const earlier: { readonly text: string; readonly interval: Interval }[] = []
  texts.forEach((text, at) => {
    const path = `${field}[${at}]`
    const interval = rangeIn(text, rules.family)
    if (typeof interval === 'string') return void faults.push(invalid(path, text, interval))
    if (rules.inside && (interval.first < rules.inside.first || interval.last > rules.inside.last))
      faults.push(invalid(path, text, 'it is not inside spec.subnet'))
    const twice = earlier.find(one => one.interval.first <= interval.last && interval.first <= one.interval.last)
    if (twice && !rules.mayOverlap) faults.push(invalid(path, text, `range ${twice.text} overlaps with ${text}`))
    earlier.push({ text, interval })
  })
  return faults
}
