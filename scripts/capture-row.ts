// A captured netlink message as a row of a test table: which request it is, its bytes, and the value they mean. Knows no program.
import { framesOf } from '../lib/netlink/message.js'
import type { Change, Dump, Frame, Get } from '../lib/netlink/message.js'
import * as addr from '../lib/netlink/rtnl/addr.js'
import * as link from '../lib/netlink/rtnl/link.js'
import * as neigh from '../lib/netlink/rtnl/neigh.js'
import * as route from '../lib/netlink/rtnl/route.js'
import * as rule from '../lib/netlink/rtnl/rule.js'

type Op = Change<unknown> | Get<unknown> | Dump<unknown>

const isOp = (exported: unknown): exported is Op =>
  typeof exported === 'object' && exported !== null && 'asks' in exported && 'codec' in exported

/** Every request of lib/netlink/rtnl by the name it is exported under. */
export const OPS: ReadonlyMap<string, Op> = new Map(
  [addr, link, neigh, route, rule].flatMap(module =>
    Object.entries<unknown>(module).flatMap(([name, exported]) => (isOp(exported) ? [[name, exported] as const] : [])),
  ),
)

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
function opOf({ header }: Frame): readonly [string, Op] | undefined {
  const alike = [...OPS].filter(([, op]) => op.type === header.type)
  return alike.find(([, op]) => op.flags === header.flags) ?? alike[0]
}

/** Rows for what a datagram holds; a comment for what no request of ours is. */
export function rowsOf(of: string, datagram: Uint8Array): readonly string[] {
  return framesOf(datagram).map((frame, index) => {
    const start = framesOf(datagram)
      .slice(0, index)
      .reduce((sum, { header }) => sum + ((header.length + 3) & ~3), 0)
    const bytes = hexOf(datagram.subarray(start, start + frame.header.length))
    const found = opOf(frame)
    if (found === undefined) return `// ${of}: message ${frame.header.type}, which lib/netlink does not know: ${bytes}`
    const [name, op] = found
    return `capture(${name}, { of: ${literal(of)}, bytes: \`${bytes}\`, value: ${literal(op.codec.decode(frame.payload))} }),`
  })
}

/** Rows for what the kernel answered: messages RTM_NEW…, whole. */
export function answersOf(of: string, datagram: Uint8Array): readonly string[] {
  return framesOf(datagram).map(({ header, payload }) => {
    const found = [...OPS].find(([, op]) => 'answer' in op && op.answer === header.type)
    if (found === undefined) return `// ${of}: answer ${header.type}: ${hexOf(payload)}`
    const [name, op] = found
    return `answer(${name}, { of: ${literal(of)}, bytes: \`${hexOf(payload)}\`, value: ${literal(op.codec.decode(payload))} }),`
  })
}
