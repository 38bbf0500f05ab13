// Allocated addresses that a SpiderReservedIP covers: ADD reads reservations from a cache, so one
// of the last milliseconds can be missed (decisions/0022), and an address may be reserved later.
import type { SpiderIPAddress, SpiderReservedIP } from '../../../../lib/crd/types.js'
import { reservedRanges } from '../../../../lib/ipam/allocation/pool.js'
import {
  familyOf,
  fromBigint,
  ipOfObjectName,
  objectNameOf,
  toBigint,
  type Family,
} from '../../../../lib/ip/address.js'
import { formatRanges, includes, normal, sizeOf, type Ranges } from '../../../../lib/ip/range.js'

export type ReservedRanges = Readonly<Record<Family, Ranges>>

/** The addresses of a reservation, of both families. @throws IpError for a range that is invalid */
export const rangesOfReserved = (reserved: SpiderReservedIP): ReservedRanges => ({
  4: reservedRanges([reserved], 4),
  6: reservedRanges([reserved], 6),
})

/** True where a pod has the address of the object and the reservation covers it. */
export function isCovered({ metadata, spec }: SpiderIPAddress, ranges: ReservedRanges): boolean {
  const ip = ipOfObjectName(metadata.name)
  return ip !== undefined && spec.pod.uid !== '' && includes(ranges[familyOf(ip)], toBigint(ip))
}

/** Names of the address objects in the ranges; `undefined` where they are more than `max`. */
export function namesWithin(ranges: ReservedRanges, max: number): readonly string[] | undefined {
  if (sizeOf(ranges[4]) + sizeOf(ranges[6]) > BigInt(max)) return undefined
  const names: string[] = []
  for (const family of [4, 6] as const)
    for (const { first, last } of ranges[family])
      for (let value = first; value <= last; value++) names.push(objectNameOf(fromBigint(value, family)))
  return names
}

/** Leaves room for the rest of the sentence: a message has at most 1024 characters. */
const LISTED_LENGTH_MAX = 700

/** The sentence for the SpiderReservedIP. */
export function messageForReserved(name: string, covered: readonly SpiderIPAddress[]): string {
  const [first] = covered
  const whose = first && covered.length === 1 ? ` of ${holderOf(first)}` : ''
  const count = covered.length === 1 ? 'address' : `${covered.length} addresses`
  return `SpiderReservedIP ${name} covers the allocated ${count} ${listed(covered)}${whose}; ${remedyOf(covered.length)}`
}

/** The sentence for the pod that has the address. */
export const messageForPod = (name: string, address: SpiderIPAddress): string =>
  `${address.spec.address} of interface ${address.spec.nic} (SpiderIPPool ${address.spec.pool}) is reserved by SpiderReservedIP ${name}; ${remedyOf(1)}`

const remedyOf = (count: number): string =>
  `delete the ${count === 1 ? 'pod' : 'pods'}, or remove ${count === 1 ? 'the address' : 'the addresses'} from spec.ips of the SpiderReservedIP; a StatefulSet's pod or a virtual machine keeps a reserved address until it is scaled down or deleted`

const holderOf = ({ spec: { pod, nic } }: SpiderIPAddress): string => `pod ${pod.namespace}/${pod.name} (${nic})`

function listed(covered: readonly SpiderIPAddress[]): string {
  const ips = covered.flatMap(({ metadata }) => ipOfObjectName(metadata.name) ?? [])
  const texts = ([4, 6] as const).flatMap(family => {
    const values = ips.filter(ip => familyOf(ip) === family).map(toBigint)
    return formatRanges(normal(values.map(value => ({ first: value, last: value }))), family)
  })
  let text = texts[0] ?? ''
  for (const [at, next] of texts.slice(1).entries()) {
    if (text.length + next.length + 2 > LISTED_LENGTH_MAX) return `${text} and ${texts.length - at - 1} more ranges`
    text += `, ${next}`
  }
  return text
}
