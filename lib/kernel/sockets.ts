// Network namespaces and sockets through libc.
import { codeOf } from '../errors.js'
import { dlopen, ptr, read } from 'bun:ffi'
import { closeSync, mkdirSync, openSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoText } from './errno.js'
import { SystemError } from './system-error.js'

const LIBC = 'libc.so.6'
const OWN_NETNS = '/proc/thread-self/ns/net'

// <linux/magic.h>: a namespace is on nsfs, or on procfs with an old kernel.
const NSFS_MAGIC = 0x6e736673
const PROC_SUPER_MAGIC = 0x9fa0

const AF_NETLINK = 16
const AF_PACKET = 17
const NETLINK_ROUTE = 0
const NETLINK_NETFILTER = 12
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0x80000
const CLONE_NEWNET = 0x40000000
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_RCVTIMEO = 20
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const SOL_PACKET = 263
const PACKET_ADD_MEMBERSHIP = 1
const PACKET_IGNORE_OUTGOING = 23
const PACKET_MR_MULTICAST = 0
const POLLIN = 1

/** For long dumps; the kernel doubles the value (socket(7)). */
const RECEIVE_BUFFER_BYTES = 1 << 20
/** The kernel answers within send(2); a safeguard. */
const NETLINK_RECEIVE_MS_MAX = 5000

const SYMBOLS = {
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  bind: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  poll: { args: ['ptr', 'u64', 'i32'], returns: 'i32' },
  flock: { args: ['i32', 'i32'], returns: 'i32' },
  setns: { args: ['i32', 'i32'], returns: 'i32' },
  __errno_location: { args: [], returns: 'ptr' },
} as const

// <sys/file.h>
const LOCK_EX = 2
const LOCK_NB = 4

/** CNI_NETNS is not a network namespace. The messages are those of the reference plugins. */
export class NetnsError extends Error {
  override readonly name = 'NetnsError'
  /** The path does not exist or is a plain file: success for DEL. */
  readonly isGone: boolean
  constructor(message: string, isGone: boolean) {
    super(message)
    this.isGone = isGone
  }
}

interface SocketName {
  readonly family: number
  readonly protocol: number
  readonly address: Uint8Array
}

/** Opened once: it takes 0.5 ms, and memory that is never freed, which counts in the node agent. */
const libc = once(() => dlopen(LIBC, SYMBOLS).symbols)

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** Opens sockets in a namespace; undefined is our own. */
export class Opener {
  readonly #libc = libc()

  /** An rtnetlink socket with extended ack and strict checking. It stays in its namespace. */
  netlink(netns: number | undefined): number {
    return this.#netlink(netns, NETLINK_ROUTE)
  }

  /** A netfilter socket. Throws SystemError EPROTONOSUPPORT if the kernel has no netfilter. */
  netfilter(netns: number | undefined): number {
    return this.#netlink(netns, NETLINK_NETFILTER)
  }

