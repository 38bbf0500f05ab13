// Random bytes from the kernel. Knows no use of them.
import { closeSync, openSync, readSync } from 'node:fs'

/** random(4): does not block after boot, and returns up to 256 bytes in one read. */
const URANDOM = '/dev/urandom'

/**
 * `count` random bytes, at most 256. Not WebCrypto, whose first use costs 5 ms.
 * @throws Error if /dev/urandom returns fewer
 */
export function randomBytes(count: number): Uint8Array {
  const fd = openSync(URANDOM, 'r')
  try {
    const bytes = new Uint8Array(count)
    const read = readSync(fd, bytes)
    if (read !== count) throw new Error(`${URANDOM} gave ${read} of ${count} bytes`)
    return bytes
  } finally {
    closeSync(fd)
  }
}
