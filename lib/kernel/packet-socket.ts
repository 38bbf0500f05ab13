// One interface as a line to talk on: whole Ethernet frames out and in. One socket, since closing one costs 15 ms (the kernel waits for RCU).
import { closeSync, readSync, writeSync } from 'node:fs'
import type { Opener } from './sockets.js'

export interface PacketSocket {
  send(frame: Uint8Array): void
  /** The next frame of anybody else's, or `undefined` where none came within `ms`. The thread sleeps meanwhile. */
  receive(ms: number): Uint8Array | undefined
  /** Hears frames to a multicast MAC, six bytes. */
  join(group: Uint8Array): void
  close(): void
}

/** <linux/if_ether.h>: every protocol, so that one socket hears ARP and IPv6. */
const ETH_P_ALL = 0x0003
/** Longer frames are cut: no question or answer about an address comes near. */
const FRAME_BYTES_MAX = 2048

/** Throws SystemError. */
export function openPacketSocket(
  opener: Opener,
  { netns, index }: { netns: number | undefined; index: number },
): PacketSocket {
  const fd = opener.packet({ netns, index, protocol: ETH_P_ALL })
  const buffer = new Uint8Array(FRAME_BYTES_MAX)
  return {
    send: frame => void writeSync(fd, frame),
    receive: ms => (opener.waitFor(fd, Math.max(0, ms)) ? read(fd, buffer) : undefined),
    join: group => opener.join(fd, { index, group }),
    close: () => closeSync(fd),
  }
}

/** A link that goes down says so on its sockets, once each: then there is nothing to hear, and the next look tells why. */
function read(fd: number, buffer: Uint8Array): Uint8Array | undefined {
  try {
    return buffer.slice(0, readSync(fd, buffer))
  } catch (error) {
    if (error instanceof Error && 'code' in error && TRANSIENT.includes(String(error.code))) return undefined
    throw error
  }
}

const TRANSIENT: readonly string[] = ['ENETDOWN', 'EINTR', 'EAGAIN']
