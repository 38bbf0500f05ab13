// coordinator, chained after the main plugin: routes between pod and node, to Services, and by
// several NICs.
//   stdin JSON -> accepts -> settings -> observe -> plan -> apply -> prevResult -> stdout JSON
import type { Plugin } from '../../lib/cni/plugin.js'
import { VERSION } from '../../lib/version.js'
import { accepts, type CoordinatorConf } from './config.js'

const verbs = () => import('./verbs.js')

export const plugin: Plugin<CoordinatorConf> = {
  name: 'coordinator',
  about: `Coordinator ${VERSION}`,
  versions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
  argKeys: ['K8S_POD_NAME', 'K8S_POD_NAMESPACE', 'K8S_POD_INFRA_CONTAINER_ID', 'K8S_POD_UID'],
  accepts,
  add: async call => (await verbs()).add(call),
  check: async call => (await verbs()).check(call),
  del: async call => (await verbs()).del(call),
  status: async call => (await verbs()).status(call),
  plan: async (call, format) => (await import('./dry-run.js')).dryRun(call, format),
}
