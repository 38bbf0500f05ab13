// lib/kernel/global-addresses.ts: which links are dumped, and how long the cache is valid.
import { chmodSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { cacheIn, globalAddresses, type CachedLink, type AddressCache } from '../../../lib/kernel/global-addresses.js'
import { ERRNO, NetlinkError } from '../../../lib/netlink/errno.js'
import type { DumpOp } from '../../../lib/netlink/message.js'
import { anyAddress, type Address } from '../../../lib/netlink/rtnl/addr.js'

const on = (index: number, family: number): Address => ({ header: { ...anyAddress, index, family }, attrs: {} })
const ALL = [on(2, 2), on(7, 2), on(2, 10), on(9, 10)]
const NAMES: Readonly<Record<number, string>> = { 2: 'eth0', 7: 'eth1', 9: 'eth2' }

interface Kernel {
  /** What a dump of all links weighs. */
  readonly bytes?: number
  readonly gone?: number
  /** It answers with all links' addresses whichever is asked for. */
  readonly old?: boolean
}

class Conn {
  received = 1000
  readonly asked: number[] = []
  readonly #kernel: Kernel
  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }
  dump<T>(_: DumpOp<T>, filter: T): T[] {
    const { index, family } = (filter as Address).header
    this.asked.push(index)
    this.received += index === 0 ? (this.#kernel.bytes ?? 200) : 100
    if (index !== 0 && index === this.#kernel.gone) throw new NetlinkError({ op: 'addr.dump', errno: ERRNO.ENODEV })
    const own = ALL.filter(({ header }) => family === 0 || header.family === family)
    return (this.#kernel.old === true ? own : own.filter(({ header }) => index === 0 || header.index === index)) as T[]
  }
}

const FOUND: readonly CachedLink[] = [2, 7, 9].map(index => ({ index, name: NAMES[index] ?? '' }))

interface Row {
  readonly kernel: Kernel
  readonly known?: readonly CachedLink[]
  readonly asked: readonly number[]
  readonly written?: readonly CachedLink[]
}
const rows: Readonly<Record<string, Row>> = {
  'of few links all are looked at, and nothing is kept': { kernel: { bytes: 65_536 }, asked: [0] },
  'of many too, and it is kept which had any': { kernel: { bytes: 65_537 }, asked: [0], written: FOUND },
  'where that is known only those are asked': { kernel: {}, known: FOUND, asked: [2, 7, 9] },
  'by an old kernel, which filters nothing, too': { kernel: { old: true }, known: FOUND, asked: [2, 7, 9] },
  'an index that is another link by now is not believed': {
    kernel: { bytes: 70_000 },
    known: [{ index: 2, name: 'old0' }],
    asked: [0],
    written: FOUND,
  },
  'nor one that is gone': { kernel: { gone: 7 }, known: FOUND, asked: [2, 7, 0] },
}

for (const [name, { kernel, known, asked, written }] of Object.entries(rows))
  t.test(name, t => {
    const conn = new Conn(kernel)
    const writes: (readonly CachedLink[])[] = []
    const memory: AddressCache = { read: () => known, write: links => writes.push(links) }
    const seen = globalAddresses(conn, 0, index => NAMES[index] ?? '', memory)
    t.strictSame(seen, ALL, 'IPv4 first, each once')
    t.strictSame(conn.asked, asked)
    t.strictSame(writes, written === undefined ? [] : [written])
    t.end()
  })

t.test('globalAddresses() dumps one family', t => {
  for (const [known, asked] of [
    [undefined, [0]],
    [FOUND, [2, 7, 9]],
  ] as const) {
    const conn = new Conn({})
    const seen = globalAddresses(conn, 10, index => NAMES[index] ?? '', { read: () => known, write: () => undefined })
    t.strictSame(seen, [on(2, 10), on(9, 10)])
    t.strictSame(conn.asked, asked)
  }
  t.end()
})

t.test('cacheIn() is valid for ten seconds, per family', t => {
  const dir = `${t.testdir({})}/run`
  const at = (ms: number) => cacheIn(dir, 0, () => ms)
  t.equal(at(Date.now()).read(), undefined, 'nothing yet')
  at(Date.now()).write(FOUND)
  const [file = ''] = readdirSync(dir)
  utimesSync(`${dir}/${file}`, 1000, 1000)
  t.strictSame(at(1_000_000).read(), FOUND)
  t.strictSame(at(1_010_000).read(), FOUND, 'ten seconds later')
  t.equal(at(1_010_001).read(), undefined, 'and no longer')
  t.equal(at(999_999).read(), undefined, 'a clock that was set back')
  t.equal(cacheIn(dir, 10, () => 1_000_000).read(), undefined, 'another family')
  t.end()
})

const torn: Readonly<Record<string, string>> = {
  'an empty file': '',
  'one without its end': '2 eth0\n7 eth1\n',
  'one that is cut within its end': '2 eth0\nen',
  'one of nothing but its end': 'end\n',
  'a line that is none': '2 eth0\nx\nend\n',
  'an index of 0': '0 eth0\nend\n',
  'a name of a path': '2 ../x\nend\n',
}
t.test('cacheIn() ignores a partial file', t => {
  const dir = t.testdir({})
  cacheIn(dir, 0).write(FOUND)
  const [file = ''] = readdirSync(dir)
  for (const [what, text] of Object.entries(torn)) {
    writeFileSync(`${dir}/${file}`, text)
    t.equal(cacheIn(dir, 0).read(), undefined, what)
  }
  writeFileSync(`${dir}/${file}`, '2 eth0\nend\n7 eth1\nend\n')
  t.strictSame(
    cacheIn(dir, 0).read(),
    [{ index: 2, name: 'eth0' }],
    'what a longer one left behind its end is none of it',
  )
  t.end()
})

t.test('cacheIn() ignores a folder that is not writable', t => {
  const dir = t.testdir({ file: '' })
  chmodSync(`${dir}/file`, 0o600)
  const memory = cacheIn(`${dir}/file`, 0)
  memory.write(FOUND)
  t.equal(memory.read(), undefined)
  t.end()
})
