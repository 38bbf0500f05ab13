// The IPAM: the node agent or lib/ipam in this process, or an executable in CNI_PATH.
import { delegate } from '../../lib/cni/delegate.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { UnexecutedCall } from '../../lib/agent/hand-over.js'
import type { Connect, KernelAccess, NodeAddressLookup } from '../../lib/ipam/cni/add-del.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import { handedOf, leaseOf, outputOf, type IpamLease } from './agent.js'
import type { MacvlanConf } from './config.js'

/** Types that need no executable in CNI_PATH. */
const OWN: readonly string[] = ['spiderpool', 'spiderpool-ipam']

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
  return OWN.includes(type) ? ownIpam(call) : delegated(call, type)
}

const loadOwn = () => import('../../lib/ipam/cni/add-del.js')
const loadGo = () => import('../../lib/ipam/cni/go-agent.js')

const kernelAccess = (kernel: Kernel, { ifName: nic, config: { unknown } }: Call<MacvlanConf>): KernelAccess => ({
  master: async of => (await import('../../lib/kernel/master-addresses.js')).masterAddresses(of),
  detect: async asks => (await import('../../lib/kernel/run-probe.js')).detect({ kernel, nic }, asks),
  owned: async ips => (await import('../../lib/kernel/pod-address-on-node.js')).podAddressesOnNode(kernel, nic, ips),
  unknown,
  host: async path => (await import('../../lib/kernel/netns-identity.js')).hostOf(path),
})

const connectOf = async (handed: UnexecutedCall): Promise<Connect> =>
  (await import('../../lib/ipam/cni/without-agent.js')).connectWithout(handed)

/** Executed by the node agent where its socket answers, else in this process. */
function ownIpam(call: Call<MacvlanConf>): Ipam {
  const own: Call<unknown> = { ...call, config: call.config.raw }
  const { netns, ifName: nic } = call
  const owned: NodeAddressLookup = async ips =>
    (await import('../../lib/kernel/master-addresses.js')).ownedByNode({ netns, nic }, ips)
  return {
    async claim(kernel) {
      const handed = await handedOf(call)
      if (handed.kind === 'executed') return leaseOf(handed, call)
      const access = kernelAccess(kernel, call)
      if (handed.kind === 'go') return (await loadGo()).goClaim(own, access, handed.socket)
      return (await loadOwn()).ipamClaim(own, access, await connectOf(handed))
    },
    async release() {
      const handed = await handedOf(call)
      if (handed.kind === 'executed') return void outputOf(handed)
      if (handed.kind === 'go') return (await loadGo()).goDel(own, handed.socket)
      await (await loadOwn()).ipamDel(own, await connectOf(handed))
    },
    async check() {
      const handed = await handedOf(call)
      if (handed.kind === 'executed') return void outputOf(handed)
      if (handed.kind === 'go') return (await loadGo()).goCheck(own, handed.socket)
      await (await loadOwn()).ipamCheck(own, { owned }, await connectOf(handed))
    },
    async status() {
      const handed = await handedOf(call)
      if (handed.kind === 'executed') return void outputOf(handed)
      if (handed.kind === 'go') return (await loadGo()).goStatus(own, handed.socket)
      await (await import('../../lib/ipam/cni/status.js')).ipamStatus(own, await connectOf(handed))
    },
    async gc() {
      const handed = await handedOf(call)
      if (handed.kind === 'executed') return void outputOf(handed)
      if (handed.kind === 'go') return
      await (await import('../../lib/ipam/cni/gc.js')).ipamGc(own, await connectOf(handed))
    },
  }
}

function delegated(call: Call<MacvlanConf>, type: string): Ipam {
  const del = async (): Promise<void> => void (await delegate('DEL', type, call))
  return {
    async claim() {
      const result = (await delegate('ADD', type, call)) ?? {}
      return { result, undo: del }
    },
    release: () => del(),
    check: async () => void (await delegate('CHECK', type, call)),
    status: async () => void (await delegate('STATUS', type, call)),
    gc: async () => void (await delegate('GC', type, call)),
  }
}
