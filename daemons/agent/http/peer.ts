// Who is at the other end of a connection (SO_PEERCRED, unix(7)).
import { dlopen, ptr } from 'bun:ffi'

// <asm-generic/socket.h>
const SOL_SOCKET = 1
const SO_PEERCRED = 17
const UCRED_BYTES = 12 // struct ucred: pid, uid, gid

const SYMBOLS = { getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' } } as const

export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
}

/** Reads the credentials of peers by the descriptor of a connection. */
export class PeerReader {
  readonly #libc = dlopen('libc.so.6', SYMBOLS).symbols

  /** As the kernel noted them at connect(2); undefined where the descriptor is no unix socket. */
  of(fd: number): PeerCredentials | undefined {
    const [ucred, length] = [Buffer.alloc(UCRED_BYTES), Buffer.alloc(4)]
    length.writeUInt32LE(UCRED_BYTES)
    if (this.#libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ptr(ucred), ptr(length)) !== 0) return undefined
    return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4) }
  }
}
