// SpiderCoordinator status: the CIDRs of pods and Services, from kubeadm, kube-controller-manager,
// Calico and Cilium.
import type { SpiderCoordinator } from '../../../../lib/crd/coordinator.js'
import type { ObjectMeta } from '../../../../lib/crd/types.js'
import { parsePrefix } from '../../../../lib/ip/cidr.js'

/** The status that the controller writes: both lists are in it, also empty. */
export type CoordinatorStatus = Required<Omit<Status, 'reason' | 'phase'>> &
  Pick<Status, 'reason'> & { readonly phase: 'Synced' | 'NotReady' }
type Status = NonNullable<SpiderCoordinator['status']>

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

/** Objects of a kind that may be missing or forbidden. */
export type Listed<T> = readonly T[] | 'absent' | 'forbidden'

export interface ClusterCidrs {
  /** `cluster`, `calico`, `cilium` or `none`; network.ts resolves `auto`. */
  readonly type: string
  readonly kubeadm: ConfigMap | undefined
  readonly controllerManagers: readonly CommandPod[]
  /** Undefined where no version of the API is served. */
  readonly serviceCidrs: readonly ServiceCidr[] | undefined
  readonly calico: Listed<CalicoPool>
  readonly cilium: ConfigMap | undefined
  /** Namespace and name of Cilium's ConfigMap. */
  readonly ciliumRef: string
  readonly ciliumPools: Listed<CiliumPool>
  /**
   * tolerateUnknownClusterCIDR, or podCIDRType `none` in the spec: the Services' CIDRs suffice
   * where the type needs no others. `auto` that finds no network stays NotReady, as in the Go
   * system.
   */
  readonly toleratesUnknown: boolean
}

/** Byte-exact: users' tools compare it. `remedyOf` has the remedy. */
export const NO_CONTROLLER_MANAGER = 'No kube-controller-manager pod found, unable to get clusterCIDR'

const KUBEADM_SAMPLE =
  '"networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/12}" in data.ClusterConfiguration of ConfigMap kube-system/kubeadm-config'

/** What an administrator does about a reason; '' where the reason says it. */
export const remedyOf = (reason: string): string =>
  reason === NO_CONTROLLER_MANAGER
    ? `write ${KUBEADM_SAMPLE}, or set spec.podCIDRType to calico, cilium or none, or tolerateUnknownClusterCIDR: true in conf.yml`
    : ''

interface Cidrs {
  readonly pods: readonly string[]
  readonly services: readonly string[]
}

