// The NetworkAttachmentDefinition of a SpiderMultusConfig: plugins, keys and their order.
import {
  ANNOTATION_CNI_VERSION,
  ANNOTATION_CONF_NAME,
  ANNOTATION_NAD_NAME,
  ANNOTATION_RESOURCE_NAME,
  SPIDERPOOL_API,
} from '../../../../lib/crd/names.js'
import { vlanName } from '../../../../lib/ifname.js'
import type { OwnerReference } from '../../../../lib/crd/types.js'
import { defaultMultusSpec } from '../../../../lib/crd/multusdefault.js'
import type {
  Bond,
  CoordinatorSpec,
  MultusConfigSpec,
  NetworkAttachmentDefinition,
  PoolNames,
  SpiderMultusConfig,
} from '../../../../lib/crd/multusconfig.js'

type Json = Readonly<Record<string, unknown>>

/**
 * Executable names in a plugin chain. `OURS` need nothing else on a node; `UPSTREAM` are those that
 * the Go system installs.
 */
export interface PluginNames {
  readonly macvlan: string
  readonly ipam: string
  /** Keys of conf.yml that the IPAM object carries, for calls that no node agent executes. */
  readonly switches?: Json
}
export const OURS: PluginNames = { macvlan: 'macvlan-wrapper', ipam: 'spiderpool-ipam' }
export const UPSTREAM: PluginNames = { macvlan: 'macvlan', ipam: 'spiderpool' }

const CNI_VERSION = '0.3.1'

export const nadName = ({ metadata }: SpiderMultusConfig): string =>
  metadata.annotations?.[ANNOTATION_NAD_NAME] ?? metadata.name

/**
 * The desired object: name, namespace, annotations, owner and conf.
 * @throws Error for a cniType without a chain.
 */
export function nadOf(smc: SpiderMultusConfig, names: PluginNames): NetworkAttachmentDefinition {
  const { namespace = '', annotations = {} } = smc.metadata
  const spec = defaultMultusSpec(smc.spec ?? {})
  const name = nadName(smc)
  const config = confOf(spec, { annotations, name, names })
  const all = { ...annotations, ...resourceOf(spec) }
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: {
      name,
      namespace,
      ...(Object.keys(all).length > 0 && { annotations: all }),
      ownerReferences: [ownerOf(smc)],
    },
    spec: config === '' ? {} : { config },
  }
}

