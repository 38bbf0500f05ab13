// RTA_MULTIPATH (struct rtnexthop) and RTA_VIA (struct rtvia).
import { attrs } from '../attrs.js'
import { concat, raw, s32, struct, u16, u32, u8, within, WireError, type Codec, type ValueOf } from '../../bytes.js'

/** struct rtvia: a gateway with its family. */
export const via: Codec<{ readonly family: number; readonly address: Uint8Array }> = {
  decode(bytes) {
    if (bytes.length < u16.size) throw new WireError(`rtvia wants 2 bytes or more, not ${bytes.length}`)
    return { family: u16.decode(bytes.subarray(0, 2)), address: new Uint8Array(bytes.subarray(2)) }
  },
  encode: ({ family, address }) => concat([u16.encode(family), address]),
}

const rtnexthop = struct('rtnexthop', 8, { length: u16, flags: u8, hops: u8, index: s32 })

const hopAttrs = attrs({
  gateway: [5, raw],
  flow: [11, u32],
  via: [18, via],
  newDst: [19, raw],
  encapType: [21, u16],
  encap: [22, raw],
})

export interface RtNextHop {
  readonly flags: number
  /** One less than the weight. */
  readonly hops: number
  readonly index: number
  readonly attrs: ValueOf<typeof hopAttrs>
}

export const nextHops: Codec<readonly RtNextHop[]> = {
  decode(bytes) {
    const found: RtNextHop[] = []
    let at = 0
    while (at < bytes.length) {
      const hop = within(`${found.length}`, () => decodeHop(bytes.subarray(at)))
      found.push(hop.value)
      at += (hop.length + 3) & ~3
    }
    return found
  },
  encode: hops => concat(hops.map((hop, i) => within(`${i}`, () => encodeHop(hop)))),
}

function decodeHop(bytes: Uint8Array): { value: RtNextHop; length: number } {
  const { length, ...header } = rtnexthop.decode(bytes)
  if (length < rtnexthop.size || length > bytes.length)
    throw new WireError(`rtnexthop claims ${length} bytes of ${bytes.length}`)
  return { value: { ...header, attrs: hopAttrs.decode(bytes.subarray(rtnexthop.size, length)) }, length }
}

function encodeHop({ flags, hops, index, attrs: value }: RtNextHop): Uint8Array {
  const tail = hopAttrs.encode(value)
  return concat([rtnexthop.encode({ length: rtnexthop.size + tail.length, flags, hops, index }), tail])
}
