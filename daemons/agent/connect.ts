// Where calls get their Store and the API its objects: the agent's own client.
import { deadlineOf } from '../../lib/cni/conf.js'
import type { Pod, SpiderEndpoint } from '../../lib/crd/types.js'
import { COORDINATOR_NAME } from '../../lib/coordinator/cluster-config.js'
import type { Connect } from '../../lib/ipam/cni/session.js'
import { kubeStore } from '../../lib/ipam/store/kube.js'
import type { ObjectRef, Store } from '../../lib/ipam/store/store.js'
import type { Kube } from '../../lib/kube/client.js'
import { isNotFound } from '../../lib/kube/errors.js'
import { SPIDER_COORDINATORS } from '../../lib/kube/kinds.js'
import type { Deadline } from '../../lib/kube/request.js'

/** What the API reads besides the calls. */
export interface ObjectReader {
  /** SpiderCoordinator `default`, else the first one. */
  coordinator(): Promise<object | undefined>
  pod(ref: ObjectRef): Promise<Pod | undefined>
  endpoint(ref: ObjectRef): Promise<SpiderEndpoint | undefined>
}

/** The sources of one agent. */
export interface AgentSources {
  readonly connect: Connect
  readonly read: ObjectReader
  readonly store: Store
  /** What has not been listed yet; empty once a call needs no wait. */
  missing(): readonly string[]
  /** Keeps caches current until the signal. */
  run(signal: AbortSignal): Promise<void>
}

/** A request of the API that no call's deadline bounds. */
const READ_DEADLINE: Deadline = { ms: 20_000, of: 'the agent' }

/** Every read goes to the API server. `open` makes a client; it bounds requests by a deadline. */
export function directSources(open: (deadline?: Deadline) => Kube): AgentSources {
  const connect: Connect = (conf, { command }) => {
    const kube = open(deadlineOf(command, conf.timeouts, 'ipam.timeouts'))
    const cost = () => ({ requests: kube.requests, sent: kube.bytes.sent, received: kube.bytes.received })
    return Promise.resolve({ store: kubeStore(kube), cost })
  }
  const reading = (): Store => kubeStore(open(READ_DEADLINE))
  return {
    connect,
    store: kubeStore(open()),
    read: {
      coordinator: () => coordinatorOf(open(READ_DEADLINE)),
      pod: ref => reading().pod(ref),
      endpoint: ref => reading().endpoint(ref),
    },
    missing: () => [],
    run: () => Promise.resolve(),
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
