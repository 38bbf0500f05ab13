// Sets of addresses as sorted, disjoint intervals of bigints, so that a /48 costs as much as one
// address.
import { fromBigint, IpError, parseValue, type Family } from './address.js'

/** Inclusive at both ends. */
export interface Interval {
  readonly first: bigint
  readonly last: bigint
}

/** Sorted and disjoint; adjacent intervals are merged. */
export type Ranges = readonly Interval[]

/** Parses `a` or `first-last`. @throws IpError that names the text */
export function parseRange(text: string, family: Family): Interval {
  const read = readRange(text, family)
  if (typeof read === 'string') throw new IpError(`"${text}" ${read}`)
  return read
}

/** Parses `a` or `first-last`, or returns why it is invalid, as a predicate: `is not IPv4`. */
export function readRange(text: string, family: Family): Interval | string {
  const [from = '', to = from, ...more] = text.split('-')
  const first = parseValue(from)
  const last = to === from ? first : parseValue(to)
  if (first === undefined || last === undefined || more.length > 0)
    return 'is neither an IP address nor a range first-last'
  if (first.family !== family || last.family !== family) return `is not IPv${family}`
  return first.value > last.value ? 'ends before it begins' : { first: first.value, last: last.value }
}

/** Parses several ranges. @throws IpError that names the invalid one */
export const rangesOf = (texts: readonly string[], family: Family): Ranges =>
  normal(texts.map(text => parseRange(text, family)))

/** Normalizes intervals of any order into Ranges. */
export function normal(intervals: readonly Interval[]): Ranges {
  const sorted = [...intervals].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const merged: { first: bigint; last: bigint }[] = []
  for (const { first, last } of sorted) {
    const open = merged.at(-1)
    if (open && first <= open.last + 1n) open.last = last > open.last ? last : open.last
    else merged.push({ first, last })
  }
  return merged
}

/** Addresses in `a` or in `b`. */
export const union = (a: Ranges, b: Ranges): Ranges => normal([...a, ...b])

/** Addresses in `a` and not in `b`, in one pass over both. */
export function subtract(a: Ranges, b: Ranges): Ranges {
  const left: Interval[] = []
  let at = 0
  for (const { first, last } of a) {
    let from = first
    while ((b[at]?.last ?? from) < from) at++
    for (let next = at; from <= last; next++) {
      const hole = b[next]
      if (!hole || hole.first > last) {
        left.push({ first: from, last })
        break
      }
      if (hole.first > from) left.push({ first: from, last: hole.first - 1n })
      from = hole.last + 1n
    }
  }
  return left
}

/** Addresses in both. */
export const intersect = (a: Ranges, b: Ranges): Ranges => subtract(a, subtract(a, b))

/** The number of addresses. */
export const sizeOf = (ranges: Ranges): bigint => ranges.reduce((size, { first, last }) => size + last - first + 1n, 0n)

/** The n-th lowest address, counted from 0; undefined if there are fewer. */
export function nth(ranges: Ranges, n: bigint): bigint | undefined {
  let left = n
  if (left < 0n) return undefined
  for (const { first, last } of ranges) {
    const size = last - first + 1n
    if (left < size) return first + left
    left -= size
  }
  return undefined
}

/** Splits off the `count` lowest addresses, or as many as there are. */
export function split(ranges: Ranges, count: bigint): { readonly lowest: Ranges; readonly rest: Ranges } {
  const lowest: Interval[] = []
  let left = count
  for (const [at, { first, last }] of ranges.entries()) {
    if (left <= 0n) return { lowest, rest: ranges.slice(at) }
    const size = last - first + 1n
    if (size > left) {
      lowest.push({ first, last: first + left - 1n })
      return { lowest, rest: [{ first: first + left, last }, ...ranges.slice(at + 1)] }
    }
    lowest.push({ first, last })
    left -= size
  }
  return { lowest, rest: [] }
}

/** True if both hold the same addresses. */
export const isSame = (a: Ranges, b: Ranges): boolean =>
  a.length === b.length && a.every(({ first, last }, at) => b[at]?.first === first && b[at]?.last === last)

/** The inverse of nth(); undefined if the address is not in the set. */
export function positionOf(ranges: Ranges, value: bigint): bigint | undefined {
  let before = 0n
  for (const { first, last } of ranges) {
    if (value < first) return undefined
    if (value <= last) return before + value - first
    before += last - first + 1n
  }
  return undefined
}

/** True if the address is in the set. */
export const includes = (ranges: Ranges, value: bigint): boolean => positionOf(ranges, value) !== undefined

/** Each interval as `a` or `first-last`, ascending. */
export const formatRanges = (ranges: Ranges, family: Family): string[] =>
  ranges.map(({ first, last }) =>
    first === last ? fromBigint(first, family) : `${fromBigint(first, family)}-${fromBigint(last, family)}`,
  )
