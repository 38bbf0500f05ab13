// Random bytes from the kernel. Knows no use of them.
import { closeSync, openSync, readSync } from 'node:fs'

/** random(4): never blocks once the machine has started, and gives up to 256 bytes in one read. */
const URANDOM = '/dev/urandom'

/** `count` of them, 256 at most. WebCrypto's come from the same place, and cost a process 5 ms the first time. */
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
