// Linux errno numbers by name, and the errors of a rejected request.
import { WireError } from '../bytes.js'

/** <asm-generic/errno-base.h>, <asm-generic/errno.h>: x86, arm and riscv. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EPIPE: 32,
  EDOM: 33,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOLCK: 37,
  ENOSYS: 38,
  ELOOP: 40,
  ENOMSG: 42,
  ENODATA: 61,
  ENOLINK: 67,
  EPROTO: 71,
  EBADMSG: 74,
  EOVERFLOW: 75,
  ENOTUNIQ: 76,
  EUSERS: 87,
  ENOTSOCK: 88,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTOTYPE: 91,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EOPNOTSUPP: 95,
  EPFNOSUPPORT: 96,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENETRESET: 102,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
  ESTALE: 116,
  EDQUOT: 122,
} as const

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(ERRNO).map(([name, number]) => [number, name]))

/** `EEXIST` for 17; `errno 1234` for a number without a name here. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`

/** 17 for `EEXIST`; 0 for an unknown name. */
export const errnoOf = (name: string): number => Object.entries(ERRNO).find(([known]) => known === name)?.[1] ?? 0

/** A rejected request: `op` is its name (`addr.add`), `text` the extended ack or empty. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError'
  readonly op: string
  readonly errno: number
  readonly code: string
  readonly text: string
  constructor({ op, errno, text = '' }: { op: string; errno: number; text?: string }, options?: ErrorOptions) {
    const code = errnoName(errno)
    super(`${op}: ${code}${text === '' ? '' : ` (${text})`}`, options)
    this.op = op
    this.errno = errno
    this.code = code
    this.text = text
  }
}

/** Whether it is unknown if the request was applied: sending, receiving or decoding failed. */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof WireError || (error instanceof NetlinkError && error.cause !== undefined)

/**
 * A rejected batch, of which nothing was applied; `part` is the index of the rejected change, if
 * any.
 */
export class BatchError extends NetlinkError {
  readonly part: number | undefined
  constructor(refusal: { op: string; errno: number; text?: string }, part: number | undefined, options?: ErrorOptions) {
    super(refusal, options)
    this.part = part
  }
}
