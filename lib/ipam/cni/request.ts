// The request of an ADD: what conf, CNI_ARGS and environment of the call ask for.
import type { Call } from '../../cni/plugin.js'
import { keysOf } from '../json-keys.js'
import type { AddRequest } from '../pod/pod-context.js'
import { requestedIpsIn, type RequestSources } from '../pod/requested-ips.js'
import type { Session } from './session.js'

const AGENT_NAMESPACE = 'kube-system'

/** Addresses of the master of an interface, for match_master_subnet. */
export type Master = (nic: {
  readonly netns: string
  readonly nic: string
}) => ReturnType<NonNullable<AddRequest['master']>>

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? keysOf(value).get(key) : undefined

/** Where a call may ask for addresses. A container's `IP=` is its own matter (pod/container.ts). */
export const requestSourcesOf = (call: Call<unknown>, container: Session['container']): RequestSources => ({
  runtimeConfigIps: fieldOf(fieldOf(call.config, 'runtimeconfig'), 'ips'),
  argsIps: fieldOf(fieldOf(fieldOf(call.config, 'args'), 'cni'), 'ips'),
  ip: container ? '' : (call.args.get('IP') ?? ''),
})

/**
 * The request of an ADD.
 * @throws Refused `wrongInput` for a requested address that does not parse
 */
export function requestOf(call: Call<unknown>, { conf, pod, podUid, container }: Session, master: Master): AddRequest {
  const { ipv4, ipv6, statefulSet, kubevirt, subnets } = conf.switches
  return {
    pod,
    podUid,
    nic: call.ifName,
    containerID: call.containerID,
    conf: { ...conf, network: call.name },
    cleanGateway: conf.cleanGateway,
    families: [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])],
    features: { statefulSet, kubevirt, subnets },
    requested: requestedIpsIn(requestSourcesOf(call, container)),
    agentNamespace: call.env['SPIDERPOOL_AGENT_NAMESPACE'] ?? AGENT_NAMESPACE,
    clusterNetwork: call.env['MULTUS_CLUSTER_NETWORK'] ?? '',
    ...(conf.matchMasterSubnet && { master: () => master({ netns: call.netns, nic: call.ifName }) }),
  }
}
