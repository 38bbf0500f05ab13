// macvlan-wrapper: a pod's macvlan on an interface of the node, as the reference macvlan plugin.
//   stdin JSON -> accepts -> plan -> apply -> resultOf -> stdout JSON
import type { Plugin } from '../../lib/cni/plugin.js'
import { VERSION } from '../../lib/version.js'
import { accepts, type MacvlanConf } from './config.js'

const verbs = () => import('./verbs.js')

export const plugin: Plugin<MacvlanConf> = {
  name: 'macvlan-wrapper',
  about: `CNI macvlan plugin ${VERSION}`,
  versions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
  argKeys: ['MAC'],
  accepts,
  add: async call => (await verbs()).add(call),
  check: async call => (await verbs()).check(call),
  del: async call => (await verbs()).del(call),
  status: async call => (await verbs()).status(call),
  gc: async call => (await verbs()).gc(call),
  plan: async (call, format) => (await import('./dry-run.js')).dryRun(call, format),
}
