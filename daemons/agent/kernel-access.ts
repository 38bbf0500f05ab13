// What the allocator observes of node and pod, from the agent: nothing waits in a system call, for
// other calls are served meanwhile.
import type { KernelAccess } from '../../lib/ipam/cni/add-del.js'
import { addressOwnersHere } from '../../lib/kernel/address-owners.js'
import { masterAddresses, ownedByNode } from '../../lib/kernel/master-addresses.js'
import { hostOf } from '../../lib/kernel/netns-identity.js'
import { detectAsync } from '../../lib/kernel/run-probe-async.js'

/** The kernel of a call's interface. The agent is in the network namespace of its node. */
export const agentKernel = ({
  netns,
  ifName: nic,
}: {
  readonly netns: string
  readonly ifName: string
}): KernelAccess => ({
  master: of => Promise.resolve(of).then(masterAddresses),
  detect: asks => detectAsync({ netns, nic }, asks),
  owned: ips =>
    Promise.resolve(ips).then(all => (addressOwnersHere(all).length === 0 ? [] : ownedByNode({ netns, nic }, all))),
  host: path => Promise.resolve(path).then(hostOf),
})
