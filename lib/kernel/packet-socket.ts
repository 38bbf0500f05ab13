// Raw AF_PACKET socket on one interface. One per interface: closing it takes 15 ms (RCU).
import { codeOf } from '../errors.js'
import { closeSync, readSync, writeSync } from 'node:fs'
import type { Opener } from './sockets.js'

export interface PacketSocket {
  send(frame: Uint8Array): void
  /** The next incoming frame; undefined after `ms`. Blocks the thread. */
  receive(ms: number): Uint8Array | undefined
  /** Receives frames to a multicast MAC, six bytes. */
  join(group: Uint8Array): void
  close(): void
}

/** <linux/if_ether.h>: every protocol, so that one socket receives ARP and IPv6. */
const ETH_P_ALL = 0x0003
/** Longer frames are truncated; ARP and NDP frames are far shorter. */
const FRAME_BYTES_MAX = 2048

/**
 * A socket bound to an interface, for all protocols.
 * @throws SystemError
 */
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

/** A link that goes down reports ENETDOWN once to each of its sockets. */
function read(fd: number, buffer: Uint8Array): Uint8Array | undefined {
  try {
    return buffer.slice(0, readSync(fd, buffer))
  } catch (error) {
    if (TRANSIENT.includes(codeOf(error))) return undefined
    throw error
  }
}

const TRANSIENT: readonly string[] = ['ENETDOWN', 'EINTR', 'EAGAIN']
