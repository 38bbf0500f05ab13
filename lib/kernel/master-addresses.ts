// For an IPAM: addresses of a pod's interface and of its master on the node. Reads only.
import { readdirSync } from 'node:fs'
import type { Ip } from '../ip/address.js'
import type { Prefix } from '../ip/cidr.js'
import { linkNamed } from '../plan/state.js'
import { openKernel } from './kernel.js'
import { podAddressesOnNode, type PodAddressOnNode } from './pod-address-on-node.js'

export type MasterAddresses = readonly Ip[] | { readonly unknown: string }

/** Interface `nic` in the namespace at path `netns`. */
export interface NicRef {
  readonly netns: string
  readonly nic: string
}

const PCI_DEVICES = '/sys/bus/pci/devices'

/**
 * Addresses of the node's link behind the interface: its lower device or its physical function;
 * `unknown` says why there is none.
 * @throws NetnsError
 */
export function masterAddresses({ netns, nic }: NicRef): MasterAddresses {
  const kernel = openKernel(netns)
  try {
    const link = linkNamed(kernel.observe({ pod: { links: [nic] } }).pod, nic)
    if (!link) return { unknown: `the pod has no interface ${nic} yet` }
    const name = link.device === undefined ? undefined : physicalFunctionOf(link.device)
    const { node } = kernel.observe({ node: { links: name === undefined ? 'all' : [name] } })
    const master = node.links.find(one => (name === undefined ? one.index === link.parent : one.name === name))
    if (!master || (name === undefined && !link.parentElsewhere))
      return { unknown: `interface ${nic} has no master on the node` }
    return kernel.observe({ node: { addressesOn: master.name } }).node.addresses.map(({ address }) => address.ip)
  } finally {
    kernel.close()
  }
}

/**
 * The addresses of an interface; undefined if it does not exist.
 * @throws NetnsError
 */
export function addressesOf({ netns, nic }: NicRef): readonly Prefix[] | undefined {
  const kernel = openKernel(netns)
  try {
    const { pod } = kernel.observe({ pod: { links: [nic], addressesOn: nic } })
    return linkNamed(pod, nic) && pod.addresses.map(({ address }) => address)
  } finally {
    kernel.close()
  }
}

/**
 * Those of these addresses that the node has itself.
 * @throws NetnsError, NetlinkError
 */
export function ownedByNode({ netns, nic }: NicRef, ips: readonly Ip[]): readonly PodAddressOnNode[] {
  const kernel = openKernel(netns)
  try {
    return podAddressesOnNode(kernel, nic, ips)
  } finally {
    kernel.close()
  }
}

/**
 * A virtual function has a link `physfn`, which has a folder `net` (Documentation/ABI
 * sysfs-bus-pci).
 */
function physicalFunctionOf(device: string): string | undefined {
  try {
    return readdirSync(`${PCI_DEVICES}/${device}/physfn/net`)[0]
  } catch {
    return undefined // no virtual function
  }
}
