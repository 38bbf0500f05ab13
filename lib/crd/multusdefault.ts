// Defaults of a SpiderMultusConfig, as admission and the CRD's schema set them together. Pure.
import { COORDINATOR_DEFAULTS, MULTUS_DEFAULTS } from '../../schemas/crds/generated/defaults.js'
import { withPrefixes } from './coordinator.js'
import type { CoordinatorSpec, MultusConfigSpec, PoolNames, SpiderMultusConfig } from './multusconfig.js'
import { ANNOTATION_NETWORK_INJECT, ANNOTATION_RDMA_INJECT } from './names.js'

const { hostRuleTable: _, ...SCHEMA_DEFAULTS } = COORDINATOR_DEFAULTS // the API server alone sets it
const COORDINATOR_DEFAULT: CoordinatorSpec = {
  ...SCHEMA_DEFAULTS,
  hijackCIDR: [],
  policyRoutes: [],
  vethLinkAddress: '',
  podMACPrefix: '',
  podDefaultRouteNIC: '',
}
const NO_POOLS: PoolNames = { ipv4: [], ipv6: [] }

/**
 * The settings of cniType with defaults; other settings are left for validation, which refuses
 * them.
 */
const MAIN: {
  readonly [K in Exclude<keyof typeof SUB_OBJECTS, 'custom'>]: (spec: MultusConfigSpec) => Partial<MultusConfigSpec>
} = {
  macvlan: ({ macvlan: own }) =>
    own ? { macvlan: { vlanID: 0, rdmaResourceName: '', ippools: NO_POOLS, ...own } } : {},
  ipvlan: ({ ipvlan: own }) => (own ? { ipvlan: { vlanID: 0, rdmaResourceName: '', ippools: NO_POOLS, ...own } } : {}),
  // No default for vlanID: vlanMode manual requires it, auto forbids it.
  vlan: ({ vlan: own }) =>
    own ? { vlan: { vlanMode: 'manual', rdmaResourceName: '', ippools: NO_POOLS, ...own } } : {},
  sriov: ({ sriov: own }) =>
    own
      ? {
          sriov: { resourceName: '', vlanID: 0, mtu: 0, minTxRateMbps: 0, maxTxRateMbps: 0, ippools: NO_POOLS, ...own },
        }
      : {},
  'ib-sriov': ({ ibsriov: own }) => (own ? { ibsriov: { pkey: '', ippools: NO_POOLS, ...own } } : {}),
  ipoib: ({ ipoib: own }) => (own ? { ipoib: { ippools: NO_POOLS, ...own } } : {}),
  ovs: ({ ovs: own }) => (own ? { ovs: { vlan: 0, ippools: NO_POOLS, ...own } } : {}),
}

/** The field of the spec that holds the settings of each cniType. */
export const SUB_OBJECTS = {
  macvlan: 'macvlan',
  ipvlan: 'ipvlan',
  vlan: 'vlan',
  sriov: 'sriov',
  'ib-sriov': 'ibsriov',
  ipoib: 'ipoib',
  ovs: 'ovs',
  custom: 'customCNI',
} as const satisfies Readonly<Record<NonNullable<MultusConfigSpec['cniType']>, keyof MultusConfigSpec>>

/** The spec with defaults. cniType custom has no coordinator: its conf is complete. */
export function defaultMultusSpec(spec: MultusConfigSpec): MultusConfigSpec {
  const { cniType = MULTUS_DEFAULTS.cniType, chainCNIJsonData = [] } = spec
  if (cniType === 'custom') {
    const { coordinator: _, ...own } = spec
    return { ...own, cniType, enableCoordinator: false, chainCNIJsonData, customCNI: spec.customCNI ?? '' }
  }
  return {
    ...spec,
    ...MAIN[cniType](spec),
    cniType,
    enableCoordinator: spec.enableCoordinator ?? MULTUS_DEFAULTS.enableCoordinator,
    disableIPAM: spec.disableIPAM ?? MULTUS_DEFAULTS.disableIPAM,
    chainCNIJsonData,
    coordinator: withPrefixes({ ...COORDINATOR_DEFAULT, ...spec.coordinator }),
  }
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * The spec without what only cniType custom had: the installation creates an empty custom config of
 * the default network, and the first `kubectl apply` of a macvlan one merges into it. An empty
 * customCNI is none, and the coordinator, which custom turns off, is on again unless the applied
 * text turns it off.
 */
function fromPlaceholder(
  { metadata, spec = {} }: SpiderMultusConfig,
  old: MultusConfigSpec | undefined,
): MultusConfigSpec {
  const isPlaceholder = old !== undefined && (old.cniType ?? 'custom') === 'custom' && (old.customCNI ?? '') === ''
  if (!isPlaceholder || (spec.cniType ?? 'custom') === 'custom' || (spec.customCNI ?? '') !== '') return spec
  const { customCNI: _, enableCoordinator: __, ...own } = spec
  const isOff = metadata.annotations?.[LAST_APPLIED]?.includes('"enableCoordinator":false') === true
  return { ...own, enableCoordinator: !isOff }
}

/**
 * The config with defaults; injection annotations become labels too, since only labels can be
 * selected.
 */
export function defaultMultusConfig(config: SpiderMultusConfig, old?: SpiderMultusConfig): SpiderMultusConfig {
  const { metadata } = config
  const spec = fromPlaceholder(config, old?.spec)
  if (metadata.deletionTimestamp !== undefined) return config
  const chosen = [ANNOTATION_RDMA_INJECT, ANNOTATION_NETWORK_INJECT].flatMap(key => {
    const value = metadata.annotations?.[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return {
    ...config,
    metadata:
      chosen.length === 0 ? metadata : { ...metadata, labels: { ...metadata.labels, ...Object.fromEntries(chosen) } },
    spec: defaultMultusSpec(spec),
  }
}