export const ownerOf = ({ metadata }: SpiderMultusConfig): OwnerReference => ({
  apiVersion: SPIDERPOOL_API,
  kind: 'SpiderMultusConfig',
  name: metadata.name,
  uid: metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

function resourceOf({ cniType, sriov, ibsriov, ovs }: MultusConfigSpec): Readonly<Record<string, string>> {
  const name =
    cniType === 'sriov'
      ? sriov?.resourceName
      : cniType === 'ib-sriov'
        ? ibsriov?.resourceName
        : cniType === 'ovs' && ovs?.deviceID
          ? `ovs-cni.network.kubevirt.io/${ovs.bridge}`
          : undefined
  return name === undefined || name === '' ? {} : { [ANNOTATION_RESOURCE_NAME]: name }
}

interface Naming {
  readonly annotations: Readonly<Record<string, string>>
  readonly name: string
  readonly names: PluginNames
}

function confOf(spec: MultusConfigSpec, { annotations, name, names }: Naming): string {
  if (spec.cniType === 'custom') return spec.customCNI ?? ''
  const { before = [], main, after = [], last = [] } = chainOf(spec, names)
  const chained = (spec.chainCNIJsonData ?? []).map(text => sorted(JSON.parse(text)))
  const coordinator = spec.enableCoordinator === false ? [] : [coordinatorOf(spec.coordinator ?? {})]
  const conf = {
    cniVersion: annotations[ANNOTATION_CNI_VERSION] ?? CNI_VERSION,
    name: annotations[ANNOTATION_CONF_NAME] ?? name,
    plugins: [...before, main, ...after, ...chained, ...coordinator, ...last],
  }
  return escaped(JSON.stringify(conf))
}

/** Escapes as Go's encoding/json does, so that texts compare equal. */
const escaped = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Sorts keys, as Go's encoding/json does for a map. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const keys = Object.keys(value).sort()
  return Object.fromEntries(keys.map(key => [key, sorted((value as Json)[key])]))
}

interface Chain {
  readonly before?: readonly Json[]
  readonly main: Json
  readonly after?: readonly Json[]
  readonly last?: readonly Json[]
}

function chainOf(spec: MultusConfigSpec, names: PluginNames): Chain {
  const ipam = (pools: PoolNames | undefined, withMaster = false): Json =>
    spec.disableIPAM === true ? {} : { ipam: ipamOf(pools ?? {}, names, withMaster) }
  switch (spec.cniType) {
    case 'macvlan':
      return onMaster(spec.macvlan, { type: names.macvlan, mode: 'bridge' }, ipam(spec.macvlan?.ippools))
    case 'ipvlan':
      return onMaster(spec.ipvlan, { type: 'ipvlan' }, ipam(spec.ipvlan?.ippools))
    case 'vlan':
      return onVlan(spec.vlan, ipam(spec.vlan?.ippools))
    case 'sriov':
      return sriov(spec.sriov ?? {}, ipam(spec.sriov?.ippools, true))
    case 'ib-sriov':
      return ibSriov(spec.ibsriov ?? {}, ipam(spec.ibsriov?.ippools))
    case 'ipoib':
      return { main: { type: 'ipoib', master: spec.ipoib?.master ?? '', ...ipam(spec.ipoib?.ippools) } }
    case 'ovs':
      return ovs(spec.ovs, ipam(spec.ovs?.ippools))
    default:
      throw new Error(`cniType ${String(spec.cniType)} has no chain of ours`)
  }
}

function ipamOf({ ipv4 = [], ipv6 = [], matchMasterSubnet }: PoolNames, names: PluginNames, withMaster: boolean): Json {
  return {
    type: names.ipam,
    ...(ipv4.length > 0 && { default_ipv4_ippool: ipv4 }),
    ...(ipv6.length > 0 && { default_ipv6_ippool: ipv6 }),
    ...(withMaster && matchMasterSubnet === true && { match_master_subnet: true }),
    ...names.switches,
  }
}

const bondOf = ({ name, mode, options = '' }: Bond): Json => ({ name, mode, options })

interface OnMaster {
  readonly master: readonly string[]
  readonly mtu?: number
  readonly vlanID?: number
  readonly bond?: Bond
}

/** ifacer creates the master: a bond of several interfaces, a VLAN on top. */
function ifacerOf({ master, bond }: OnMaster, vlanID: number): readonly Json[] {
  if (vlanID === 0 && master.length < 2) return []
  return [{ ...(vlanID !== 0 && { vlanID }), type: 'ifacer', interfaces: master, ...(bond && { bond: bondOf(bond) }) }]
}

const masterOf = ({ master, bond }: OnMaster): string => (master.length > 1 && bond ? bond.name : (master[0] ?? ''))

function onMaster(
  own: OnMaster = { master: [] },
  { type, ...kind }: { readonly type: string; readonly mode?: string },
  ipam: Json,
): Chain {
  const vlan = own.vlanID ?? 0
  const master = vlan === 0 ? masterOf(own) : vlanName(masterOf(own), vlan)
  return { before: ifacerOf(own, vlan), main: { type, master, ...kind, mtu: own.mtu ?? 0, ...ipam } }
}

function onVlan(own: MultusConfigSpec['vlan'] = { master: [] }, ipam: Json): Chain {
  const vlanMode = own.vlanMode ?? 'manual'
  const vlan = vlanMode === 'manual' ? { vlanId: own.vlanID ?? 0 } : {}
  return {
    before: ifacerOf(own, 0),
    main: { type: 'vlan', master: masterOf(own), vlanMode, ...vlan, mtu: own.mtu ?? 0, ...ipam },
  }
}

function sriov(own: NonNullable<MultusConfigSpec['sriov']>, ipam: Json): Chain {
  const { vlanID = 0, minTxRateMbps = 0, maxTxRateMbps = 0, mtu = 0, rdmaIsolation } = own
  return {
    main: { vlan: vlanID, min_tx_rate: minTxRateMbps, max_tx_rate: maxTxRateMbps, type: 'sriov', ...ipam },
    after: rdmaIsolation === true ? [{ type: 'rdma' }] : [],
    last: mtu > 0 ? [{ type: 'tuning', mtu }] : [],
  }
}

function ibSriov(own: NonNullable<MultusConfigSpec['ibsriov']>, ipam: Json): Chain {
  const { pkey, linkState = 'enable', rdmaIsolation = true, enableIbKubernetes = false } = own
  return {
    main: {
      type: 'ib-sriov',
      pkey: pkey ?? '',
      link_state: linkState,
      rdmaIsolation,
      ibKubernetesEnabled: enableIbKubernetes,
      ...ipam,
    },
  }
}

function ovs(own: MultusConfigSpec['ovs'] = { bridge: '' }, ipam: Json): Chain {
  const { bridge, vlan = 0, trunk = [], deviceID = '' } = own
  const ranges = trunk.map(({ minID, maxID, id }) => ({
    ...(minID !== undefined && { minID }),
    ...(maxID !== undefined && { maxID }),
    ...(id !== undefined && { id }),
  }))
  return {
    main: {
      vlan,
      type: 'ovs',
      bridge,
      ...(deviceID !== '' && { deviceID }),
      ...ipam,
      ...(ranges.length > 0 && { trunk: ranges }),
    },
  }
}

/**
 * Only the fields that are set. podRPFilter is written only together with podCIDRType, as in
 * existing confs.
 */
function coordinatorOf(own: CoordinatorSpec): Json {
  const { hijackCIDR = [], policyRoutes = [] } = own
  return {
    ...(own.txQueueLen !== undefined && { txQueueLen: own.txQueueLen }),
    ...(own.vethLinkAddress && { vethLinkAddress: own.vethLinkAddress }),
    ...(own.vethMTU !== undefined && { vethMTU: own.vethMTU }),
    ...(own.tunePodRoutes !== undefined && { tunePodRoutes: own.tunePodRoutes }),
    ...(own.podMACPrefix && { podMACPrefix: own.podMACPrefix }),
    ...(own.mode && { mode: own.mode }),
    type: 'coordinator',
    ...(own.podDefaultRouteNIC && { podDefaultRouteNic: own.podDefaultRouteNIC }),
    ...(own.podCIDRType && own.podRPFilter !== undefined && { podRPFilter: own.podRPFilter }),
    ...(hijackCIDR.length > 0 && { hijackCIDR }),
    ...(policyRoutes.length > 0 && { policyRoutes }),
  }
}
