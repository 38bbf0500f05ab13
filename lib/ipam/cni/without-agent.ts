// Loaded lazily: the store of a call that no agent has executed.
import { existsSync } from 'node:fs'
import type { UnexecutedCall } from '../../agent/hand-over.js'
import { neitherWay } from '../../agent/socket.js'
import { CniError } from '../../cni/error.js'
import { kubeconfigPaths } from '../../kube/entry.js'
import { connectStore, type Connect } from './connect.js'

/**
 * The Store on the API server, if there is a kubeconfig.
 * @throws CniError 11 with socket and kubeconfigs where there is none; 7 for a socket that the conf
 *   may not name
 */
export const connectWithout =
  (handed: UnexecutedCall): Connect =>
  async (conf, call) => {
    if (handed.kind === 'refused') throw handed.error
    const paths = kubeconfigPaths(conf.kubeconfig, call.env)
    // A kubeconfig that the conf names is looked at only where the administrator allows it.
    if (conf.kubeconfig !== undefined || paths.some(path => existsSync(path))) return connectStore(conf, call)
    throw new CniError('tryAgain', neitherWay(handed, paths))
  }
