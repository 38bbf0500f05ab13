// IFLA_LINKINFO: the kind of a link and its options, one attribute table per kind.
import { attrs, body, repeated } from '../attrs.js'
import { cstring, raw, s32, struct, u16, u16be, u32, u8, within, type Codec, type ValueOf } from '../../bytes.js'
import { bond, bondSlave } from './bond.js'
import { ifinfomsg, iflaCommon } from './link-common.js'

const macvlan = attrs({
  mode: [1, u32],
  flags: [2, u16],
  macMode: [3, u32],
  mac: [4, raw],
  macs: [5, repeated(4, raw)],
  macCount: [6, u32],
  broadcastQueueLength: [7, u32],
  broadcastQueueLengthUsed: [8, u32],
  broadcastCutoff: [9, s32],
})

const qosMapping = repeated(1, struct('ifla_vlan_qos_mapping', 8, { from: u32, to: u32 }))

const vlan = attrs({
  id: [1, u16],
  flags: [2, struct('ifla_vlan_flags', 8, { flags: u32, mask: u32 })],
  egressQos: [3, qosMapping],
  ingressQos: [4, qosMapping],
  protocol: [5, u16be], // ETH_P_8021Q or ETH_P_8021AD
})

const veth = attrs({
  peer: [1, body(ifinfomsg, attrs(iflaCommon))],
})

const bridge = attrs({
  forwardDelay: [1, u32],
  helloTime: [2, u32],
  maxAge: [3, u32],
  ageingTime: [4, u32],
  stpState: [5, u32],
  priority: [6, u16],
  vlanFiltering: [7, u8],
  vlanProtocol: [8, u16be],
  groupForwardMask: [9, u16],
  multicastRouter: [22, u8],
  multicastSnooping: [23, u8],
  vlanDefaultPvid: [39, u16],
})

/** IFLA_INFO_DATA: one attribute table per kind. */
const kinds = {
  macvlan,
  macvtap: macvlan,
  vlan,
  veth,
  bridge,
  bond,
  ipvlan: attrs({ mode: [1, u16], flags: [2, u16] }),
  dummy: attrs({}),
  ifb: attrs({}),
  vrf: attrs({ table: [1, u32] }),
}

/** IFLA_INFO_SLAVE_DATA: options of a slave, by the kind of its master. */
const slaveKinds = {
  bond: bondSlave,
  bridge: attrs({ state: [1, u8], priority: [2, u16], cost: [3, u32], hairpin: [4, u8], guard: [5, u8] }),
  vrf: attrs({ table: [1, u32] }),
}

type OneOf<T extends Readonly<Record<string, Codec<unknown>>>> =
  | { [K in keyof T]: { readonly kind: K; readonly data?: ValueOf<T[K]> | undefined } }[keyof T]
  | { readonly kind: 'other'; readonly name: string; readonly data?: Uint8Array | undefined }

export type SlaveInfo = OneOf<typeof slaveKinds>
/** `none`: a link without a kind, which may have IFLA_INFO_SLAVE_DATA. */
export type LinkInfo = (OneOf<typeof kinds> | { readonly kind: 'none' }) & { readonly slave?: SlaveInfo | undefined }

const parts = attrs({
  kind: [1, cstring],
  data: [2, raw],
  xstats: [3, raw],
  slaveKind: [4, cstring],
  slaveData: [5, raw],
})

export const linkInfo: Codec<LinkInfo> = {
  decode(bytes) {
    const { kind, data, slaveKind, slaveData } = parts.decode(bytes)
    const own = kind === undefined ? ({ kind: 'none' } as const) : decodeKind(kinds, kind, data)
    return slaveKind === undefined ? own : { ...own, slave: decodeKind(slaveKinds, slaveKind, slaveData) }
  },
  encode(value) {
    const own = value.kind === 'none' ? {} : encodeKind(kinds, value)
    const slave = value.slave && encodeKind(slaveKinds, value.slave)
    return parts.encode({ ...own, ...(slave && { slaveKind: slave.kind, slaveData: slave.data }) })
  },
}

type Kinds = Readonly<Record<string, Codec<unknown>>>

function decodeKind<T extends Kinds>(table: T, name: string, data: Uint8Array | undefined): OneOf<T> {
  if (!Object.hasOwn(table, name)) return { kind: 'other', name, ...(data && { data }) }
  const decoded = data && within(name, () => table[name]?.decode(data))
  return { kind: name, ...(decoded !== undefined && { data: decoded }) } as OneOf<T>
}

function encodeKind<T extends Kinds>(table: T, value: OneOf<T>): { kind: string; data: Uint8Array | undefined } {
  const { kind, data } = value as { kind: string; data?: unknown }
  if (kind === 'other') return { kind: (value as { name: string }).name, data: data as Uint8Array | undefined }
  return { kind, data: data === undefined ? undefined : within(kind, () => table[kind]?.encode(data)) }
}

/** <linux/if_link.h> MACVLAN_MODE_*. */
export const MACVLAN_MODE = { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 } as const
export const IPVLAN_MODE = { l2: 0, l3: 1, l3s: 2 } as const
/** <linux/if_bonding.h> BOND_MODE_*, by their sysfs names. */
export const BOND_MODE = {
  'balance-rr': 0,
  'active-backup': 1,
  'balance-xor': 2,
  broadcast: 3,
  '802.3ad': 4,
  'balance-tlb': 5,
  'balance-alb': 6,
} as const
