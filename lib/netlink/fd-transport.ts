// A transport over a netlink socket: read(2) and write(2). The only file in this folder with
// effects.
import { codeOf } from '../errors.js'
import { closeSync, readSync, write, writeSync } from 'node:fs'
import type { Transport } from './conn.js'
import { WireError } from '../bytes.js'

/**
 * Twice the kernel's maximum for dumps (32 KiB), so that a full buffer means a truncated datagram.
 */
const BUFFER_BYTES = 65_536
const INTERRUPTS_MAX = 100

/**
 * Of all transports: what receive() returns is copied before the next receive(), and three times
 * 64 KiB are much for a call of 20 ms.
 */
const buffer = new Uint8Array(BUFFER_BYTES)

/** `fd`: a blocking netlink socket; close() closes it. */
export function fdTransport(fd: number): Transport {
  return {
    send(bytes) {
      checkSent(
        uninterrupted(() => writeSync(fd, bytes)),
        bytes,
      )
    },
    async sendAsync(bytes) {
      checkSent(await written(fd, bytes), bytes)
    },
    receive() {
      const length = uninterrupted(() => readSync(fd, buffer))
      if (length === 0) throw new WireError('the netlink socket is closed')
      if (length === buffer.length) throw new WireError(`an answer of ${length} bytes or more was cut short`)
      return buffer.subarray(0, length)
    },
    close() {
      closeSync(fd)
    },
  }
}

/** write(2) on another thread. Returns the number of bytes. */
const written = (fd: number, bytes: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    write(fd, bytes, (error, sent) => (error ? reject(error) : resolve(sent)))
  })

function checkSent(sent: number, bytes: Uint8Array): void {
  if (sent !== bytes.length) throw new WireError(`sent ${sent} of ${bytes.length} bytes`)
}

/** Repeats a system call that a signal interrupted (EINTR). */
function uninterrupted(call: () => number): number {
  for (let interrupts = 0; ; interrupts++)
    try {
      return call()
    } catch (thrown) {
      if (codeOf(thrown) !== 'EINTR' || interrupts === INTERRUPTS_MAX) throw thrown
    }
}
