// What the API reads besides the calls: from the agent's caches, and from the API server before
// anything is refused.
import { COORDINATOR_NAME } from '../../lib/coordinator/cluster-config.js'
import type { Pod, SpiderEndpoint } from '../../lib/crd/types.js'
import { ipamConf } from '../../lib/ipam/cni/conf.js'
import type { ObjectRef, Store } from '../../lib/ipam/store/store.js'
import type { Kube } from '../../lib/kube/client.js'
import { isNotFound } from '../../lib/kube/errors.js'
import { SPIDER_COORDINATORS } from '../../lib/kube/kinds.js'
import type { AgentStore } from './store/store.js'

export interface ObjectReader {
  /** SpiderCoordinator `default`; `undefined` where the cache has none that is believed. */
  cachedCoordinator(): object | undefined
  /** SpiderCoordinator `default`, else the first one, from the API server. */
  coordinator(): Promise<object | undefined>
  pod(ref: ObjectRef): Promise<Pod | undefined>
  endpoint(ref: ObjectRef): Promise<SpiderEndpoint | undefined>
  /** Live reads for a request about one pod, once the records behind their answers are written. */
  store(podUid: string): Promise<Store>
}

/** The reader of an agent; `live` makes a client for one request. */
export function objectReader(agent: AgentStore, live: () => Kube): ObjectReader {
  const reading = async (podUid: string): Promise<Store> => {
    const args = new Map([['K8S_POD_UID', podUid]])
    // A verb that reads live, and the timeouts that a conf without any has.
    return (await agent.connect(ipamConf({ ipam: {} }), { command: 'CHECK', env: {}, args })).store
  }
  const store = (podUid: string): Promise<Store> => agent.flush().then(() => reading(podUid))
  return {
    store,
    cachedCoordinator: () => (agent.cache.isTrusted('coordinators') ? agent.coordinator(COORDINATOR_NAME) : undefined),
    coordinator: () => coordinatorOf(live()),
    pod: async ref => {
      const cached = agent.cache.isTrusted('pods') ? agent.cache.pod(`${ref.namespace}/${ref.name}`) : undefined
      return cached ?? (await reading('')).pod(ref)
    },
    endpoint: async ref => (await store('')).endpoint(ref),
  }
}

async function coordinatorOf(kube: Kube): Promise<object | undefined> {
  try {
    return await kube.get<object>(SPIDER_COORDINATORS, { name: COORDINATOR_NAME })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  return (await kube.list<object>(SPIDER_COORDINATORS, { resourceVersion: '0' })).items[0]
}
