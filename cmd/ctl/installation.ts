// Where Spiderpool is installed, and its settings, as far as the API server says.
import { AGENT, LABEL_COMPONENT } from '../../lib/crd/names.js'
import { CONFIGMAPS, DAEMONSETS } from '../../lib/kube/kinds.js'
import type { Cluster } from './cluster.js'

interface DaemonSet {
  readonly metadata: { readonly namespace?: string }
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly {
          readonly env?: readonly { readonly name: string; readonly value?: string }[]
        }[]
      }
    }
  }
}

const INSTALLED_NAMESPACE = 'kube-system'
const CONFIGMAP = 'spiderpool-conf'

export interface InstalledSettings {
  readonly agentNamespace: string
  /** MULTUS_CLUSTER_NETWORK of the agents; '' where it is not set. */
  readonly clusterNetwork: string
  /** Of ConfigMap spiderpool-conf. */
  readonly switches: Readonly<Record<string, boolean>>
  /** Whether there is a DaemonSet of agents. */
  readonly hasAgents: boolean
}

/** Namespace, default network and switches of the installation; defaults without an agent. */
export async function installation(cluster: Cluster): Promise<InstalledSettings> {
  const labelSelector = `${LABEL_COMPONENT}=${AGENT}`
  const sets = await cluster.ifAllowed(DAEMONSETS, cluster.all<DaemonSet>(DAEMONSETS, { labelSelector }))
  const agent = sets?.[0]
  const agentNamespace = agent?.metadata.namespace ?? INSTALLED_NAMESPACE
  const env = (agent?.spec?.template?.spec?.containers ?? []).flatMap(container => container.env ?? [])
  const clusterNetwork = env.find(one => one.name === 'MULTUS_CLUSTER_NETWORK')?.value ?? ''
  const ref = { namespace: agentNamespace, name: CONFIGMAP }
  const map = await cluster.ifAllowed(
    CONFIGMAPS,
    cluster.find<{ readonly data?: Readonly<Record<string, string>> }>(CONFIGMAPS, ref),
  )
  return {
    ...{ agentNamespace, clusterNetwork, hasAgents: agent !== undefined },
    switches: switchesOf(map?.data?.['conf.yml'] ?? ''),
  }
}

/** The lines `key: true` and `key: false` of conf.yml, which is flat. */
const switchesOf = (text: string): Readonly<Record<string, boolean>> =>
  Object.fromEntries(
    [...text.matchAll(/^(\w+):\s*(true|false)\s*$/gm)].map(([, key = '', value]) => [key, value === 'true']),
  )
