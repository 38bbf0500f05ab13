// Defaults and validation of a SpiderReservedIP. Pure.
import { familyOf, parseIp, type Family } from '../ip/address.js'
import { BOTH_FAMILIES, offFaults, type Families } from './addressing.js'
import { CANNOT_CHANGE_ANY_MORE, forbidden, invalid, isOtherSpec, unsupported, type Fault } from './fault.js'
import { mergedTexts, rangeFaults } from './ranges.js'
import type { SpiderReservedIP } from './types.js'

const isFamily = (version: unknown): version is Family => version === 4 || version === 6

/** The object with the family of its first address and its ranges merged and sorted. */
export function defaultReservedIP(object: SpiderReservedIP): SpiderReservedIP {
  const { metadata, spec } = object
  const first = spec.ips?.[0]
  if (metadata.deletionTimestamp !== undefined || first === undefined) return object
  const address = parseIp(first.split('-')[0] ?? '')
  const version = spec.ipVersion ?? (address && familyOf(address))
  const ips = mergedTexts(spec.ips, isFamily(version) ? version : undefined)
  return { ...object, spec: { ...spec, ...(version !== undefined && { ipVersion: version }), ...(ips && { ips }) } }
}

/** All faults of the object to be written. `old`: the stored one, `undefined` at creation. */
export function validateReservedIP(
  { spec }: SpiderReservedIP,
  old: SpiderReservedIP | undefined,
  families: Families = BOTH_FAMILIES,
): readonly Fault[] {
  if (old?.metadata.deletionTimestamp !== undefined)
    return isOtherSpec(spec, old.spec) ? [forbidden('spec', spec, CANNOT_CHANGE_ANY_MORE)] : []
  const { ipVersion, ips = [] } = spec
  if (old?.spec.ipVersion !== undefined && old.spec.ipVersion !== ipVersion)
    return [forbidden('spec.ipVersion', ipVersion, 'it cannot be changed; make another SpiderReservedIP')]
  if (ipVersion === undefined && ips.length === 0)
    return [invalid('spec.ips', ips, 'it needs at least one address or range first-last')]
  if (ipVersion === undefined) return [invalid('spec.ips[0]', ips[0], 'it must be an IP address or a range first-last')]
  if (!isFamily(ipVersion)) return [unsupported('spec.ipVersion', ipVersion, [4, 6])]
  const off = offFaults(ipVersion, families)
  if (off.length > 0) return off
  return rangeFaults('spec.ips', ips, { family: ipVersion, mayOverlap: true })
}
