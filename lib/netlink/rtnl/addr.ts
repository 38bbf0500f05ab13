// Addresses: RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR (<linux/if_addr.h>).
import { attrs, body } from '../attrs.js'
import { change, dump, get, NLM_F } from '../message.js'
import { cstring, raw, s32, struct, u32, u8, type ValueOf } from '../../bytes.js'

export const ifaddrmsg = struct('ifaddrmsg', 8, {
  family: u8,
  prefixLength: u8,
  flags: u8, // IFA_FLAGS supersedes this where present
  scope: u8,
  index: u32,
})

/** Lifetimes in seconds, 0xffffffff for ever; stamps in hundredths of a second since boot. */
export const ifaCacheinfo = struct('ifa_cacheinfo', 16, { preferred: u32, valid: u32, created: u32, updated: u32 })

export const ifa = attrs({
  address: [1, raw], // the peer, on point-to-point links; otherwise equal to `local`
  local: [2, raw], // absent in IPv6 dumps
  label: [3, cstring],
  broadcast: [4, raw],
  anycast: [5, raw],
  cacheinfo: [6, ifaCacheinfo],
  multicast: [7, raw],
  flags: [8, u32],
  routePriority: [9, u32],
  targetNetnsid: [10, s32],
  protocol: [11, u8],
})

const address = body(ifaddrmsg, ifa)
export type Address = ValueOf<typeof address>

export const IFA_F = {
  secondary: 0x01,
  nodad: 0x02,
  optimistic: 0x04,
  dadfailed: 0x08,
  homeaddress: 0x10,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  managetempaddr: 0x100,
  noprefixroute: 0x200,
} as const

/** For dumps: all addresses. With strict checking `index` and `family` filter. */
export const anyAddress: Address['header'] = { family: 0, prefixLength: 0, flags: 0, scope: 0, index: 0 }

export const addrAdd = change('addr.add', 20, address, NLM_F.create | NLM_F.excl)
export const addrReplace = change('addr.replace', 20, address, NLM_F.create | NLM_F.replace)
export const addrDel = change('addr.del', 21, address)
/**
 * IPv6 only (inet6_rtm_getaddr): finds an address in a hash table; EADDRNOTAVAIL if no link has it.
 */
export const addrGet = get('addr.get', 22, address)
/** With an identity: on a busy node every dump may be interrupted. */
export const addrDump = dump('addr.dump', 22, address, {
  identity: ({ header: { index, prefixLength }, attrs: { address, local } }) =>
    `${index} ${prefixLength} ${address} ${local}`,
})
