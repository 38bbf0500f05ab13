// May root rely on a file? Only where no other user can have made it or can change it. Knows owners and modes; knows no confs.
import { lstatSync, statSync, type Stats } from 'node:fs'

/** <linux/stat.h> S_IWGRP | S_IWOTH. */
const WRITABLE_BY_OTHERS = 0o022
/** S_ISVTX: in such a folder, as /tmp is one, a user renames and removes only what is its own (sticky(7)). */
const STICKY = 0o1000

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0')

/** Root, or the user that runs this process: of a host's root in a user namespace, root is another. */
const isOwn = ({ uid }: Stats): boolean => uid === 0 || uid === statSync('/proc/self').uid

/** Why the file with these stats is not root's alone: `is owned by UID 65534`, `has mode 0666 …`; undefined where it is. */
export function whyNotFile(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'is not a regular file'
  return whyNotOwned(stats)
}

/** The same for a folder whose entries are relied upon. Of a link: that it is one. @throws where it cannot be looked at */
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
