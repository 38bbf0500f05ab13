// Asks a pod's link about addresses before they are used, and tells it whose they are. What is said is lib/probe; this is the doing.
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

/** <linux/if.h>: up, and with a carrier. */
const IFF_RUNNING = 0x40
/** A virtual link has its carrier at once, a card after it has talked to its switch. Probes into a dead line would prove nothing. */
const CARRIER_MS_MAX = 3000
const CARRIER_PAUSE_MS = 10
/** RFC 5227 §1.1 announces twice, two seconds apart; a pod waits for this. */
const ANNOUNCE_GAP_MS = 20

/** An interface of the pod's namespace. */
export interface ProbeTarget {
  readonly kernel: Kernel
  readonly nic: string
}

/**
 * What is wrong with the addresses that the interface shall get; nothing where all is well. Sets it up, and leaves it so. All addresses at
 * once, in about 200 ms, and up to 500 where a gateway does not answer. Throws SystemError where the kernel refuses, and for no interface.
 */
export function detect({ kernel, nic }: ProbeTarget, asks: readonly ProbeRequest[]): readonly Finding[] {
  const link = upAndRunning({ kernel, nic })
  if (link.mac === undefined) return [] // no Ethernet: nobody could be asked
  const socket = kernel.packetSocket({ where: 'pod', name: nic })
  for (const group of groupsOf(asks)) socket.join(macBytes(group))
  const nowMs = (): number => performance.now()
  const talk = { send: socket.send, receive: socket.receive, nowMs }
  return exchange(begin({ own: link.mac, asks, nowMs: nowMs() }), talk)
}

/** Answers to a question from nobody go to all nodes; whoever looks for a duplicate of the same address asks its group (RFC 4862 §5.4). */
const groupsOf = (asks: readonly ProbeRequest[]): readonly Mac[] => {
  const six = asks.filter(({ ip }) => familyOf(ip) === 6)
  return six.length === 0 ? [] : [ALL_NODES, ...six.map(({ ip }) => solicitedNodeOf(ip))].map(multicastMac)
}

function linkOf({ kernel, nic }: ProbeTarget): ObservedLink {
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

const setUp = (name: string): Step => ({ verb: 'setUp', where: 'pod', name, was: false })

/** Tells the link whose these addresses are, twice. Throws SystemError where a frame cannot be sent. */
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
 * The same for an IPAM under a main plugin that knows nothing of it. The addresses are announced right away: nobody does it later, since
 * the link is up by then. Where something is wrong the link is left as it was. `netns` is a path. Throws NetnsError too.
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
