// Pod addresses that the node has itself. No probe finds them: a macvlan and its parent do not see
// each other.
import type { Ip } from '../ip/address.js'
import { macFromBytes, type Mac } from '../ip/mac.js'
import { linkNamed } from '../plan/state.js'
import type { Kernel } from './kernel.js'

/** An address that link `link` of the node has, and the MAC that the node answers with. */
export interface PodAddressOnNode {
  readonly ip: Ip
  readonly link: string
  readonly mac: Mac
}

type Reads = Pick<Kernel, 'holders' | 'observe'>

/**
 * Those of these addresses of the pod's interface `nic` that the node has.
 * @throws NetlinkError
 */
export function podAddressesOnNode(kernel: Reads, nic: string, ips: readonly Ip[]): readonly PodAddressOnNode[] {
  const holders = kernel.holders(ips)
  if (holders.length === 0) return []
  return holders.map(({ mac, ...holder }) => ({ ...holder, mac: mac ?? macBehind(kernel, nic) }))
}

/** For an address on `lo` the node answers with the MAC of the receiving link (arp_ignore 0). */
function macBehind(kernel: Reads, nic: string): Mac {
  const link = linkNamed(kernel.observe({ pod: { links: [nic] } }).pod, nic)
  const behind =
    link?.parent !== undefined && link.parentElsewhere
      ? kernel.observe({ node: { links: [link.parent] } }).node.links[0]
      : undefined
  return behind?.mac ?? macFromBytes(new Uint8Array(6))
}