const valid = (texts: readonly string[]): readonly string[] =>
  texts.map(text => text.trim().replace(/^["']|["']$/g, '')).filter(text => parsePrefix(text) !== undefined)

/** A YAML scalar after a key, in block or flow style: double-quoted, single-quoted or plain. */
const SCALAR = String.raw`(?:"(?<double>[^"\n]*)"|'(?<single>[^'\n]*)'|(?<plain>[^\s"'#{}\[\]][^\s#{}\[\]"']*))`

/** The two subnets of ClusterConfiguration, which is YAML (or JSON) in a string. */
export function fromKubeadm(map: ConfigMap | undefined): Cidrs {
  const text = (map?.data?.['ClusterConfiguration'] ?? '').replace(/(^|\s)#.*$/gm, '$1')
  const list = (key: string): readonly string[] => {
    const found = new RegExp(String.raw`(?:^|[\s{,])["']?${key}["']?\s*:\s*${SCALAR}`).exec(text)?.groups ?? {}
    return valid((found['double'] ?? found['single'] ?? found['plain'] ?? '').split(','))
  }
  return { pods: list('podSubnet'), services: list('serviceSubnet') }
}

/**
 * The CIDRs of the flags `--flag=value` or `--flag value`, as separate words or within one (`sh -c
 * "…"`); the command is searched before the args.
 */
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

/**
 * The CNI conf that a container runtime takes for the default network: the first by name, Multus'
 * own left out.
 */
export const firstConf = (names: readonly string[]): string | undefined =>
  names.filter(name => /\.(conf|conflist)$/.test(name) && !name.includes('00-multus')).sort()[0]

/**
 * The podCIDRType of the network that a conf names; `none` for any other network, without a conf,
 * and for one that is not JSON.
 */
export function typeOfConf(text: string | undefined): string {
  switch (text === undefined ? undefined : networkName(text)) {
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

/**
 * The podCIDRType by the file's name, for a conf that only root may read: `10-calico.conflist`,
 * `05-cilium.conflist`, `10-flannel.conflist`.
 */
export function typeOfConfName(name: string): string | undefined {
  const [found] = /calico|cilium|flannel/.exec(name) ?? []
  return found === 'flannel' ? 'cluster' : found
}

function networkName(text: string): unknown {
  try {
    const conf: unknown = JSON.parse(text)
    return typeof conf === 'object' && conf !== null && 'name' in conf ? conf.name : undefined
  } catch {
    return undefined // not JSON: of no network
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

/** The status for what was found in the cluster. */
export function statusOf(found: ClusterCidrs): CoordinatorStatus {
  const { type } = found
  const objects = byAge(found.serviceCidrs ?? []).flatMap(({ spec }) => spec?.cidrs ?? [])
  const cidrs = clusterCidrs(found, objects.length > 0)
  if (typeof cidrs === 'string') return notReady(cidrs)
  const serviceCIDR = objects.length > 0 ? objects : cidrs.services
  const pods = podCidrs(type, found, cidrs)
  if ('error' in pods) return notReady(pods.error, serviceCIDR)
  return { phase: 'Synced', overlayPodCIDR: pods.cidrs, serviceCIDR }
}

/** The CIDRs of kubeadm or kube-controller-manager, whatever the type; or why they are unknown. */
function clusterCidrs(found: ClusterCidrs, hasServiceCidrs: boolean): Cidrs | string {
  const kubeadm = fromKubeadm(found.kubeadm)
  if (kubeadm.pods.length > 0 && kubeadm.services.length > 0) return kubeadm
  const [pod] = byAge(found.controllerManagers)
  if (pod) return fromControllerManager(pod)
  const isKnown = found.type !== 'cluster' && (hasServiceCidrs || kubeadm.services.length > 0)
  if (found.toleratesUnknown && isKnown) return kubeadm
  return found.kubeadm === undefined ? NO_CONTROLLER_MANAGER : unreadKubeadm(kubeadm)
}

/** The ConfigMap exists: the reason names what is missing in it. */
function unreadKubeadm({ pods, services }: Cidrs): string {
  const missing = [...(pods.length > 0 ? [] : ['podSubnet']), ...(services.length > 0 ? [] : ['serviceSubnet'])]
  return `ConfigMap kube-system/kubeadm-config has no ${missing.join(' and no ')} with a CIDR in data.ClusterConfiguration, and there is no kube-controller-manager pod: write ${KUBEADM_SAMPLE}, or set spec.podCIDRType`
}

type Pods = { readonly cidrs: readonly string[] } | { readonly error: string }

function podCidrs(type: string, found: ClusterCidrs, { pods }: Cidrs): Pods {
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

function fromCalico(pools: ClusterCidrs['calico']): Pods {
  if (pools === 'absent')
    return { error: 'podCIDRType is calico, and the cluster has no ippools.crd.projectcalico.org' }
  if (pools === 'forbidden') return { error: `ippools.crd.projectcalico.org ${FORBIDDEN}` }
  const enabled = byAge(pools).filter(({ spec }) => spec?.disabled !== true)
  return { cidrs: enabled.flatMap(({ spec }) => spec?.cidr ?? []) }
}

function fromCilium({ cilium, ciliumRef, ciliumPools }: ClusterCidrs, pods: readonly string[]): Pods {
  if (!cilium) return { error: `ConfigMap ${ciliumRef} does not exist` }
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
