// Addresses of scope global or site on a node with thousands of links; cached for 10 s in /run.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { Conn } from '../netlink/conn.js'
import { NetlinkError } from '../netlink/errno.js'
import type { Keep } from '../netlink/message.js'
import { addrDump, anyAddress, type Address } from '../netlink/rtnl/addr.js'
import { RT_SCOPE } from '../netlink/rtnl/route.js'

/** Filter on ifa_scope (struct ifaddrmsg). */
const WIDER_THAN_LINK: Keep = { at: 3, from: 0, to: RT_SCOPE.link - 1 }

/**
 * Some 800 addresses; from there on the dump takes longer than the rest of a call: 4 ms for 5,000.
 */
const MANY_BYTES = 65_536
/**
 * Maximum age of the cache. A pod gets the node's addresses only at its ADD, so one that is added
 * within this time is the same as one added after the ADD. Rare calls dump all links.
 */
const MEMORY_MS = 10_000

/** The links that had such addresses, in the kernel's order; undefined: no cache, or too old. */
export interface AddressCache {
  read(): readonly CachedLink[] | undefined
  write(links: readonly CachedLink[]): void
}

/** Both, since an index may be reused. */
export interface CachedLink {
  readonly index: number
  readonly name: string
}

export const NO_CACHE: AddressCache = { read: () => undefined, write: () => undefined }

type Names = (index: number) => string | undefined

type Asks = Pick<Conn, 'dump' | 'received'>

/**
 * Addresses of scope global or site; `af` 0: both families, IPv4 first, as the kernel dumps them.
 * @throws NetlinkError
 */
export function globalAddresses(conn: Asks, af: number, names: Names, memory: AddressCache): readonly Address[] {
  const known = memory.read()
  return (known && ofLinks(conn, af, known, names)) ?? ofAll(conn, af, names, memory)
}

const asked = (conn: Asks, af: number, index: number): readonly Address[] =>
  conn.dump(addrDump, { header: { ...anyAddress, family: af, index }, attrs: {} }, WIDER_THAN_LINK)

/** Undefined if an index has another name now, or no link. */
function ofLinks(conn: Asks, af: number, known: readonly CachedLink[], names: Names): readonly Address[] | undefined {
  try {
    if (known.some(({ index, name }) => names(index) !== name)) return undefined
    return known
      .flatMap(({ index }) => asked(conn, af, index).filter(({ header }) => header.index === index)) // old kernels ignore ifa_index
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
/** tmpfs, so that it is empty after a boot. */
export const CACHE_DIR = '/run/spidernet/coordinator'

/** The cache of our own namespace; `af` 0: both families. Errors of the file system are ignored. */
export function cacheIn(dir: string, af: number, now: () => number = Date.now): AddressCache {
  const file = (): string => `${dir}/addresses-${statSync(OWN_NETNS).ino}-${af}`
  return {
    read() {
      try {
        const path = file()
        const age = now() - Math.floor(statSync(path).mtimeMs)
        return age < 0 || age > MEMORY_MS ? undefined : foundIn(readFileSync(path, 'utf8'))
      } catch {
        return undefined // most nodes have none
      }
    },
    write(links) {
      try {
        mkdirSync(dir, { recursive: true, mode: 0o755 })
        writeFileSync(file(), textOf(links), { mode: 0o600 })
      } catch {
        return // /run is full or read-only: the next call dumps all links
      }
    },
  }
}

/** The last line: two calls may write at once, and a partial file is ignored. */
const END = 'end'
const textOf = (links: readonly CachedLink[]): string =>
  [...links.map(({ index, name }) => `${index} ${name}`), END, ''].join('\n')

/** Undefined for any other content than textOf() writes. */
function foundIn(text: string): readonly CachedLink[] | undefined {
  const lines = text.split('\n')
  const end = lines.indexOf(END)
  const found = lines.slice(0, Math.max(end, 0)).map(line => /^([1-9][0-9]{0,9}) ([^\s/]{1,15})$/.exec(line))
  if (found.length === 0 || found.includes(null)) return undefined
  return found.map(match => ({ index: Number(match?.[1]), name: match?.[2] ?? '' }))
}
