// Neighbours: RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH (<linux/neighbour.h>).
import { attrs, body } from '../attrs.js'
import { change, dump, get, NLM_F } from '../message.js'
import { raw, s32, struct, u16, u16be, u32, u8, type ValueOf } from '../../bytes.js'

export const ndmsg = struct('ndmsg', 12, {
  family: u8,
  _pad1: u8,
  _pad2: u16,
  index: s32,
  state: u16, // NUD_
  flags: u8, // NTF_
  type: u8, // RTN_
})

/** Ages in hundredths of a second. */
export const ndaCacheinfo = struct('nda_cacheinfo', 16, { confirmed: u32, used: u32, updated: u32, references: u32 })

export const nda = attrs({
  dst: [1, raw],
  mac: [2, raw], // NDA_LLADDR
  cacheinfo: [3, ndaCacheinfo],
  probes: [4, u32],
  vlan: [5, u16],
  port: [6, u16be],
  vni: [7, u32],
  index: [8, u32], // in a dump's request: of this link only
  master: [9, u32],
  linkNetnsid: [10, s32],
  sourceVni: [11, u32],
  protocol: [12, u8],
  flagsExt: [15, u32],
})

const neigh = body(ndmsg, nda)
export type Neigh = ValueOf<typeof neigh>

export const NUD = {
  none: 0x00,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const
export const NTF = { use: 0x01, self: 0x02, master: 0x04, proxy: 0x08, externLearned: 0x10, router: 0x80 } as const

/** For dumps: `family` filters, and the attribute `index` with strict checking. */
export const anyNeigh: Neigh['header'] = { family: 0, index: 0, state: 0, flags: 0, type: 0 }

export const neighAdd = change('neigh.add', 28, neigh, NLM_F.create | NLM_F.excl)
export const neighReplace = change('neigh.replace', 28, neigh, NLM_F.create | NLM_F.replace)
export const neighDel = change('neigh.del', 29, neigh)
export const neighGet = get('neigh.get', 30, neigh)
export const neighDump = dump('neigh.dump', 30, neigh)
