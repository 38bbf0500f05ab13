// spiderpool-ipam: the IPAM plugin, a delegate of any main plugin. lib/ipam, loaded on demand,
// allocates.
import type { Call, Plugin } from '../../lib/cni/plugin.js'
import type { Connect, IpamClaim, KernelAccess } from '../../lib/ipam/cni/add-del.js'
import { VERSION } from '../../lib/version.js'
import { ipamConf } from '../../lib/ipam/cni/conf.js'

const ipam = () => import('../../lib/ipam/cni/add-del.js')

/** What the allocator observes of node and pod; the main plugin has created the interface. */
export const blocking = ({
  netns,
  ifName: nic,
}: {
  readonly netns: string
  readonly ifName: string
}): KernelAccess => ({
  master: async of => (await import('../../lib/kernel/master-addresses.js')).masterAddresses(of),
  detect: async asks => (await import('../../lib/kernel/run-probe.js')).detectAlone({ netns, nic }, asks),
  owned: async ips => {
    const owners = (await import('../../lib/kernel/address-owners.js')).addressOwnersHere(ips)
    return owners.length === 0
      ? []
      : (await import('../../lib/kernel/master-addresses.js')).ownedByNode({ netns, nic }, ips)
  },
  host: async path => (await import('../../lib/kernel/netns-identity.js')).hostOf(path),
})

/** What the node agent replaces; an executable has the defaults. */
export interface IpamPluginOptions {
  /** In the agent nothing may block the event loop. */
  readonly kernelAccess?: (call: Call<unknown>) => KernelAccess
  /** Gets what an ADD allocated, with its undo, before the result is returned. */
  readonly onClaim?: (claim: IpamClaim) => void
}

/**
 * The plugin; `connect` is where the Store of a call comes from, by default the API server. Conf
 * and environment are read from the call alone, never from this process.
 */
export function ipamPlugin(
  connect?: Connect,
  { kernelAccess = blocking, onClaim }: IpamPluginOptions = {},
): Plugin<unknown> {
  return {
    name: 'spiderpool-ipam',
    about: `Spiderpool IPAM ${VERSION}`,
    versions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
    argKeys: ['IP', 'K8S_POD_NAME', 'K8S_POD_NAMESPACE', 'K8S_POD_INFRA_CONTAINER_ID', 'K8S_POD_UID'],
    // Validation only: add-del.js parses `ipam` itself, for every main plugin alike.
    accepts: raw => {
      ipamConf(raw)
      return raw
    },
    add: async call => {
      const claim = await (await ipam()).ipamClaim(call, kernelAccess(call), connect)
      onClaim?.(claim)
      return claim.result
    },
    check: async call => {
      await (await ipam()).ipamCheck(call, kernelAccess(call), connect)
      await (await import('./check.js')).checkInterface(call)
    },
    del: async call => (await ipam()).ipamDel(call, connect),
    status: async call => (await import('../../lib/ipam/cni/status.js')).ipamStatus(call, connect),
    gc: async call => (await import('../../lib/ipam/cni/gc.js')).ipamGc(call, connect),
  }
}

export const plugin: Plugin<unknown> = ipamPlugin()