  /**
   * A raw packet socket bound to an interface, for whole Ethernet frames.
   * `protocol` is the EtherType to receive, 0 for none.
   */
  packet(options: { netns: number | undefined; index: number; protocol: number }): number {
    return this.inside(options.netns, () =>
      this.#socket(
        { family: AF_PACKET, protocol: 0, address: sockaddrLl(options) },
        fd => this.#set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, int32(1)), // Linux 4.20; the decoders ignore our own frames too
      ),
    )
  }

  /**
   * Receives frames to a multicast MAC, six bytes, until the packet socket is closed (packet(7)).
   */
  join(fd: number, { index, group }: { index: number; group: Uint8Array }): void {
    const bytes = new Uint8Array(16)
    new Int32Array(bytes.buffer, 0, 1)[0] = index
    new Uint16Array(bytes.buffer, 4, 2).set([PACKET_MR_MULTICAST, group.length])
    bytes.set(group, 8)
    this.#set(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, bytes)
  }

  /** True if there is something to read; false after `ms` or on a signal. */
  waitFor(fd: number, ms: number): boolean {
    const polled = new Uint8Array(8) // struct pollfd
    new Int32Array(polled.buffer, 0, 1)[0] = fd
    new Int16Array(polled.buffer, 4, 1)[0] = POLLIN
    return this.#libc.poll(ptr(polled), 1, Math.ceil(ms)) > 0
  }

  /**
   * flock(2) on a file, created if missing; released when the process ends. Waits without a
   * timeout: the holder only talks to the kernel, whose answers have one.
   */
  lock(file: string): () => void {
    const fd = openLockFile(file)
    if (this.#libc.flock(fd, LOCK_EX) === 0) return () => closeSync(fd)
    try {
      this.#fail(`lock of ${file}`)
    } finally {
      closeSync(fd)
    }
  }

  /** As lock(), without waiting; undefined where another has the lock. */
  tryLock(file: string): (() => void) | undefined {
    const fd = openLockFile(file)
    if (this.#libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return () => closeSync(fd)
    closeSync(fd)
    return undefined
  }

  /**
   * Runs synchronous work in a namespace, for /proc/sys. No await in it: the thread is switched.
   */
  inside<T>(netns: number | undefined, work: () => T): T {
    if (netns === undefined) return work()
    const home = openSync(OWN_NETNS, 'r')
    try {
      if (this.#libc.setns(netns, CLONE_NEWNET) !== 0) this.#fail('setns into the pod')
      try {
        return work()
      } finally {
        if (this.#libc.setns(home, CLONE_NEWNET) !== 0) abort() // later requests would change the pod, not the node
      }
    } finally {
      closeSync(home)
    }
  }

  #netlink(netns: number | undefined, protocol: number): number {
    const options = (fd: number): void => {
      this.#set(fd, SOL_SOCKET, SO_RCVBUF, int32(RECEIVE_BUFFER_BYTES))
      this.#set(fd, SOL_SOCKET, SO_RCVTIMEO, timeval(NETLINK_RECEIVE_MS_MAX))
      // Older kernels have none of the three: errors have no text, and dumps are filtered by the
      // reader.
      for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
        this.#set(fd, SOL_NETLINK, option, int32(1))
    }
    return this.inside(netns, () => this.#socket({ family: AF_NETLINK, protocol, address: sockaddrNl() }, options))
  }

  #socket({ family, protocol, address }: SocketName, options: (fd: number) => void): number {
    const fd = this.#libc.socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol)
    if (fd < 0) this.#fail(`socket of family ${family}, protocol ${protocol}`)
    try {
      options(fd)
      if (this.#libc.bind(fd, ptr(address), address.byteLength) !== 0)
        this.#fail(`bind of a socket of family ${family}`)
      return fd
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /** Every option is optional, so that errors are ignored. */
  #set(fd: number, level: number, option: number, value: Uint8Array): void {
    this.#libc.setsockopt(fd, level, option, ptr(value), value.byteLength)
  }

  #fail(what: string): never {
    const at = this.#libc.__errno_location()
    throw new SystemError(what, at === null ? 0 : read.i32(at, 0))
  }
}

function openLockFile(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
  return openSync(file, 'a', 0o600)
}

/**
 * The file descriptor of the namespace at a path.
 * @throws NetnsError with the reference plugins' messages
 */
export function openNetns(path: string): number {
  let magic: number
  try {
    magic = statfsSync(path).type
  } catch (error) {
    const code = codeOf(error)
    throw new NetnsError(`failed to Statfs "${path}": ${errnoText(code)}`, code === 'ENOENT' || code === 'ENOTDIR')
  }
  if (magic !== NSFS_MAGIC && magic !== PROC_SUPER_MAGIC)
    throw new NetnsError(`unknown FS magic on "${path}": ${magic.toString(16)}`, true)
  try {
    return openSync(path, 'r')
  } catch (error) {
    const code = codeOf(error)
    throw new NetnsError(`open ${path}: ${errnoText(code)}`, code === 'ENOENT')
  }
}

/** The thread cannot leave the pod's namespace; continuing would change the wrong one. */
function abort(): never {
  dlopen(LIBC, { abort: { args: [], returns: 'void' } }).symbols.abort()
  throw new Error('abort returned')
}

// sockaddr_nl and sockaddr_ll are in host order, as typed arrays are; sll_protocol is in network
// order.
function sockaddrNl(): Uint8Array {
  const bytes = new Uint8Array(12)
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_NETLINK
  return bytes
}

function sockaddrLl({ index, protocol }: { index: number; protocol: number }): Uint8Array {
  const bytes = new Uint8Array(20)
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_PACKET
  bytes[2] = protocol >> 8
  bytes[3] = protocol & 0xff
  new Int32Array(bytes.buffer, 4, 1)[0] = index
  return bytes
}

const int32 = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer)
/** struct timeval of a 64-bit Linux. */
const timeval = (ms: number): Uint8Array =>
  new Uint8Array(BigInt64Array.of(BigInt(Math.floor(ms / 1000)), BigInt((ms % 1000) * 1000)).buffer)
