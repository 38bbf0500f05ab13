// The kernel's errors in words, as libc and Go's runtime say them. Knows numbers and names; knows nothing of who asked.

/** asm-generic/errno.h: name, number, and the text users know from the reference plugins' messages. */
const ERRNOS: readonly (readonly [code: string, errno: number, text: string])[] = [
  ['EPERM', 1, 'operation not permitted'],
  ['ENOENT', 2, 'no such file or directory'],
  ['ESRCH', 3, 'no such process'],
  ['EINTR', 4, 'interrupted system call'],
  ['EIO', 5, 'input/output error'],
  ['ENXIO', 6, 'no such device or address'],
  ['EBADF', 9, 'bad file descriptor'],
  ['EAGAIN', 11, 'resource temporarily unavailable'],
  ['ENOMEM', 12, 'cannot allocate memory'],
  ['EACCES', 13, 'permission denied'],
  ['EBUSY', 16, 'device or resource busy'],
  ['EEXIST', 17, 'file exists'],
  ['ENODEV', 19, 'no such device'],
  ['ENOTDIR', 20, 'not a directory'],
  ['EINVAL', 22, 'invalid argument'],
  ['ENFILE', 23, 'too many open files in system'],
  ['EMFILE', 24, 'too many open files'],
  ['ENOSPC', 28, 'no space left on device'],
  ['EROFS', 30, 'read-only file system'],
  ['ERANGE', 34, 'numerical result out of range'],
  ['ENAMETOOLONG', 36, 'file name too long'],
  ['ELOOP', 40, 'too many levels of symbolic links'],
  ['EMSGSIZE', 90, 'message too long'],
  ['EOPNOTSUPP', 95, 'operation not supported'],
  ['EAFNOSUPPORT', 97, 'address family not supported by protocol'],
  ['EADDRINUSE', 98, 'address already in use'],
  ['EADDRNOTAVAIL', 99, 'cannot assign requested address'],
  ['ENETDOWN', 100, 'network is down'],
  ['ENETUNREACH', 101, 'network is unreachable'],
  ['ENOBUFS', 105, 'no buffer space available'],
  ['EHOSTUNREACH', 113, 'no route to host'],
]

/** The text of an errno, given by name or by number. */
export function errnoText(errno: string | number): string {
  const known = ERRNOS.find(([code, number]) => code === errno || number === errno)
  return known?.[2] ?? (typeof errno === 'number' ? `errno ${errno}` : errno)
}
