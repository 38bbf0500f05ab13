// Addresses that are wider than their link, on a node that may have thousands of links with none. Knows what was found a moment ago.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { Conn } from '../netlink/conn.js'
import { NetlinkError } from '../netlink/errno.js'
import type { Keep } from '../netlink/message.js'
import { addrDump, anyAddress, type Address } from '../netlink/rtnl/addr.js'
import { RT_SCOPE } from '../netlink/rtnl/route.js'

/** By the byte of ifaddrmsg's scope. */
const WIDER_THAN_LINK: Keep = { at: 3, from: 0, to: RT_SCOPE.link - 1 }

/** From some 800 addresses on the kernel goes through its memory for longer than for all else of a call: 4 ms for 5,000. */
const MANY_BYTES = 65_536
/**
 * So old what was found may be. A pod is told of the node's addresses when it starts and not again: one that comes within these seconds
 * is to it as one that comes after it. Calls that come seldom look at all links each time.
 */
const MEMORY_MS = 10_000

/** The links that had such addresses, in the kernel's order; undefined where nothing is known, or not lately. */
export interface AddressCache {
  read(): readonly CachedLink[] | undefined
  write(links: readonly CachedLink[]): void
}

/** Both, for an index may have become another link's. */
export interface CachedLink {
  readonly index: number
  readonly name: string
}

export const NO_CACHE: AddressCache = { read: () => undefined, write: () => undefined }

type Names = (index: number) => string | undefined

type Asks = Pick<Conn, 'dump' | 'received'>

/** `af` 0: of both families. IPv4 comes first, as the kernel has it. */
export function globalAddresses(conn: Asks, af: number, names: Names, memory: AddressCache): readonly Address[] {
  const known = memory.read()
  return (known && ofLinks(conn, af, known, names)) ?? ofAll(conn, af, names, memory)
}

const asked = (conn: Asks, af: number, index: number): readonly Address[] =>
  conn.dump(addrDump, { header: { ...anyAddress, family: af, index }, attrs: {} }, WIDER_THAN_LINK)

/** Undefined where a link is another one by now, or gone. */
function ofLinks(conn: Asks, af: number, known: readonly CachedLink[], names: Names): readonly Address[] | undefined {
  try {
    if (known.some(({ index, name }) => names(index) !== name)) return undefined
    return known
      .flatMap(({ index }) => asked(conn, af, index).filter(({ header }) => header.index === index)) // old kernels filter nothing
      .sort((a, b) => a.header.family - b.header.family)
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENODEV') return undefined
    throw error
  }
}

function ofAll(conn: Asks, af: number, names: Names, memory: AddressCache): readonly Address[] {
  const before = conn.received
  const found = (index: number): readonly CachedLink[] => {
    const name = names(index)
    return name === undefined ? [] : [{ index, name }]
  }
  const all = asked(conn, af, 0)
  if (conn.received - before > MANY_BYTES)
    memory.write([...new Set(all.map(({ header }) => header.index))].flatMap(found))
  return all
}

const OWN_NETNS = '/proc/thread-self/ns/net'
/** tmpfs: nothing in it outlives a boot. */
export const CACHE_DIR = '/run/spidernet/coordinator'

/** Of the namespace that we are in, for a family or, with 0, both. What cannot be read or written is not known. */
export function cacheIn(dir: string, af: number, now: () => number = Date.now): AddressCache {
  const file = (): string => `${dir}/addresses-${statSync(OWN_NETNS).ino}-${af}`
  return {
    read() {
      try {
        const path = file()
        const age = now() - Math.floor(statSync(path).mtimeMs)
        return age < 0 || age > MEMORY_MS ? undefined : foundIn(readFileSync(path, 'utf8'))
      } catch {
        return undefined // on nearly every node there is none
      }
    },
    write(links) {
      try {
        mkdirSync(dir, { recursive: true, mode: 0o755 })
        writeFileSync(file(), textOf(links), { mode: 0o600 })
      } catch {
        return // a full or read-only /run: the next call looks at all links again
      }
    },
  }
}

/** Its last line tells that it is whole: two calls may write at once. */
const END = 'end'
const textOf = (links: readonly CachedLink[]): string =>
  [...links.map(({ index, name }) => `${index} ${name}`), END, ''].join('\n')

/** Undefined for anything else than what is written here. */
function foundIn(text: string): readonly CachedLink[] | undefined {
  const lines = text.split('\n')
  const end = lines.indexOf(END)
  const found = lines.slice(0, Math.max(end, 0)).map(line => /^([1-9][0-9]{0,9}) ([^\s/]{1,15})$/.exec(line))
  if (found.length === 0 || found.includes(null)) return undefined
  return found.map(match => ({ index: Number(match?.[1]), name: match?.[2] ?? '' }))
}
