// ifacer: creates the VLAN sub-interface and the bond that the next plugin names as its master.
//   stdin JSON -> accepts -> observe -> plan -> apply -> prevResult -> stdout JSON
import type { Plugin } from '../../lib/cni/plugin.js'
import { VERSION } from '../../lib/version.js'
import { accepts, type IfacerConf } from './config.js'

const verbs = () => import('./verbs.js')
const wantsLinks = ({ bond, vlan }: IfacerConf): boolean => (bond ?? vlan) !== undefined

export const plugin: Plugin<IfacerConf> = {
  name: 'ifacer',
  about: `Subvlan ${VERSION}`,
  versions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
  argKeys: ['K8S_POD_NAME', 'K8S_POD_NAMESPACE', 'K8S_POD_INFRA_CONTAINER_ID', 'K8S_POD_UID'],
  accepts,
  add: async call => {
    if (wantsLinks(call.config)) return (await verbs()).add(call)
    return call.config.unknown.length > 0 ? (await verbs()).addNone(call) : (call.prevResult ?? {})
  },
  check: async call => (wantsLinks(call.config) ? (await verbs()).check(call) : undefined),
  del: async call => (await verbs()).del(call),
  status: async call => (await verbs()).status(call),
  gc: async call => (await verbs()).gc(call),
  plan: async (call, format) => (await import('./dry-run.js')).dryRun(call, format),
}
