// Which CIDRs the cluster's pods and Services have: from kubeadm, the controller-manager, Calico, Cilium. Pure; texts in, a status out.
import type { ObjectMeta } from '../../../lib/crd/types.js'
import { parsePrefix } from '../../../lib/ip/cidr.js'

export interface CoordinatorStatus {
  readonly phase: 'Synced' | 'NotReady'
  readonly reason?: string
  readonly overlayPodCIDR: readonly string[]
  readonly serviceCIDR: readonly string[]
}

export interface ConfigMap {
  readonly metadata: ObjectMeta
  readonly data?: Readonly<Record<string, string>>
}

export interface CommandPod {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly containers?: readonly { readonly command?: readonly string[]; readonly args?: readonly string[] }[]
  }
}

export interface ServiceCidr {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly cidrs?: readonly string[] }
}

/** crd.projectcalico.org/v1 IPPool. */
export interface CalicoPool {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly cidr?: string; readonly disabled?: boolean }
}

/** cilium.io/v2alpha1 CiliumPodIPPool. */
export interface CiliumPool {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly ipv4?: { readonly cidrs?: readonly string[] }
    readonly ipv6?: { readonly cidrs?: readonly string[] }
  }
}

/** Objects of a kind that a cluster need not have, or that we may not list. */
export type Listed<T> = readonly T[] | 'absent' | 'forbidden'

export interface Found {
  readonly type: string
  /** Files of the CNI conf folder, for type `auto`; or why it cannot be read. */
  readonly cniFiles: readonly { readonly name: string; readonly text: string }[] | { readonly error: string }
  readonly kubeadm: ConfigMap | undefined
  readonly controllerManagers: readonly CommandPod[]
  /** `undefined` where no version of the API is served. */
  readonly serviceCidrs: readonly ServiceCidr[] | undefined
  readonly calico: Listed<CalicoPool>
  readonly cilium: ConfigMap | undefined
  readonly ciliumPools: Listed<CiliumPool>
  /** Go on where nobody says the cluster's CIDRs, if the type does not need them. Off: not ready, as users know it. */
  readonly toleratesUnknown: boolean
}

export const NO_CONTROLLER_MANAGER = 'No kube-controller-manager pod found, unable to get clusterCIDR'

interface Cidrs {
  readonly pods: readonly string[]
  readonly services: readonly string[]
}

