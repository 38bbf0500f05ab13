// Errno texts as Go's syscall package has them: users know them from the reference plugins.
import { codeOf, messageOf } from '../errors.js'
import { errnoName, NetlinkError } from '../netlink/errno.js'

const TEXTS: Readonly<Record<string, string>> = {
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ESRCH: 'no such process',
  EINTR: 'interrupted system call',
  EIO: 'input/output error',
  ENXIO: 'no such device or address',
  EBADF: 'bad file descriptor',
  EAGAIN: 'resource temporarily unavailable',
  ENOMEM: 'cannot allocate memory',
  EACCES: 'permission denied',
  EBUSY: 'device or resource busy',
  EEXIST: 'file exists',
  ENODEV: 'no such device',
  ENOTDIR: 'not a directory',
  EINVAL: 'invalid argument',
  ENFILE: 'too many open files in system',
  EMFILE: 'too many open files',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  ERANGE: 'numerical result out of range',
  ENAMETOOLONG: 'file name too long',
  ELOOP: 'too many levels of symbolic links',
  EMSGSIZE: 'message too long',
  EPROTONOSUPPORT: 'protocol not supported',
  EOPNOTSUPP: 'operation not supported',
  EAFNOSUPPORT: 'address family not supported by protocol',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  ENETDOWN: 'network is down',
  ENETUNREACH: 'network is unreachable',
  ENOBUFS: 'no buffer space available',
  EHOSTUNREACH: 'no route to host',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EPIPE: 'broken pipe',
}

/** The text of an errno, given by name or by number. */
export function errnoText(errno: string | number): string {
  const code = typeof errno === 'number' ? errnoName(errno) : errno
  return TEXTS[code] ?? code
}

/** Errno text and extended ack: `network is unreachable (Nexthop has invalid gateway)`. */
export function reasonOf(error: unknown): string {
  if (error instanceof NetlinkError) return `${errnoText(error.code)}${error.text === '' ? '' : ` (${error.text})`}`
  const code = refusalCode(error)
  return code === undefined ? messageOf(error) : errnoText(code)
}

/** The errno name of a system or netlink error; undefined for any other error. */
export const refusalCode = (error: unknown): string | undefined =>
  (error instanceof Error && codeOf(error)) || undefined
