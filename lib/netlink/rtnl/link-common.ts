// Attributes common to all links, a veth's peer included: ifinfomsg and IFLA_* without
// IFLA_LINKINFO.
import { NLA_F_NESTED, repeated, type AttrTable } from '../attrs.js'
import { cstring, raw, s32, struct, u16, u32, u8, type ValueOf } from '../../bytes.js'

export const ifinfomsg = struct('ifinfomsg', 16, {
  family: u8,
  _pad: u8,
  type: u16, // ARPHRD_
  index: s32,
  flags: u32,
  change: u32, // which bits of `flags` to set
})

export const IFLA_ALT_IFNAME = 53

export const iflaCommon = {
  address: [1, raw],
  broadcast: [2, raw],
  name: [3, cstring],
  mtu: [4, u32],
  parent: [5, u32], // IFLA_LINK: the lower device, or the veth peer; in the namespace `linkNetnsid`
  qdisc: [6, cstring],
  master: [10, u32], // 0 to release
  txQueueLength: [13, u32],
  operState: [16, u8],
  linkMode: [17, u8],
  netnsPid: [19, u32],
  alias: [20, cstring],
  afSpec: [26, raw], // means something else for AF_BRIDGE
  group: [27, u32],
  netnsFd: [28, u32],
  extMask: [29, u32],
  promiscuity: [30, u32],
  txQueues: [31, u32],
  rxQueues: [32, u32],
  carrier: [33, u8],
  physPortId: [34, raw],
  carrierChanges: [35, u32],
  physSwitchId: [36, raw],
  linkNetnsid: [37, s32],
  protoDown: [39, u8],
  gsoMaxSegments: [40, u32],
  gsoMaxSize: [41, u32],
  targetNetnsid: [46, s32],
  carrierUpCount: [47, u32],
  carrierDownCount: [48, u32],
  newIndex: [49, s32],
  minMtu: [50, u32],
  maxMtu: [51, u32],
  altNames: [NLA_F_NESTED | 52, repeated(IFLA_ALT_IFNAME, cstring)],
  altName: [IFLA_ALT_IFNAME, cstring], // in requests
  permAddress: [54, raw],
  parentDevName: [56, cstring],
  parentDevBusName: [57, cstring],
  allmulti: [61, u32],
} as const satisfies AttrTable

/** <linux/if.h> IFF_*. */
export const IFF = {
  up: 0x1,
  broadcast: 0x2,
  loopback: 0x8,
  pointopoint: 0x10,
  running: 0x40,
  noarp: 0x80,
  promisc: 0x100,
  allmulti: 0x200,
  master: 0x400,
  slave: 0x800,
  multicast: 0x1000,
  lowerUp: 0x10000,
} as const

/** <linux/if.h> IF_OPER_*, RFC 2863. */
export const OPER = { unknown: 0, notPresent: 1, down: 2, lowerLayerDown: 3, testing: 4, dormant: 5, up: 6 } as const

/** IFLA_EXT_MASK: with virtual functions, without statistics. */
export const RTEXT_FILTER = { vf: 1, skipStats: 8 } as const

/** For a new link, and for one identified by its name. */
export const anyLink: ValueOf<typeof ifinfomsg> = { family: 0, type: 0, index: 0, flags: 0, change: 0 }
