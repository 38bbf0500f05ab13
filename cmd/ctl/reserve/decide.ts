// A reservation: which ranges a text names, and what a SpiderReservedIP becomes. Pure.
import { SPIDERPOOL_API } from '../../../lib/crd/names.js'
import { readable } from '../../../lib/crd/ranges.js'
import type { SpiderReservedIP } from '../../../lib/crd/types.js'
import { familyOf, parseIp, type Family } from '../../../lib/ip/address.js'
import { intervalOfPrefix, parsePrefix } from '../../../lib/ip/cidr.js'
import { formatRanges, normal, readRange, subtract, union, type Ranges } from '../../../lib/ip/range.js'

export interface NamedRanges {
  readonly family: Family
  readonly ranges: Ranges
}

/** The addresses of `A`, `A-B` or a CIDR; why the text is none, as a predicate, else. */
export function rangesNamed(text: string): NamedRanges | string {
  const prefix = text.includes('/') ? parsePrefix(text) : undefined
  if (prefix) return { family: familyOf(prefix.ip), ranges: normal([intervalOfPrefix(prefix)]) }
  const first = parseIp(text.split('-')[0] ?? '')
  if (first === undefined) return 'is neither an IP address nor a range first-last nor a CIDR'
  const family = familyOf(first)
  const range = readRange(text, family)
  return typeof range === 'string' ? range : { family, ranges: normal([range]) }
}

/** What is to be written: nothing, a new object, or a longer one. */
export type Reservation =
  | { readonly kind: 'there' }
  | { readonly kind: 'create' | 'replace'; readonly object: SpiderReservedIP }
  | { readonly kind: 'refuse'; readonly why: string }

/** The SpiderReservedIP `name` with the ranges, merged with what it has. */
export function reservation(
  name: string,
  { family, ranges }: NamedRanges,
  before: SpiderReservedIP | undefined,
): Reservation {
  if (!before) {
    const spec = { ipVersion: family, ips: formatRanges(ranges, family) }
    return {
      kind: 'create',
      object: { apiVersion: SPIDERPOOL_API, kind: 'SpiderReservedIP', metadata: { name }, spec },
    }
  }
  if (before.metadata.deletionTimestamp !== undefined)
    return { kind: 'refuse', why: 'it is being deleted; name another one with --name' }
  const version = before.spec.ipVersion ?? family
  if (version !== family)
    return { kind: 'refuse', why: `it is of IPv${version} (spec.ipVersion); name another one with --name` }
  const has = readable(before.spec.ips, family)
  if (subtract(ranges, has).length === 0) return { kind: 'there' }
  const ips = formatRanges(union(has, ranges), family)
  return { kind: 'replace', object: { ...before, spec: { ...before.spec, ipVersion: family, ips } } }
}
