// Runs address probes and announcements of lib/probe on a pod's interface.
import { familyOf, type Ip } from '../ip/address.js'
import { macBytes, type Mac } from '../ip/mac.js'
import { linkNamed, type ObservedLink } from '../plan/state.js'
import type { Step } from '../plan/step.js'
import { announcementsOf } from '../probe/announce.js'
import { exchange } from '../probe/exchange.js'
import { begin, type ProbeRequest, type Finding } from '../probe/detect.js'
import { multicastMac } from '../probe/ethernet.js'
import { ALL_NODES, solicitedNodeOf } from '../probe/ndp.js'
import { openKernel, type Kernel } from './kernel.js'

export type { ProbeRequest as Ask, Finding }

/** <linux/if.h>: up, with carrier. */
export const IFF_RUNNING = 0x40
/** A physical link needs time to negotiate; probes without carrier would prove nothing. */
export const CARRIER_MS_MAX = 3000
export const CARRIER_PAUSE_MS = 10
/** RFC 5227 §1.1 has two announcements, two seconds apart; shorter here, since the pod waits. */
const ANNOUNCE_GAP_MS = 20

/** Interface `nic` in the pod. */
export interface ProbeTarget {
  readonly kernel: Kernel
  readonly nic: string
}

/**
 * Conflicts and unreachable gateways for the addresses of an interface, probed all at once: about
 * 200 ms, up to 500 ms if a gateway does not answer. Sets the interface up.
 * @throws SystemError; Error if there is no such interface
 */
export function detect({ kernel, nic }: ProbeTarget, asks: readonly ProbeRequest[]): readonly Finding[] {
  const link = upAndRunning({ kernel, nic })
  if (link.mac === undefined) return [] // not Ethernet
  const socket = kernel.packetSocket({ where: 'pod', name: nic })
  for (const group of groupsOf(asks)) socket.join(macBytes(group))
  const nowMs = (): number => performance.now()
  const channel = { send: socket.send, receive: socket.receive, nowMs }
  return exchange(begin({ own: link.mac, asks, nowMs: nowMs() }), channel)
}

/**
 * An NA that answers a DAD probe (unspecified source) goes to all-nodes; a concurrent DAD probe
 * goes to the solicited-node group (RFC 4862 §5.4).
 */
export const groupsOf = (asks: readonly ProbeRequest[]): readonly Mac[] => {
  const six = asks.filter(({ ip }) => familyOf(ip) === 6)
  return six.length === 0 ? [] : [ALL_NODES, ...six.map(({ ip }) => solicitedNodeOf(ip))].map(multicastMac)
}

/** The interface. @throws Error if the pod has none of the name */
export function linkOf({ kernel, nic }: ProbeTarget): ObservedLink {
  const link = linkNamed(kernel.observe({ pod: { links: [nic] } }).pod, nic)
  if (!link) throw new Error(`interface ${nic} is not in the pod: no address can be looked for on it`)
  return link
}

function upAndRunning(on: ProbeTarget): ObservedLink {
  const deadline = performance.now() + CARRIER_MS_MAX
  let link = linkOf(on)
  if (!link.up) on.kernel.apply(setUp(on.nic))
  for (;;) {
    link = linkOf(on)
    if ((link.flags & IFF_RUNNING) !== 0 || performance.now() >= deadline) return link
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CARRIER_PAUSE_MS)
  }
}

/** The step that sets an interface up. */
export const setUp = (name: string): Step => ({ verb: 'setUp', where: 'pod', name, was: false })

/**
 * Sends gratuitous ARP and unsolicited NA for the addresses, twice.
 * @throws SystemError if a frame cannot be sent
 */
export async function announce({ kernel, nic }: ProbeTarget, ips: readonly Ip[]): Promise<void> {
  const { mac } = linkOf({ kernel, nic })
  if (mac === undefined) return
  const frames = announcementsOf({ from: mac, ips })
  if (frames.length === 0) return
  kernel.send(frames, { where: 'pod', name: nic })
  await new Promise(resolve => setTimeout(resolve, ANNOUNCE_GAP_MS))
  kernel.send(frames, { where: 'pod', name: nic })
}

/**
 * detect() for an IPAM; `netns` is a path. Announces the addresses if there is no finding: the main
 * plugin does not, and the kernel only announces when a link comes up. With a finding the link is
 * set down again if it was.
 * @throws NetnsError, SystemError
 */
export async function detectAlone(
  { netns, nic }: { readonly netns: string; readonly nic: string },
  asks: readonly ProbeRequest[],
): Promise<readonly Finding[]> {
  const kernel = openKernel(netns)
  const on = { kernel, nic }
  try {
    const wasUp = linkOf(on).up
    const findings = detect(on, asks)
    if (findings.length === 0)
      await announce(
        on,
        asks.map(({ ip }) => ip),
      )
    else if (!wasUp) kernel.undo(setUp(nic))
    return findings
  } finally {
    kernel.close()
  }
}
