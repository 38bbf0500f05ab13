// What the installation is set to: environment of its Deployment and DaemonSet, and conf.yml.
import { AGENT, LABEL_COMPONENT } from '../../lib/crd/names.js'
import { CONFIGMAPS, DAEMONSETS, type Kind } from '../../lib/kube/kinds.js'
import type { Cluster } from './cluster.js'

interface Workload {
  readonly metadata: { readonly name: string; readonly namespace?: string }
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

export interface Installed {
  readonly namespace: string
  readonly name: string
  /** Variables with a literal value. */
  readonly env: Readonly<Record<string, string>>
}

/** Of the manifests and of the chart's default. */
export const INSTALLED_NAMESPACE = 'kube-system'
/** Has conf.yml. */
export const CONFIGMAP = 'spiderpool-conf'

/** The first workload of this kind with the component's label; undefined without one. */
export async function installed(cluster: Cluster, kind: Kind, component: string): Promise<Installed | undefined> {
  const labelSelector = `${LABEL_COMPONENT}=${component}`
  const [found] = (await cluster.ifAllowed(kind, cluster.all<Workload>(kind, { labelSelector }))) ?? []
  if (!found) return undefined
  const env = (found.spec?.template?.spec?.containers ?? []).flatMap(container => container.env ?? [])
  const literal = env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const]))
  const { name, namespace = INSTALLED_NAMESPACE } = found.metadata
  return { name, namespace, env: Object.fromEntries(literal) }
}

/** The text of conf.yml in the namespace of the installation; '' where it is not to be had. */
export async function confText(cluster: Cluster, namespace = INSTALLED_NAMESPACE): Promise<string> {
  const ref = { namespace, name: CONFIGMAP }
  type ConfigMap = { readonly data?: Readonly<Record<string, string>> }
  const map = await cluster.ifAllowed(CONFIGMAPS, cluster.find<ConfigMap>(CONFIGMAPS, ref))
  return map?.data?.['conf.yml'] ?? ''
}

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
  const agent = await installed(cluster, DAEMONSETS, AGENT)
  const agentNamespace = agent?.namespace ?? INSTALLED_NAMESPACE
  return {
    ...{ agentNamespace, clusterNetwork: agent?.env['MULTUS_CLUSTER_NETWORK'] ?? '', hasAgents: agent !== undefined },
    switches: switchesOf(await confText(cluster, agentNamespace)),
  }
}

/** The lines `key: true` and `key: false` of conf.yml, which is flat. */
const switchesOf = (text: string): Readonly<Record<string, boolean>> =>
  Object.fromEntries(
    [...text.matchAll(/^(\w+):\s*(true|false)\s*$/gm)].map(([, key = '', value]) => [key, value === 'true']),
  )
