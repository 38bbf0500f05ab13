// A captured netlink message as a row of a test table: its request, its bytes and its value.
import { framesOf } from '../lib/netlink/message.js'
import type { ChangeOp, DumpOp, Frame, GetOp } from '../lib/netlink/message.js'
import * as nftMessage from '../lib/netlink/nft/message.js'
import * as nftRule from '../lib/netlink/nft/rule.js'
import * as nftTable from '../lib/netlink/nft/table.js'
import * as addr from '../lib/netlink/rtnl/addr.js'
import * as link from '../lib/netlink/rtnl/link.js'
import * as neigh from '../lib/netlink/rtnl/neigh.js'
import * as route from '../lib/netlink/rtnl/route.js'
import * as rule from '../lib/netlink/rtnl/rule.js'
import { WireError } from '../lib/bytes.js'

type Op = ChangeOp<unknown> | GetOp<unknown> | DumpOp<unknown>

const isOp = (exported: unknown): exported is Op =>
  typeof exported === 'object' && exported !== null && 'asks' in exported && 'codec' in exported

const opsIn = (modules: readonly Readonly<Record<string, unknown>>[]): ReadonlyMap<string, Op> =>
  new Map(
    modules.flatMap(module =>
      Object.entries(module).flatMap(([name, exported]) => (isOp(exported) ? [[name, exported] as const] : [])),
    ),
  )

const RTNL = opsIn([addr, link, neigh, route, rule])
const NFT = opsIn([nftMessage, nftRule, nftTable])
/** Every request of lib/netlink by the name it is exported under. */
export const OPS: ReadonlyMap<string, Op> = new Map([...RTNL, ...NFT])

/**
 * nf_tables types have the subsystem, 10, in the high byte; its batch markers share types with
 * links.
 */
const opsOf = (datagram: Uint8Array): ReadonlyMap<string, Op> =>
  framesOf(datagram).some(({ header }) => header.type >> 8 === 10) ? NFT : RTNL

const BYTES_PER_LINE = 48

/** Hex in groups of four bytes, as the kernel aligns them, in lines that fit. */
export function hexOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('hex')
  const groups = text.match(/.{1,8}/g) ?? []
  const lines: string[] = []
  for (let at = 0; at < groups.length; at += BYTES_PER_LINE / 4) lines.push(groups.slice(at, at + 12).join(' '))
  return lines.join('\n')
}

/** A value as TypeScript; bytes become `hex('…')`. */
export function literal(value: unknown): string {
  if (value instanceof Uint8Array) return `hex('${Buffer.from(value).toString('hex')}')`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'string') return `'${value.replace(/['\\]/g, '\\$&')}'`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).map(
    ([key, member]) => `${/^\w+$/.test(key) ? key : `'${key}'`}: ${literal(member)}`,
  )
  return `{ ${members.join(', ')} }`
}

/** The request that a sent message is: same type and flags, or else same type. */
function opOf({ header }: Frame, ops: ReadonlyMap<string, Op>): readonly [string, Op] | undefined {
  const alike = [...ops].filter(([, op]) => op.type === header.type)
  return alike.find(([, op]) => op.flags === header.flags) ?? alike[0]
}

function rowOf(
  made: string,
  op: string,
  { of, bytes, read }: { of: string; bytes: string; read: () => unknown },
): string {
  try {
    return `${made}(${op}, { of: ${literal(of)}, bytes: \`${bytes}\`, value: ${literal(read())} }),`
  } catch (error) {
    if (error instanceof WireError) return `// ${of}: ${op}, which cannot be read (${error.message}): ${bytes}`
    throw error
  }
}

/** Rows of the messages of a datagram; a comment for a message that is none of our requests. */
export function rowsOf(of: string, datagram: Uint8Array): readonly string[] {
  return framesOf(datagram).map((frame, index) => {
    const start = framesOf(datagram)
      .slice(0, index)
      .reduce((sum, { header }) => sum + ((header.length + 3) & ~3), 0)
    const bytes = hexOf(datagram.subarray(start, start + frame.header.length))
    const found = opOf(frame, opsOf(datagram))
    if (found === undefined) return `// ${of}: message ${frame.header.type}, which lib/netlink does not know: ${bytes}`
    const [name, op] = found
    return rowOf('capture', name, { of, bytes, read: () => op.codec.decode(frame.payload) })
  })
}

/** Rows for what the kernel answered: messages RTM_NEW…, whole. */
export function answersOf(of: string, datagram: Uint8Array): readonly string[] {
  return framesOf(datagram).map(({ header, payload }) => {
    const found = [...opsOf(datagram)].find(([, op]) => 'answer' in op && op.answer === header.type)
    if (found === undefined) return `// ${of}: answer ${header.type}: ${hexOf(payload)}`
    const [name, op] = found
    return rowOf('answer', name, { of, bytes: hexOf(payload), read: () => op.codec.decode(payload) })
  })
}
