// Routes: RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE (<linux/rtnetlink.h>).
import { RT_SCOPE_LINK, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN } from '../../linux/constants.js'
import { attrs, body } from '../attrs.js'
import { ERRNO } from '../errno.js'
import { change, dump, get, NLM_F } from '../message.js'
import { cstring, raw, s32, struct, u16, u16be, u32, u8, type ValueOf } from '../../bytes.js'
import { nextHops, via } from './nexthop.js'

export const rtmsg = struct('rtmsg', 12, {
  family: u8,
  dstLength: u8,
  srcLength: u8,
  tos: u8,
  table: u8, // 0, or 252 in dumps, where the number is larger; RTA_TABLE supersedes this where present
  protocol: u8,
  scope: u8,
  type: u8,
  flags: u32,
})

/** RTA_METRICS. */
export const rtax = attrs({
  lock: [1, u32],
  mtu: [2, u32],
  window: [3, u32],
  rtt: [4, u32],
  rttVar: [5, u32],
  ssthresh: [6, u32],
  cwnd: [7, u32],
  advmss: [8, u32],
  reordering: [9, u32],
  hopLimit: [10, u32],
  initCwnd: [11, u32],
  features: [12, u32],
  rtoMin: [13, u32],
  initRwnd: [14, u32],
  quickAck: [15, u32],
  ccAlgorithm: [16, cstring],
  fastopenNoCookie: [17, u32],
})

export const rtaCacheinfo = struct('rta_cacheinfo', 32, {
  references: u32,
  lastUse: u32,
  expires: s32,
  error: s32,
  used: u32,
  id: u32,
  ts: u32,
  tsAge: u32,
})

export const rta = attrs({
  dst: [1, raw], // absent: the default route
  src: [2, raw],
  iif: [3, u32],
  oif: [4, u32],
  gateway: [5, raw],
  priority: [6, u32],
  prefSrc: [7, raw],
  metrics: [8, rtax],
  multipath: [9, nextHops],
  flow: [11, u32],
  cacheinfo: [12, rtaCacheinfo],
  table: [15, u32],
  mark: [16, u32],
  via: [18, via], // a gateway of the other family
  newDst: [19, raw],
  pref: [20, u8],
  encapType: [21, u16],
  encap: [22, raw],
  expires: [23, u32],
  uid: [25, u32],
  ttlPropagate: [26, u8],
  ipProto: [27, u8],
  sourcePort: [28, u16be],
  destinationPort: [29, u16be],
  nextHopId: [30, u32],
})

const route = body(rtmsg, rta)
export type RouteMessage = ValueOf<typeof route>

/** The table of a route: RTA_TABLE, else rtm_table. */
export const tableOf = ({ header, attrs }: RouteMessage): number => attrs.table ?? header.table

export const RT_TABLE = { unspec: 0, default: RT_TABLE_DEFAULT, main: RT_TABLE_MAIN, local: RT_TABLE_LOCAL } as const
export const RTN = {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const
export const RTPROT = { unspec: 0, redirect: 1, kernel: 2, boot: 3, static: 4, ra: 9, dhcp: 16 } as const
export const RT_SCOPE = { universe: 0, site: 200, link: RT_SCOPE_LINK, host: 254, nowhere: 255 } as const
export const RTNH_F = { dead: 1, pervasive: 2, onlink: 4, offload: 8, linkdown: 16 } as const
export const RTM_F = { notify: 0x100, cloned: 0x200, equalize: 0x400, prefix: 0x800, lookupTable: 0x1000 } as const

/**
 * For dumps: all routes of all tables. With strict checking `family` and the attributes `table` and
 * `oif` filter.
 */
export const anyRoute: RouteMessage['header'] = {
  family: 0,
  dstLength: 0,
  srcLength: 0,
  tos: 0,
  table: 0,
  protocol: 0,
  scope: 0,
  type: 0,
  flags: 0,
}

/** EEXIST for a route of the same dst and metric. */
export const routeAdd = change('route.add', 24, route, NLM_F.create | NLM_F.excl)
/** Before a route of the same dst (IPv4), or as another hop of it (IPv6). */
export const routePrepend = change('route.prepend', 24, route, NLM_F.create)
/** After it (IPv4), or as another hop of it (IPv6). */
export const routeAppend = change('route.append', 24, route, NLM_F.create | NLM_F.append)
export const routeReplace = change('route.replace', 24, route, NLM_F.create | NLM_F.replace)
export const routeDel = change('route.del', 25, route)
/** Route lookup, as `ip route get`. */
export const routeGet = get('route.get', 26, route)
/** ENOENT: a table that was never written. */
export const routeDump = dump('route.dump', 26, route, { noneIs: ERRNO.ENOENT })
