// lib/netlink/conn.ts on a scripted transport: requests and the handling of answers.
import t from 'tap'
import { Conn, type Transport } from '../../../lib/netlink/conn.js'
import { ERRNO, NetlinkError } from '../../../lib/netlink/errno.js'
import { framesOf, NLM_F, NLMSG, nlmsghdr } from '../../../lib/netlink/message.js'
import { addrAdd, addrDump, anyAddress, type Address } from '../../../lib/netlink/rtnl/addr.js'
import { anyLink, linkGet, linkNamed } from '../../../lib/netlink/rtnl/link.js'
import { anyRoute, routeDump } from '../../../lib/netlink/rtnl/route.js'
import { concat, s32, WireError } from '../../../lib/bytes.js'
import { hex } from './captures/row.js'

interface Part {
  readonly type: number
  readonly flags?: number
  readonly seq?: number
  readonly pid?: number
  readonly payload?: Uint8Array
}

/**
 * A datagram of an answer, or an error of read(2). A part without `seq` answers the newest request.
 */
type Line = readonly Part[] | Error | Uint8Array

/** Plays one list of datagrams a request; keeps what was sent. */
class Script implements Transport {
  readonly sent: Uint8Array[] = []
  readonly #lines: (readonly Line[])[]
  #pending: Line[] = []
  closed = false
  constructor(...lines: (readonly Line[])[]) {
    this.#lines = lines
  }
  send(bytes: Uint8Array): void {
    this.sent.push(bytes)
    this.#pending = [...this.#pending, ...(this.#lines.shift() ?? [])]
  }
  sendAsync(bytes: Uint8Array): Promise<void> {
    return new Promise(resolve => setImmediate(() => resolve(this.send(bytes))))
  }
  receive(): Uint8Array {
    const line = this.#pending.shift()
    if (line === undefined) throw new Error('the script is at its end: asked for more than there is')
    if (line instanceof Error) throw line
    if (line instanceof Uint8Array) return line
    return concat(line.map(part => this.#message(part)))
  }
  close(): void {
    this.closed = true
  }
  #message({ type, flags = 0, seq, pid = 4242, payload = new Uint8Array(0) }: Part): Uint8Array {
    const newest = framesOf(this.sent.at(-1) ?? new Uint8Array(0))[0]?.header.seq ?? 0
    const header = { length: nlmsghdr.size + payload.length, type, flags, seq: seq ?? newest, pid }
    return concat([nlmsghdr.encode(header), payload])
  }
}

const errno = (name: keyof typeof ERRNO): Uint8Array => s32.encode(-ERRNO[name])
const ASKED = hex('20000000 10000500 01000000 00000000')
const TEXT = hex('0c000100 6e6f2077 61790000')

const yes: Part = { type: NLMSG.error, flags: NLM_F.capped, payload: concat([s32.encode(0), ASKED]) }
const no = (name: keyof typeof ERRNO): Part => ({
  type: NLMSG.error,
  flags: NLM_F.capped | NLM_F.ackTlvs,
  payload: concat([errno(name), ASKED, TEXT]),
})
const done: Part = { type: NLMSG.done, flags: NLM_F.multi, payload: s32.encode(0) }

const addressOf = (last: number): Address => ({
  header: { ...anyAddress, family: 2, prefixLength: 16, index: 3 },
  attrs: { local: Uint8Array.of(10, 6, 0, last) },
})
const data = (last: number, flags = 0): Part => ({
  type: 20,
  flags: NLM_F.multi | flags,
  payload: addrDump.codec.encode(addressOf(last)),
})
const all = { header: anyAddress, attrs: {} }
const failed = (code: string, number: number): Error =>
  Object.assign(new Error(`${code}: read`), { code, errno: -number })

t.test('change() sends one request with NLM_F_ACK', t => {
  const script = new Script([[yes]], [[yes]])
  const conn = new Conn(script)
  conn.change(addrAdd, addressOf(20))
  conn.change(addrAdd, addressOf(21))
  const headers = script.sent.map(bytes => framesOf(bytes)[0]?.header)
  t.match(headers, [
    { type: 20, flags: 0x605, seq: 1, pid: 0 },
    { type: 20, flags: 0x605, seq: 2, pid: 0 },
  ])
  conn.close()
  t.equal(script.closed, true, 'closing it closes the transport')
  t.end()
})

t.test('changeAsync() lets other work run, then settles as change() does', async t => {
  const script = new Script([[yes]], [[no('ENODEV')]])
  const conn = new Conn(script)
  const changed = conn.changeAsync(addrAdd, addressOf(20))
  t.strictSame(script.sent, [], 'it returns before the kernel has the request')
  await changed
  t.match(framesOf(script.sent[0] ?? new Uint8Array(0))[0]?.header, { type: 20, flags: 0x605, seq: 1 })
  await t.rejects(conn.changeAsync(addrAdd, addressOf(21)), { op: 'addr.add', code: 'ENODEV', text: 'no way' })
  const cause = failed('ENOBUFS', 105)
  const broken = new Script()
  broken.sendAsync = () => Promise.reject(cause)
  await t.rejects(new Conn(broken).changeAsync(addrAdd, addressOf(1)), { op: 'addr.add', code: 'ENOBUFS', cause })
})

t.test("NetlinkError has the errno, its name and the kernel's extended message", t => {
  const conn = new Conn(new Script([[no('EEXIST')]]))
  const thrown = t.throws(() => conn.change(addrAdd, addressOf(20)))
  t.ok(thrown instanceof NetlinkError)
  t.match(thrown, { op: 'addr.add', errno: 17, code: 'EEXIST', text: 'no way', message: 'addr.add: EEXIST (no way)' })
  t.end()
})

t.test('change() reports an unknown errno as a number', t => {
  t.equal(new NetlinkError({ op: 'x', errno: 999 }).message, 'x: errno 999')
  t.end()
})

const stale: Part = { ...no('EPERM'), seq: 77 }

t.test('get() skips answers to other requests', t => {
  new Conn(new Script([[stale], [stale, yes]])).change(addrAdd, addressOf(20))
  const conn = new Conn(
    new Script([
      [data(1), { ...data(9), seq: 5 }, data(2)],
      [{ ...done, seq: 5 }, done],
    ]),
  )
  t.strictSame(conn.dump(addrDump, all), [addressOf(1), addressOf(2)], 'within a dump, too')
  t.end()
})

t.test('get() skips answers to another port', t => {
  const other = { ...no('EPERM'), pid: 1 }
  new Conn(new Script([[other, yes]]), { portId: 4242 }).change(addrAdd, addressOf(20))
  t.throws(() => new Conn(new Script([[other, yes]])).change(addrAdd, addressOf(20)), { code: 'EPERM' })
  t.end()
})

t.test('get() reads one object without an ack', t => {
  const link = { header: { ...anyLink, index: 3 }, attrs: { name: 'v0', mtu: 1500 } }
  const script = new Script([[{ type: 16, payload: linkGet.codec.encode(link) }]], [[no('ENODEV')]], [[yes]])
  const conn = new Conn(script)
  t.strictSame(conn.get(linkGet, linkNamed('v0')), link)
  t.match(framesOf(script.sent[0] ?? new Uint8Array())[0]?.header, { type: 18, flags: 1 })
  t.throws(() => conn.get(linkGet, linkNamed('v9')), { name: 'NetlinkError', code: 'ENODEV' }, 'or is not there')
  t.throws(() => conn.get(linkGet, linkNamed('v0')), { constructor: WireError, message: /without what was asked for/ })
  t.end()
})

const dumps: readonly { name: string; lines: readonly Line[]; last: readonly number[] }[] = [
  { name: 'of nothing', lines: [[done]], last: [] },
  { name: 'in one datagram', lines: [[data(1), data(2), done]], last: [1, 2] },
  { name: 'in many', lines: [[data(1)], [data(2), data(3)], [done]], last: [1, 2, 3] },
  { name: 'with a pause in it', lines: [[data(1), { type: NLMSG.noop }, done]], last: [1] },
  { name: 'whose end has no number', lines: [[data(1), { type: NLMSG.done, flags: NLM_F.multi }]], last: [1] },
]

for (const { name, lines, last } of dumps)
  t.test(`dump() ${name} is read to its end`, t => {
    t.strictSame(new Conn(new Script(lines)).dump(addrDump, all), last.map(addressOf))
    t.end()
  })

const { identity: _, ...withoutIdentity } = addrDump

const interruptedAt: readonly { name: string; lines: readonly Line[] }[] = [
  { name: 'on a part', lines: [[data(1, NLM_F.dumpInterrupted), data(2), done]] },
  { name: 'on the end', lines: [[data(1)], [{ ...done, flags: NLM_F.multi | NLM_F.dumpInterrupted }]] },
  { name: 'as its error', lines: [[data(1)], [{ ...done, payload: errno('EINTR') }]] },
]

for (const { name, lines } of interruptedAt) {
  t.test(`dump() repeats an interrupted dump: NLM_F_DUMP_INTR ${name}`, t => {
    const script = new Script(lines, lines, [[data(1), done]])
    t.strictSame(new Conn(script).dump(addrDump, all), [addressOf(1)])
    t.equal(script.sent.length, 3)
    t.end()
  })
  t.test(`dump() gives up after twenty interrupted dumps: ${name}`, t => {
    const script = new Script(...Array.from({ length: 25 }, () => lines))
    t.throws(() => new Conn(script).dump(withoutIdentity, all), {
      code: 'EINTR',
      message: /changed under 20 dumps in a row/,
    })
    t.equal(script.sent.length, 20)
    t.end()
  })
}

t.test('has() decodes up to the first that is one, and repeats an interrupted dump that has none', t => {
  const seen: unknown[] = []
  const second = (address: Address): boolean => seen.push(address) > 0 && address.attrs.local?.[3] === 2
  t.equal(new Conn(new Script([[data(1), data(2), data(3), done]])).has(addrDump, all, second), true)
  t.strictSame(seen, [addressOf(1), addressOf(2)])
  t.equal(new Conn(new Script([[data(1), done]])).has(addrDump, all, second), false)
  const interrupted = [data(1, NLM_F.dumpInterrupted), done]
  t.equal(new Conn(new Script([interrupted], [[data(2), done]])).has(addrDump, all, second), true)
  t.equal(new Conn(new Script([interrupted], [[data(1), done]])).has(addrDump, all, second), false)
  const twenty = Array.from({ length: 20 }, () => [interrupted])
  t.throws(() => new Conn(new Script(...twenty)).has(addrDump, all, second), { op: 'addr.dump', code: 'EINTR' })
  t.end()
})

t.test('dump() merges four interrupted dumps of addresses', t => {
  const changing = { ...done, flags: NLM_F.multi | NLM_F.dumpInterrupted }
  const script = new Script(
    ...[[data(1), data(2)], [data(2)], [data(1), data(3)], [data(3), data(2)]].map(parts => [[...parts, changing]]),
  )
  t.strictSame(new Conn(script).dump(addrDump, all), [addressOf(1), addressOf(2), addressOf(3)])
  t.equal(script.sent.length, 4)
  t.end()
})

t.test('dump() throws the error of NLMSG_DONE with its text', t => {
  const end = { type: NLMSG.done, flags: NLM_F.multi | NLM_F.ackTlvs, payload: concat([errno('EINVAL'), TEXT]) }
  const conn = new Conn(new Script([[data(1)], [end]]))
  t.throws(() => conn.dump(addrDump, all), { op: 'addr.dump', code: 'EINVAL', text: 'no way' })
  t.end()
})

t.test('dump() throws the error of NLMSG_ERROR', t => {
  t.throws(() => new Conn(new Script([[no('EPERM')]])).dump(addrDump, all), { op: 'addr.dump', code: 'EPERM' })
  t.end()
})

t.test('dump() of a table that does not exist is empty', t => {
  const end = { ...done, payload: errno('ENOENT') }
  t.strictSame(new Conn(new Script([[end]])).dump(routeDump, { header: anyRoute, attrs: { table: 500 } }), [])
  t.throws(() => new Conn(new Script([[end]])).dump(addrDump, all), { code: 'ENOENT' }, 'of addresses that is an error')
  t.end()
})

t.test('dump() throws ENOBUFS for lost answers; the next request succeeds', t => {
  const conn = new Conn(new Script([[data(1)], failed('ENOBUFS', 105)], [[{ ...data(1), seq: 1 }], [data(2), done]]))
  t.throws(() => conn.dump(addrDump, all), { op: 'addr.dump', errno: 105, code: 'ENOBUFS', text: /answers were lost/ })
  t.strictSame(conn.dump(addrDump, all), [addressOf(2)])
  t.throws(() => new Conn(new Script([[{ type: NLMSG.overrun }]])).change(addrAdd, addressOf(1)), { code: 'ENOBUFS' })
  t.end()
})

t.test('change() reports a failed system call by its name, with its cause', t => {
  const cause = failed('EBADF', 9)
  t.throws(() => new Conn(new Script([cause])).change(addrAdd, addressOf(1)), { op: 'addr.add', code: 'EBADF', cause })
  const bug = new TypeError('not a system call')
  const thrown = t.throws(() => new Conn(new Script([bug])).change(addrAdd, addressOf(1)))
  t.equal(thrown, bug, 'what is none passes as it is')
  t.end()
})

const wrong: readonly { name: string; lines: readonly Line[]; says: RegExp }[] = [
  { name: 'half a header', lines: [hex('14000000 0300')], says: /^addr.dump: nlmsghdr wants 16 bytes, not 6$/ },
  {
    name: 'a message cut off',
    lines: [hex('40000000 14000200 01000000 00000000 02100000 03000000')],
    says: /^addr.dump: message 20 claims 64 bytes of 24$/,
  },
  {
    name: 'a damaged attribute',
    lines: [[{ type: 20, payload: hex('02100000 03000000 ff000200 0a060005') }, done]],
    says: /^addr.dump: attribute 2 claims 255 bytes of 8$/,
  },
  { name: 'another message', lines: [[{ type: 24 }]], says: /^addr.dump: message 24 does not answer message 22$/ },
  {
    name: 'an error of two bytes',
    lines: [[{ type: 2, payload: hex('eaff') }]],
    says: /^addr.dump: s32 wants 4 bytes/,
  },
]

for (const { name, lines, says } of wrong)
  t.test(`dump() rejects ${name} in an answer`, t => {
    t.throws(() => new Conn(new Script(lines)).dump(addrDump, all), { constructor: WireError, message: says })
    t.end()
  })

t.test('change() rejects a data message as answer', t => {
  t.throws(() => new Conn(new Script([[data(1)]])).change(addrAdd, addressOf(1)), {
    constructor: WireError,
    message: 'addr.add: message 20 does not answer message 20',
  })
  t.end()
})

t.test('encode() rejects values that do not fit', t => {
  const script = new Script()
  const value = { header: { ...anyAddress, prefixLength: 300 }, attrs: {} }
  t.throws(() => new Conn(script).change(addrAdd, value), {
    constructor: WireError,
    message: 'addr.add: prefixLength: u8 cannot hold 300',
  })
  t.strictSame(script.sent, [])
  t.end()
})

t.test('dump() gives up on endless answers', t => {
  const endless: Transport = {
    send: () => {},
    sendAsync: () => Promise.resolve(),
    receive: () => concat([nlmsghdr.encode({ length: 16, type: 1, flags: 0, seq: 1, pid: 0 })]),
    close: () => {},
  }
  t.throws(() => new Conn(endless).dump(addrDump, all), {
    constructor: WireError,
    message: /no end after 10000 datagrams/,
  })
  t.end()
})
