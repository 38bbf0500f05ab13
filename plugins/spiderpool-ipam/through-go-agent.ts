// Loaded lazily: the plugin on a node whose agent is of a Go system.
import type { Plugin } from '../../lib/cni/plugin.js'
import { goCheck, goClaim, goDel, goStatus } from '../../lib/ipam/cni/go-agent.js'
import { checkInterface } from './check.js'
import { blocking } from './main.js'

/** The plugin with its verbs through a Go agent. GC is left to the controller of that system. */
export const throughGoAgent = (plugin: Plugin<unknown>, socket: string): Plugin<unknown> => ({
  ...plugin,
  add: async call => (await goClaim(call, blocking(call), socket)).result,
  check: call => {
    goCheck(call, socket)
    checkInterface(call)
  },
  del: call => goDel(call, socket),
  status: call => goStatus(call, socket),
  gc: () => undefined,
})
