// Expressions of rules: one attribute table per kind.
import { attrs, NLA_F_NESTED } from '../attrs.js'
import { cstring, raw, s32be, u32be, u8, within, type Codec, type ValueOf } from '../../bytes.js'

const nftaVerdict = attrs({ code: [1, s32be], chain: [2, cstring], chainId: [3, u32be] })

/** NFTA_DATA_*: bytes, or a verdict. */
const nftaData = attrs({ value: [1, raw], verdict: [2 | NLA_F_NESTED, nftaVerdict] })

/** NFTA_META_*, NFTA_CT_* and so on; `source` and `destination` are registers. */
const kinds = {
  meta: attrs({ destination: [1, u32be], key: [2, u32be], source: [3, u32be] }),
  ct: attrs({ destination: [1, u32be], key: [2, u32be], direction: [3, u8], source: [4, u32be] }),
  cmp: attrs({ source: [1, u32be], op: [2, u32be], data: [3 | NLA_F_NESTED, nftaData] }),
  bitwise: attrs({
    source: [1, u32be],
    destination: [2, u32be],
    length: [3, u32be],
    mask: [4 | NLA_F_NESTED, nftaData],
    xor: [5 | NLA_F_NESTED, nftaData],
    op: [6, u32be], // absent or 0: and, then xor; otherwise shifts
    data: [7 | NLA_F_NESTED, nftaData],
  }),
  immediate: attrs({ destination: [1, u32be], data: [2 | NLA_F_NESTED, nftaData] }),
  payload: attrs({
    destination: [1, u32be],
    base: [2, u32be],
    offset: [3, u32be],
    length: [4, u32be],
    source: [5, u32be],
    checksumType: [6, u32be],
    checksumOffset: [7, u32be],
    checksumFlags: [8, u32be],
  }),
  counter: attrs({ bytes: [1, raw], packets: [2, raw] }), // eight bytes each, network order
}

export type Expression =
  | { [K in keyof typeof kinds]: { readonly kind: K; readonly data: ValueOf<(typeof kinds)[K]> } }[keyof typeof kinds]
  | { readonly kind: 'other'; readonly name: string; readonly data?: Uint8Array | undefined }

const nftaExpr = attrs({ name: [1, cstring], data: [2 | NLA_F_NESTED, raw] })

const codecs: Readonly<Record<string, Codec<unknown>>> = kinds

export const expression: Codec<Expression> = {
  decode(bytes) {
    const { name = '', data } = nftaExpr.decode(bytes)
    if (!Object.hasOwn(kinds, name)) return { kind: 'other', name, ...(data && { data }) }
    return { kind: name, data: within(name, () => codecs[name]?.decode(data ?? new Uint8Array(0))) } as Expression
  },
  encode(value) {
    if (value.kind === 'other') return nftaExpr.encode({ name: value.name, data: value.data })
    return nftaExpr.encode({ name: value.kind, data: within(value.kind, () => codecs[value.kind]?.encode(value.data)) })
  },
}

/** Registers: the verdict's, and the first of 16 bytes (our rules need no other). */
export const NFT_REG = { verdict: 0, first: 1 } as const
export const NFT_META = {
  protocol: 1,
  mark: 3,
  iif: 4,
  oif: 5,
  iifname: 6,
  oifname: 7,
  nfproto: 15,
  l4proto: 16,
} as const
export const NFT_CT = { state: 0, direction: 1, status: 2, mark: 3 } as const
export const NFT_CMP = { eq: 0, neq: 1, lt: 2, lte: 3, gt: 4, gte: 5 } as const
/** Bits of a loaded NFT_CT.state, <linux/netfilter/nf_conntrack_common.h> NF_CT_STATE_*. */
export const NF_CT_STATE = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const
export const IP_CT_DIR = { original: 0, reply: 1 } as const
