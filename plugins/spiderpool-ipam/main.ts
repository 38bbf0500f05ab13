// spiderpool-ipam: the IPAM plugin. Any main plugin calls it; which pool and which address is decided in lib/ipam, loaded when needed.
import type { Plugin } from '../../lib/cni/plugin.js'
import type { KernelAccess } from '../../lib/ipam/cni/add-del.js'
import { VERSION } from '../../lib/version.js'
import { accepts } from './config.js'

const ipam = () => import('../../lib/ipam/cni/add-del.js')

/** The pod's interface, made by a main plugin that waits for us. */
const eyes = ({ netns, ifName: nic }: { readonly netns: string; readonly ifName: string }): KernelAccess => ({
  master: async of => (await import('../../lib/kernel/master-addresses.js')).masterAddresses(of),
  detect: async asks => (await import('../../lib/kernel/run-probe.js')).detectAlone({ netns, nic }, asks),
  owned: async ips => {
    const holders = (await import('../../lib/kernel/local-addresses.js')).addressOwnersHere(ips)
    return holders.length === 0
      ? []
      : (await import('../../lib/kernel/master-addresses.js')).ownedByNode({ netns, nic }, ips)
  },
  host: async path => (await import('../../lib/kernel/netns-identity.js')).hostOf(path),
})

export const plugin: Plugin<unknown> = {
  name: 'spiderpool-ipam',
  about: `Spiderpool IPAM ${VERSION}`,
  versions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
  argKeys: ['IP', 'K8S_POD_NAME', 'K8S_POD_NAMESPACE', 'K8S_POD_INFRA_CONTAINER_ID', 'K8S_POD_UID'],
  accepts,
  add: async call => (await ipam()).ipamAdd(call, eyes(call)),
  check: async call => {
    await (await ipam()).ipamCheck(call, eyes(call))
    await (await import('./check.js')).checkInterface(call)
  },
  del: async call => (await ipam()).ipamDel(call),
  status: async call => (await import('../../lib/ipam/cni/status.js')).ipamStatus(call),
  gc: async call => (await import('../../lib/ipam/cni/gc.js')).ipamGc(call),
}
