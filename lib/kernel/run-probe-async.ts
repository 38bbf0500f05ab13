// detectAlone() of run-probe.ts for a process that serves others meanwhile: nothing here waits in a
// system call.
import { macBytes } from '../ip/mac.js'
import type { ObservedLink } from '../plan/state.js'
import { begin, type Finding, type ProbeRequest } from '../probe/detect.js'
import { exchangeAsync } from '../probe/exchange.js'
import { openKernel } from './kernel.js'
import {
  announce,
  CARRIER_MS_MAX,
  CARRIER_PAUSE_MS,
  groupsOf,
  IFF_RUNNING,
  linkOf,
  setUp,
  type ProbeTarget,
} from './run-probe.js'

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/**
 * Probes the addresses on an interface of the namespace at the path `netns` and announces them if
 * there is no finding. With a finding the link is set down again if it was.
 * @throws NetnsError, SystemError
 */
export async function detectAsync(
  { netns, nic }: { readonly netns: string; readonly nic: string },
  asks: readonly ProbeRequest[],
): Promise<readonly Finding[]> {
  const kernel = openKernel(netns)
  const on = { kernel, nic }
  try {
    const wasUp = linkOf(on).up
    const findings = await probe(on, asks)
    const ips = asks.map(({ ip }) => ip)
    if (findings.length === 0) await announce(on, ips)
    else if (!wasUp) kernel.undo(setUp(nic))
    return findings
  } finally {
    kernel.close()
  }
}

/** As detect() of run-probe.ts. Sets the interface up. @throws SystemError */
export async function probe(on: ProbeTarget, asks: readonly ProbeRequest[]): Promise<readonly Finding[]> {
  const { mac } = await running(on)
  if (mac === undefined) return [] // not Ethernet
  const socket = on.kernel.packetSocket({ where: 'pod', name: on.nic })
  for (const group of groupsOf(asks)) socket.join(macBytes(group))
  const nowMs = (): number => performance.now()
  const channel = { send: socket.send, receive: socket.receive, nowMs }
  return exchangeAsync(begin({ own: mac, asks, nowMs: nowMs() }), channel, sleep)
}

/** The interface, up; with carrier, as long as a physical link takes for it. */
async function running(on: ProbeTarget): Promise<ObservedLink> {
  const deadline = performance.now() + CARRIER_MS_MAX
  if (!linkOf(on).up) on.kernel.apply(setUp(on.nic))
  for (;;) {
    const link = linkOf(on)
    if ((link.flags & IFF_RUNNING) !== 0 || performance.now() >= deadline) return link
    await sleep(CARRIER_PAUSE_MS)
  }
}
