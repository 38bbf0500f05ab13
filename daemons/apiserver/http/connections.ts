// Bounds open connections: idle ones are closed before the process runs out of file descriptors.
//
// With no descriptor left, accept() fails while the socket stays readable, so the event loop spins.
// Bun has no limit and no connection events: sockets are listed in /proc/self/fd and closed with
// shutdown(2), which Bun sees as a close by the peer.
import { dlopen, ptr } from 'bun:ffi'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { codeOf } from '../../../lib/errors.js'

const SYMBOLS = {
  getpeername: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  shutdown: { args: ['i32', 'i32'], returns: 'i32' },
} as const
const SHUT_RDWR = 2
const AF_INET = 2 // <sys/socket.h>
const AF_INET6 = 10
const SOCKADDR_BYTES = 128 // struct sockaddr_storage

/**
 * Above the first share of the limit, idle connections are closed down to the second. Watches may
 * use half of it.
 */
const CLOSE_ABOVE = 0.8
const CLOSE_DOWN_TO = 0.7
const WATCHES_SHARE = 0.5
const CHECK_MS = 1_000
const CROWDED_CHECK_MS = 50

/** A connection, named by the address and port of the client. */
type Peer = string
/** The peer of an address and port; IPv4-mapped addresses as IPv4. */
export const peerOf = (address: string, port: number): Peer => `${address.replace(/^::ffff:/, '')} ${port}`

interface Use {
  inFlight: number
  lastMs: number
}

interface Socket {
  readonly fd: number
  readonly inode: string
  readonly peer: Peer
}

/** RLIMIT_NOFILE, whose soft limit Bun raises to the hard one at start. */
export function descriptorsMax(): number {
  const text = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? ''
  return text === 'unlimited' || text === '' ? Infinity : Number(text)
}

/** The connections of this process and their limit, checked periodically until `stop`. */
export class Connections {
  readonly #max: number
  readonly #libc = dlopen('libc.so.6', SYMBOLS).symbols
  readonly #uses = new Map<Peer, Use>()
  /** When a socket was first listed, by inode: it may have made no request yet. */
  #firstSeen = new Map<string, number>()
  /** Reserved for listing /proc/self/fd when no descriptor is left. */
  #spare = spareOrNone()
  #watches = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(max: number) {
    this.#max = max
    this.#check()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Marks a request in flight; the result ends it. */
  begin(peer: Peer): () => void {
    const use = this.#uses.get(peer) ?? { inFlight: 0, lastMs: 0 }
    this.#uses.set(peer, use)
    use.inFlight++
    return once(() => {
      use.inFlight--
      use.lastMs = Date.now()
    })
  }

  /** Marks a watch in flight; undefined at the limit, since other requests need connections too. */
  beginWatch(peer: Peer): (() => void) | undefined {
    if (this.#watches >= this.#max * WATCHES_SHARE) return undefined
    this.#watches++
    const end = this.begin(peer)
    return once(() => {
      this.#watches--
      end()
    })
  }

  #check(): void {
    const descriptors = this.#listDescriptors()
    const isCrowded = descriptors.length > this.#max / 2
    if (isCrowded) this.#closeIdle(descriptors)
    else for (const [peer, { inFlight }] of this.#uses) if (inFlight === 0) this.#uses.delete(peer)
    this.#timer = setTimeout(() => this.#check(), isCrowded ? CROWDED_CHECK_MS : CHECK_MS)
    this.#timer.unref()
  }

  /** Drops closed connections from the table and closes the longest idle ones. */
  #closeIdle(descriptors: readonly string[]): void {
    const now = Date.now()
    const open = descriptors.length
    const sockets = this.#socketsOf(descriptors)
    this.#firstSeen = new Map(sockets.map(({ inode }) => [inode, this.#firstSeen.get(inode) ?? now]))
    const peers = new Set(sockets.map(({ peer }) => peer))
    for (const peer of this.#uses.keys()) if (!peers.has(peer)) this.#uses.delete(peer)
    if (open <= this.#max * CLOSE_ABOVE) return
    const idleSince = ({ peer, inode }: Socket): number =>
      this.#uses.get(peer)?.lastMs ?? this.#firstSeen.get(inode) ?? now
    const idle = sockets.filter(({ peer }) => (this.#uses.get(peer)?.inFlight ?? 0) === 0)
    idle.sort((a, b) => idleSince(a) - idleSince(b))
    for (const { fd } of idle.slice(0, Math.ceil(open - this.#max * CLOSE_DOWN_TO))) this.#libc.shutdown(fd, SHUT_RDWR)
  }

  #listDescriptors(): readonly string[] {
    if (this.#spare !== undefined) closeSync(this.#spare)
    try {
      return readdirSync('/proc/self/fd')
    } catch (error) {
      if (isOutOfFiles(error)) return []
      throw error
    } finally {
      this.#spare = spareOrNone()
    }
  }

  #socketsOf(descriptors: readonly string[]): readonly Socket[] {
    return descriptors.flatMap(name => {
      const inode = linkOf(name)
      const peer = inode.startsWith('socket:') ? this.#peerOf(Number(name)) : undefined
      return peer === undefined ? [] : [{ fd: Number(name), inode, peer }]
    })
  }

  /** Undefined for sockets that are not TCP connections. */
  #peerOf(fd: number): Peer | undefined {
    const address = Buffer.alloc(SOCKADDR_BYTES)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(SOCKADDR_BYTES)
    if (this.#libc.getpeername(fd, ptr(address), ptr(length)) !== 0) return undefined
    const port = address.readUInt16BE(2)
    switch (address.readUInt16LE(0)) {
      case AF_INET:
        return peerOf(address.subarray(4, 8).join('.'), port)
      case AF_INET6:
        return peerOf(address.subarray(8, 23).every(byte => byte === 0) ? '::1' : address.toString('hex', 8, 24), port)
      default:
        return undefined
    }
  }
}

/** Undefined if another thread took the last descriptor; the next check tries again. */
function spareOrNone(): number | undefined {
  try {
    return openSync('/dev/null', 'r')
  } catch (error) {
    if (isOutOfFiles(error)) return undefined
    throw error
  }
}

const isOutOfFiles = (error: unknown): boolean => ['EMFILE', 'ENFILE'].includes(codeOf(error))

const once = (end: () => void): (() => void) => {
  let isOver = false
  return () => {
    if (!isOver) end()
    isOver = true
  }
}

function linkOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '' // the descriptor of the listing itself
    throw error
  }
}
