// Which pods and DaemonSets are Go's agents, which allocate by status.allocatedIPs alone. Pure.
import type { ObjectMeta } from './meta.js'
import { AGENT, IMPLEMENTATION, LABEL_COMPONENT, LABEL_IMPLEMENTATION } from './names.js'

interface Container {
  readonly name?: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
}

/** What tells agents from other pods; a template's metadata may be missing. */
export interface AgentPod {
  readonly metadata?: Pick<ObjectMeta, 'labels' | 'ownerReferences'>
  readonly spec?: { readonly containers?: readonly Container[] }
}

export interface AgentDaemonSet {
  readonly metadata: Pick<ObjectMeta, 'name' | 'labels'>
  readonly spec?: { readonly template?: AgentPod }
}

const isOurs = ({ metadata }: AgentPod): boolean => metadata?.labels?.[LABEL_IMPLEMENTATION] === IMPLEMENTATION

/** Go's chart gives the container the name of the executable, and the executable as its command. */
const runsAgent = ({ name, command = [], args = [] }: Container): boolean =>
  name === AGENT || [command[0], args[0]].some(word => word?.split('/').at(-1) === AGENT)

const isAgent = ({ metadata, spec }: AgentPod): boolean =>
  metadata?.labels?.[LABEL_COMPONENT] === AGENT ||
  (metadata?.ownerReferences ?? []).some(({ kind, name }) => kind === 'DaemonSet' && name === AGENT) ||
  (spec?.containers ?? []).some(runsAgent)

/**
 * True for a pod of the Go system's agent, under any name of its DaemonSet. Each pod decides for
 * itself: during `helm upgrade` one DaemonSet has agents of both systems.
 */
export const isGoAgent = (pod: AgentPod): boolean => isAgent(pod) && !isOurs(pod)

/**
 * True for a DaemonSet whose next pods are Go agents. It is seen before the first of its pods
 * starts; pods of an earlier template count by themselves.
 */
export const isGoAgentSet = ({ metadata, spec: { template = {} } = {} }: AgentDaemonSet): boolean =>
  !isOurs(template) && (metadata.name === AGENT || metadata.labels?.[LABEL_COMPONENT] === AGENT || isAgent(template))
