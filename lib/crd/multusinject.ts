// SpiderMultusConfigs that pods choose by an annotation: what they must have for it, and what their pods then ask the kubelet for. Pure.
import { forbidden, invalid, type Fault } from './fault.js'
import type { PoolNames, SpiderMultusConfig } from './multusconfig.js'
import { ANNOTATION_NETWORK_INJECT, ANNOTATION_RDMA_INJECT } from './names.js'

export interface Injected {
  /** Extended resource that a pod asks for; '' where there is none. */
  readonly resource: string
  /** What the networks of a pod are sorted by: bond, first master, or resource. */
  readonly key: string
  readonly pools: PoolNames | undefined
}

/** `undefined` for ovs and custom, which pods cannot choose. */
export function injectedOf({ spec = {} }: SpiderMultusConfig): Injected | undefined {
  switch (spec.cniType) {
    case 'macvlan':
    case 'ipvlan':
    case 'vlan': {
      const own = spec[spec.cniType]
      const { master = [], bond } = own ?? {}
      const key = (master.length > 1 ? bond?.name : master[0]) ?? ''
      return { resource: own?.rdmaResourceName ?? '', key, pools: own?.ippools }
    }
    case 'sriov':
      return {
        resource: spec.sriov?.resourceName ?? '',
        key: spec.sriov?.resourceName ?? '',
        pools: spec.sriov?.ippools,
      }
    case 'ib-sriov':
      return { resource: spec.ibsriov?.resourceName ?? '', key: '', pools: spec.ibsriov?.ippools }
    case 'ipoib':
      return { resource: '', key: '', pools: spec.ipoib?.ippools }
    default:
      return undefined
  }
}

/** Where the name of the resource is in the spec. */
const RESOURCE_FIELD: Readonly<Record<string, string>> = {
  macvlan: 'spec.macvlan.rdmaResourceName',
  ipvlan: 'spec.ipvlan.rdmaResourceName',
  vlan: 'spec.vlan.rdmaResourceName',
  sriov: 'spec.sriov.resourceName',
  'ib-sriov': 'spec.ibsriov.resourceName',
  ipoib: 'spec.ipoib.master',
}

/** What a chosen one lacks: for RDMA a resource and pools; for any network pools as soon as it has a resource. */
export function injectFaults(config: SpiderMultusConfig): readonly Fault[] {
  const { annotations = {} } = config.metadata
  const [rdma, network] = [annotations[ANNOTATION_RDMA_INJECT], annotations[ANNOTATION_NETWORK_INJECT]]
  if (rdma === undefined && network === undefined) return []
  const annotation = rdma === undefined ? ANNOTATION_NETWORK_INJECT : ANNOTATION_RDMA_INJECT
  const { cniType = 'custom' } = config.spec ?? {}
  const injected = injectedOf(config)
  if (!injected)
    return [forbidden(`metadata.annotations[${annotation}]`, rdma ?? network, `cniType ${cniType} cannot be injected`)]
  const name = cniType === 'ipoib' ? (config.spec?.ipoib?.master ?? '') : injected.resource
  const field = RESOURCE_FIELD[cniType] ?? 'spec'
  const lacksName = rdma !== undefined && name === ''
  const { ipv4 = [], ipv6 = [] } = injected.pools ?? {}
  const lacksPools = (rdma !== undefined || name !== '') && ipv4.length + ipv6.length === 0
  const pools = `${field.split('.').slice(0, 2).join('.')}.ippools`
  return [
    ...(lacksName ? [invalid(field, name, `annotation ${annotation} needs it`)] : []),
    ...(lacksPools ? [invalid(pools, injected.pools, `annotation ${annotation} needs a pool of IPv4 or IPv6`)] : []),
  ]
}
