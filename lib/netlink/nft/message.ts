// Common to all nf_tables messages: nfgenmsg, message types, begin and end of a batch.
import { change, dump, get, NLM_F, part } from '../message.js'
import type { ChangeOp, DumpOp, GetOp, Part } from '../message.js'
import { struct, u16be, u8, type Codec, type ValueOf } from '../../bytes.js'

/** <linux/nfnetlink.h> NFNL_SUBSYS_NFTABLES. */
const SUBSYSTEM = 10

/**
 * struct nfgenmsg (<linux/nfnetlink.h>). `resource` is the subsystem at the ends of a batch, else
 * 0.
 */
export const nfgenmsg = struct('nfgenmsg', 4, { family: u8, version: u8, resource: u16be })

/** <linux/netfilter.h> NFPROTO_*: `inet` is IPv4 and IPv6 in one table. */
export const NFPROTO = { unspec: 0, inet: 1, ipv4: 2, arp: 3, netdev: 5, bridge: 7, ipv6: 10 } as const

/** For requests. */
export const ofInet: ValueOf<typeof nfgenmsg> = { family: NFPROTO.inet, version: 0, resource: 0 }

/** nf_tables message types come in threes, NEW, GET, DEL; NEW answers GET. */
const typeOf = (message: number): number => (SUBSYSTEM << 8) | message
const answeredByNew = <O extends { readonly type: number; readonly answer: number }>(op: O): O => ({
  ...op,
  answer: op.type - 1,
})

/** A change within a batch, acknowledged by the batch. */
export const batched = <T>(name: string, message: number, codec: Codec<T>, flags = 0): ChangeOp<T> => ({
  ...change(name, typeOf(message), codec),
  flags: NLM_F.request | flags,
})
/** A request for one object. */
export const nftGet = <T>(name: string, message: number, codec: Codec<T>): GetOp<T> =>
  answeredByNew(get(name, typeOf(message), codec))
/** A request for a list. */
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

/** Begin and end messages for `Conn.batch`. */
export const nftBatch: { readonly begin: Part; readonly end: Part } = {
  begin: part(batchBegin, subsystem),
  end: part(batchEnd, subsystem),
}
