// Ownership and mode checks: root trusts a file only if no other user can have made it or can
// change it.
import { lstatSync, statSync, type Stats } from 'node:fs'

/** <linux/stat.h> S_IWGRP | S_IWOTH. */
const WRITABLE_BY_OTHERS = 0o022
/** S_ISVTX: in such a folder, like /tmp, users rename and remove only their own files. */
const STICKY = 0o1000

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0')

/** Owned by root, or by the user of this process: in a user namespace host root has another UID. */
const isOwn = ({ uid }: Stats): boolean => uid === 0 || uid === statSync('/proc/self').uid

/**
 * Why a file is not trusted: `is owned by UID 65534`, `has mode 0666 …`; undefined if it is
 * trusted.
 */
export function whyNotFile(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'is not a regular file'
  return whyNotOwned(stats)
}

/** Why a unix socket is not trusted; undefined if it is. */
export function whyNotSocket(stats: Stats): string | undefined {
  if (!stats.isSocket()) return stats.isDirectory() ? 'is a folder, not a socket' : 'is not a socket'
  return whyNotOwned(stats)
}

/**
 * Why the entries of a folder are not trusted; undefined if they are. A symbolic link is not
 * followed.
 * @throws a system error if lstat(2) fails
 */
export function whyNotFolder(path: string): string | undefined {
  const stats = lstatSync(path)
  if (stats.isSymbolicLink()) return 'is a symbolic link'
  if (!stats.isDirectory()) return 'is not a folder'
  return (stats.mode & STICKY) !== 0 && isOwn(stats) ? undefined : whyNotOwned(stats)
}

function whyNotOwned(stats: Stats): string | undefined {
  if (!isOwn(stats)) return `is owned by UID ${stats.uid}; it must be root's`
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0)
    return `has mode ${octal(stats.mode)}; only its owner may have the right to write (chmod go-w)`
  return undefined
}
