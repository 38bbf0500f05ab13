// The IPAM: lib/ipam in this process, or an executable in CNI_PATH.
import { delegate } from '../../lib/cni/delegate.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import type { KernelAccess } from '../../lib/ipam/cni/add-del.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import type { MacvlanConf } from './config.js'

/** Types that run in this process, without CNI_PATH. */
const OWN: readonly string[] = ['spiderpool', 'spiderpool-ipam']

export interface IpamLease {
  readonly result: Result
  /** Releases what this ADD allocated. */
  undo(): Promise<void>
}

export interface Ipam {
  /** Requires the interface, without addresses. */
  claim(kernel: Kernel): Promise<IpamLease>
  release(): Promise<void>
  check(): Promise<void>
  status(): Promise<void>
  gc(): Promise<void>
}

/** The IPAM of the conf; undefined for an L2-only interface. */
export function ipamOf(call: Call<MacvlanConf>): Ipam | undefined {
  const type = call.config.ipamType
  if (type === '') return undefined
  return OWN.includes(type) ? inProcess(call) : delegated(call, type)
}

const loadOwn = () => import('../../lib/ipam/cni/add-del.js')

const kernelAccess = (kernel: Kernel, { ifName: nic, config: { unknown } }: Call<MacvlanConf>): KernelAccess => ({
  master: async of => (await import('../../lib/kernel/master-addresses.js')).masterAddresses(of),
  detect: async asks => (await import('../../lib/kernel/run-probe.js')).detect({ kernel, nic }, asks),
  owned: async ips => (await import('../../lib/kernel/pod-address-on-node.js')).podAddressesOnNode(kernel, nic, ips),
  unknown,
  host: async path => (await import('../../lib/kernel/netns-identity.js')).hostOf(path),
})

function inProcess(call: Call<MacvlanConf>): Ipam {
  const own: Call<unknown> = { ...call, config: call.config.raw }
  const { netns, ifName: nic } = call
  return {
    claim: async kernel => (await loadOwn()).ipamClaim(own, kernelAccess(kernel, call)),
    release: async () => (await loadOwn()).ipamDel(own),
    check: async () =>
      (await loadOwn()).ipamCheck(own, {
        owned: async ips => (await import('../../lib/kernel/master-addresses.js')).ownedByNode({ netns, nic }, ips),
      }),
    status: async () => (await import('../../lib/ipam/cni/status.js')).ipamStatus(own),
    gc: async () => (await import('../../lib/ipam/cni/gc.js')).ipamGc(own),
  }
}

function delegated(call: Call<MacvlanConf>, type: string): Ipam {
  const del = async (): Promise<void> => void (await delegate('DEL', type, call))
  return {
    async claim() {
      const result = (await delegate('ADD', type, call)) ?? {}
      return { result, undo: del }
    },
    release: del,
    check: async () => void (await delegate('CHECK', type, call)),
    status: async () => void (await delegate('STATUS', type, call)),
    gc: async () => void (await delegate('GC', type, call)),
  }
}