const valid = (texts: readonly string[]): readonly string[] =>
  texts.map(text => text.trim().replace(/^["']|["']$/g, '')).filter(text => parsePrefix(text) !== undefined)

/** ClusterConfiguration is YAML in a string; two keys of it are all that is asked. */
export function fromKubeadm(map: ConfigMap | undefined): Cidrs {
  const text = map?.data?.['ClusterConfiguration'] ?? ''
  const list = (key: string): readonly string[] =>
    valid((new RegExp(`${key}:\\s*(\\S+)`).exec(text)?.[1] ?? '').split(','))
  return { pods: list('podSubnet'), services: list('serviceSubnet') }
}

/** `--flag=value` or `--flag value`, as words of their own or within one (`sh -c "…"`); in the command first. */
export function fromControllerManager({ spec }: CommandPod): Cidrs {
  const { command = [], args = [] } = spec?.containers?.[0] ?? {}
  const wordsOf = (texts: readonly string[]): readonly string[] => texts.flatMap(text => text.trim().split(/\s+/))
  const flag = (name: string): readonly string[] => {
    for (const words of [command, args].map(wordsOf)) {
      const at = words.findIndex(word => word === name || word.startsWith(`${name}=`))
      const value = words[at] === name ? words[at + 1] : words[at]?.slice(name.length + 1)
      if (at >= 0 && value !== undefined) return valid(value.split(','))
    }
    return []
  }
  return { pods: flag('--cluster-cidr'), services: flag('--service-cluster-ip-range') }
}

/** The cluster's own network, from the first conf that a container runtime would take. */
export function typeOfConf(files: readonly { readonly name: string; readonly text: string }[]): string {
  const [first] = files
    .filter(({ name }) => /\.(conf|conflist)$/.test(name) && !name.includes('00-multus'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  switch (first && networkName(first.text)) {
    case 'calico':
    case 'k8s-pod-network':
      return 'calico'
    case 'cilium':
      return 'cilium'
    case 'flannel':
      return 'cluster'
    default:
      return 'none'
  }
}

function networkName(text: string): unknown {
  try {
    const conf: unknown = JSON.parse(text)
    return typeof conf === 'object' && conf !== null && 'name' in conf ? conf.name : undefined
  } catch {
    return undefined // not JSON: nobody's network
  }
}

const notReady = (reason: string, serviceCIDR: readonly string[] = []): CoordinatorStatus => ({
  phase: 'NotReady',
  reason,
  overlayPodCIDR: [],
  serviceCIDR,
})

const byAge = <T extends { readonly metadata: ObjectMeta }>(objects: readonly T[]): readonly T[] =>
  objects
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))

export function statusOf(found: Found): CoordinatorStatus {
  const { cniFiles } = found
  if (found.type === 'auto' && 'error' in cniFiles) return notReady(cniFiles.error)
  const type = found.type === 'auto' && !('error' in cniFiles) ? typeOfConf(cniFiles) : found.type
  const cidrs = clusterCidrs(found, type)
  if (typeof cidrs === 'string') return notReady(cidrs)
  const objects = byAge(found.serviceCidrs ?? []).flatMap(({ spec }) => spec?.cidrs ?? [])
  const serviceCIDR = objects.length > 0 ? objects : cidrs.services
  const pods = podCidrs(type, found, cidrs)
  if ('error' in pods) return notReady(pods.error, serviceCIDR)
  return { phase: 'Synced', overlayPodCIDR: pods.cidrs, serviceCIDR }
}

/** What kubeadm or the controller-manager says, whatever the type is; or why nobody says it. */
function clusterCidrs(found: Found, type: string): Cidrs | string {
  const said = fromKubeadm(found.kubeadm)
  if (said.pods.length > 0 && said.services.length > 0) return said
  const [pod] = byAge(found.controllerManagers)
  if (pod) return fromControllerManager(pod)
  const isKnown = type !== 'cluster' && found.serviceCidrs !== undefined && found.serviceCidrs.length > 0
  return found.toleratesUnknown && isKnown ? said : NO_CONTROLLER_MANAGER
}

type Pods = { readonly cidrs: readonly string[] } | { readonly error: string }

function podCidrs(type: string, found: Found, { pods }: Cidrs): Pods {
  switch (type) {
    case 'cluster':
      return { cidrs: pods }
    case 'calico':
      return fromCalico(found.calico)
    case 'cilium':
      return fromCilium(found, pods)
    default:
      return { cidrs: [] }
  }
}

const FORBIDDEN = 'may not be listed (403): allow the controller get, list and watch'

function fromCalico(pools: Found['calico']): Pods {
  if (pools === 'absent')
    return { error: 'podCIDRType is calico, and the cluster has no ippools.crd.projectcalico.org' }
  if (pools === 'forbidden') return { error: `ippools.crd.projectcalico.org ${FORBIDDEN}` }
  const enabled = byAge(pools).filter(({ spec }) => spec?.disabled !== true)
  return { cidrs: enabled.flatMap(({ spec }) => spec?.cidr ?? []) }
}

function fromCilium({ cilium, ciliumPools }: Found, pods: readonly string[]): Pods {
  if (!cilium) return { error: 'ConfigMap kube-system/cilium-config does not exist' }
  const data = cilium.data ?? {}
  switch (data['ipam']) {
    case 'cluster-pool':
    case 'cluster-pool-v2beta':
      return {
        cidrs: valid(
          [data['cluster-pool-ipv4-cidr'] ?? '', data['cluster-pool-ipv6-cidr'] ?? ''].flatMap(text =>
            text.split(/[\s,]+/),
          ),
        ),
      }
    case 'kubernetes':
      return { cidrs: pods }
    case 'multi-pool':
      if (ciliumPools === 'absent') return { error: 'the cilium multi-pool feature is unavailable' }
      if (ciliumPools === 'forbidden') return { error: `ciliumpodippools.cilium.io ${FORBIDDEN}` }
      return {
        cidrs: byAge(ciliumPools).flatMap(({ spec }) => [...(spec?.ipv4?.cidrs ?? []), ...(spec?.ipv6?.cidrs ?? [])]),
      }
    default:
      return { error: `unsupported CIlium IPAM mode: ${data['ipam'] ?? ''}` }
  }
}
