// A transport over an open netlink socket: read(2) and write(2) on its file descriptor. The only file here with effects.
import { closeSync, readSync, writeSync } from 'node:fs'
import type { Transport } from './conn.js'
import { WireError } from './wire.js'

/** The kernel packs dumps up to 32 KiB; twice that, so that a full buffer means a cut datagram. */
const BUFFER_BYTES = 65_536
const INTERRUPTS_MAX = 100

/** `fd`: a netlink socket that blocks, opened in the namespace it is to speak for. `close` closes it. */
export function fdTransport(fd: number): Transport {
  const buffer = new Uint8Array(BUFFER_BYTES)
  return {
    send(bytes) {
      const sent = uninterrupted(() => writeSync(fd, bytes))
      if (sent !== bytes.length) throw new WireError(`sent ${sent} of ${bytes.length} bytes`)
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

/** A signal may interrupt a system call; it is then made again. */
function uninterrupted(call: () => number): number {
  for (let interrupts = 0; ; interrupts++)
    try {
      return call()
    } catch (thrown) {
      const interrupted = thrown instanceof Error && 'code' in thrown && thrown.code === 'EINTR'
      if (!interrupted || interrupts === INTERRUPTS_MAX) throw thrown
    }
}
