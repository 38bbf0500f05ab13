// Rules: NFT_MSG_NEWRULE and NFT_MSG_GETRULE (<linux/netfilter/nf_tables.h>).
import { attrs, body, NLA_F_NESTED, repeated } from '../attrs.js'
import { ERRNO } from '../errno.js'
import { NLM_F } from '../message.js'
import { cstring, raw, u32be, type ValueOf } from '../../bytes.js'
import { expression } from './expression.js'
import { batched, nfgenmsg, nftDump } from './message.js'

const NFTA_LIST_ELEM = 1

const nftaRule = attrs({
  table: [1, cstring],
  chain: [2, cstring],
  handle: [3, raw],
  expressions: [4 | NLA_F_NESTED, repeated(NFTA_LIST_ELEM | NLA_F_NESTED, expression)],
  compat: [5, raw],
  position: [6, raw],
  userdata: [7, raw],
  id: [9, u32be],
  positionId: [10, u32be],
  chainId: [11, u32be],
})

const rule = body(nfgenmsg, nftaRule)
export type NftRuleMessage = ValueOf<typeof rule>

/** At the end of its chain. */
export const ruleAdd = batched('nft.rule.add', 6, rule, NLM_F.create | NLM_F.append)
/** Rules of `table`; older kernels do not filter, so the caller must. ENOENT: no such table. */
export const ruleDump = nftDump('nft.rule.dump', 7, rule, ERRNO.ENOENT)
