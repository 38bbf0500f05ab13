// Tables and chains: NFT_MSG_{NEW,DEL,GET}TABLE, NFT_MSG_{NEW,GET}CHAIN
// (<linux/netfilter/nf_tables.h>).
import { attrs, body, NLA_F_NESTED } from '../attrs.js'
import { ERRNO } from '../errno.js'
import { NLM_F } from '../message.js'
import { cstring, raw, s32be, u32be, type ValueOf } from '../../bytes.js'
import { batched, nfgenmsg, nftDump, nftGet } from './message.js'

const nftaTable = attrs({
  name: [1, cstring],
  flags: [2, u32be],
  use: [3, u32be],
  handle: [4, raw],
  userdata: [6, raw],
  owner: [7, u32be],
})

const table = body(nfgenmsg, nftaTable)
export type NftTableMessage = ValueOf<typeof table>

/** Without NLM_F_EXCL: an existing table is fine. */
export const tableAdd = batched('nft.table.add', 0, table)
/** EEXIST if the table exists. */
export const tableNew = batched('nft.table.add', 0, table, NLM_F.create | NLM_F.excl)
/** Deletes a table with its contents; ENOENT if there is none. */
export const tableDel = batched('nft.table.del', 2, table)
/** ENOENT if there is none. */
export const tableGet = nftGet('nft.table.get', 1, table)
export const tableDump = nftDump('nft.table.dump', 1, table)

const nftaHook = attrs({
  hook: [1, u32be],
  priority: [2, s32be],
  device: [3, cstring],
  devices: [4, raw],
})

const nftaChain = attrs({
  table: [1, cstring],
  handle: [2, raw],
  name: [3, cstring],
  hook: [4 | NLA_F_NESTED, nftaHook],
  policy: [5, u32be],
  use: [6, u32be],
  type: [7, cstring],
  counters: [8, raw],
  flags: [10, u32be],
  id: [11, u32be],
  userdata: [12, raw],
})

const chain = body(nfgenmsg, nftaChain)
export type NftChainMessage = ValueOf<typeof chain>

export const chainAdd = batched('nft.chain.add', 3, chain, NLM_F.create)
/** Chains of all tables of the family: the kernel does not filter. */
export const chainDump = nftDump('nft.chain.dump', 4, chain, ERRNO.ENOENT)

/** <linux/netfilter.h> NF_INET_*. */
export const NF_INET = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const
/** Policies and verdicts: NF_* (<linux/netfilter.h>), NFT_* (<linux/netfilter/nf_tables.h>). */
export const NF_VERDICT = { drop: 0, accept: 1, continue: -1, break: -2, jump: -3, goto: -4, return: -5 } as const
