// A stream socket to a path of the node, through libc: synchronous, without the event loop. A CNI
// executable has nothing else to do while it waits, and fetch() has no GET with a body.
import { closeSync, readSync, writeSync } from 'node:fs'
import { dlopen, ptr, read } from 'bun:ffi'
import { codeOf } from '../errors.js'
import { SystemError } from './system-error.js'

const LIBC = 'libc.so.6'
const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0x80000
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const SO_SNDTIMEO = 21
/** struct sockaddr_un (<linux/un.h>): the family and 108 bytes, the last of them NUL. */
const SUN_PATH_BYTES_MAX = 107

/** libc is opened for each symbol table; these four cost less than lib/kernel/sockets.ts. */
const SYMBOLS = {
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  connect: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  __errno_location: { args: [], returns: 'ptr' },
} as const

const PIECE_BYTES = 16 * 1024

/** A connected socket; the caller closes it. */
export class UnixSocket {
  readonly #libc
  readonly #fd: number

  /**
   * `ms`: how long connecting may take if the listener's queue is full.
   * @throws SystemError such as ENOENT, ECONNREFUSED, EACCES; EAGAIN after `ms`
   */
  constructor(path: string, ms: number) {
    const address = sockaddrUn(path)
    this.#libc = dlopen(LIBC, SYMBOLS).symbols
    this.#fd = this.#libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
    if (this.#fd < 0) throw new SystemError('socket of family unix', this.#errno())
    this.#set(SO_SNDTIMEO, ms)
    if (this.#libc.connect(this.#fd, ptr(address), address.byteLength) === 0) return
    const failed = this.#errno()
    this.close()
    throw new SystemError(`connect to ${path}`, failed)
  }

  /** Sends all bytes. @throws an error with `code`: EPIPE, EAGAIN after the time to connect */
  send(bytes: Uint8Array): void {
    for (let sent = 0; sent < bytes.byteLength;) {
      try {
        sent += writeSync(this.#fd, bytes, sent)
      } catch (error) {
        if (codeOf(error) !== 'EINTR') throw error
      }
    }
  }

  /**
   * What has arrived: empty at the end of the stream, undefined if nothing arrives for `ms`.
   * @throws an error with `code`, such as ECONNRESET
   */
  receive(ms: number): Uint8Array | undefined {
    this.#set(SO_RCVTIMEO, ms)
    const piece = Buffer.alloc(PIECE_BYTES)
    for (;;) {
      try {
        return piece.subarray(0, readSync(this.#fd, piece))
      } catch (error) {
        if (codeOf(error) === 'EAGAIN') return undefined
        if (codeOf(error) === 'EOF') return piece.subarray(0, 0)
        if (codeOf(error) !== 'EINTR') throw error
      }
    }
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** Must follow the failed call at once. */
  #errno(): number {
    const at = this.#libc.__errno_location()
    return at === null ? 0 : read.i32(at, 0)
  }

  #set(option: number, ms: number): void {
    const value = timeval(Math.max(1, Math.ceil(ms)))
    this.#libc.setsockopt(this.#fd, SOL_SOCKET, option, ptr(value), value.byteLength)
  }
}

function sockaddrUn(path: string): Uint8Array {
  const text = Buffer.from(path)
  if (text.byteLength > SUN_PATH_BYTES_MAX) throw new SystemError(`connect to ${path}`, ENAMETOOLONG)
  const bytes = new Uint8Array(2 + SUN_PATH_BYTES_MAX + 1)
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_UNIX
  bytes.set(text, 2)
  return bytes
}

const ENAMETOOLONG = 36 // <asm-generic/errno.h>

/** struct timeval of a 64-bit Linux. */
const timeval = (ms: number): Uint8Array =>
  new Uint8Array(BigInt64Array.of(BigInt(Math.floor(ms / 1000)), BigInt((ms % 1000) * 1000)).buffer)
