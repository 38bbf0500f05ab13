// What every nf_tables message shares: nfgenmsg, the numbers of the messages, the ends of a batch. Knows no table and no rule.
import { change, dump, get, NLM_F, part } from '../message.js'
import type { ChangeOp, DumpOp, GetOp, Part } from '../message.js'
import { struct, u16be, u8, type Codec, type ValueOf } from '../wire.js'

/** <linux/nfnetlink.h> NFNL_SUBSYS_NFTABLES. */
const SUBSYSTEM = 10

/** <linux/nfnetlink.h>. `resource` names the subsystem at the ends of a batch; elsewhere it is 0, or the generation in answers. */
export const nfgenmsg = struct('nfgenmsg', 4, { family: u8, version: u8, resource: u16be })

/** <linux/netfilter.h> NFPROTO_*: `inet` is IPv4 and IPv6 in one table. */
export const NFPROTO = { unspec: 0, inet: 1, ipv4: 2, arp: 3, netdev: 5, bridge: 7, ipv6: 10 } as const

/** For requests. */
export const ofInet: ValueOf<typeof nfgenmsg> = { family: NFPROTO.inet, version: 0, resource: 0 }

/** nf_tables' messages come in threes, NEW GET DEL, of which the GET is answered by a NEW. */
const typeOf = (message: number): number => (SUBSYSTEM << 8) | message
const answeredByNew = <O extends { readonly type: number; readonly answer: number }>(op: O): O => ({
  ...op,
  answer: op.type - 1,
})

/** A change that stands in a batch, which says yes or no for all of them. */
export const batched = <T>(name: string, message: number, codec: Codec<T>, flags = 0): ChangeOp<T> => ({
  ...change(name, typeOf(message), codec),
  flags: NLM_F.request | flags,
})
export const nftGet = <T>(name: string, message: number, codec: Codec<T>): GetOp<T> =>
  answeredByNew(get(name, typeOf(message), codec))
export const nftDump = <T>(name: string, message: number, codec: Codec<T>, noneIs?: number): DumpOp<T> =>
  answeredByNew(dump(name, typeOf(message), codec, { noneIs }))

const endOf = (name: string, type: number): ChangeOp<ValueOf<typeof nfgenmsg>> => ({
  ...change(name, type, nfgenmsg),
  flags: NLM_F.request,
})

/** <linux/nfnetlink.h> NFNL_MSG_BATCH_BEGIN and _END. */
export const batchBegin = endOf('batch.begin', 0x10)
export const batchEnd = endOf('batch.end', 0x11)

const subsystem = { family: NFPROTO.unspec, version: 0, resource: SUBSYSTEM }

/** The ends that `Conn.batch` puts around nf_tables' changes. */
export const nftBatch: { readonly begin: Part; readonly end: Part } = {
  begin: part(batchBegin, subsystem),
  end: part(batchEnd, subsystem),
}
