// SpiderMultusConfigs that are injected into pods by annotation: what they require and request.
import { forbidden, invalid, type Fault } from './fault.js'
import type { PoolNames, SpiderMultusConfig } from './multusconfig.js'
import { ANNOTATION_NETWORK_INJECT, ANNOTATION_RDMA_INJECT } from './names.js'

export interface Injected {
  /** Extended resource that the pod requests; '' where there is none. */
  readonly resource: string
  /** Sort key of a pod's networks: bond, first master, or resource. */
  readonly key: string
  readonly pools: PoolNames | undefined
}

/** `undefined` for ovs and custom, which cannot be injected. */
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

/** The field of the spec with the name of the resource. */
const RESOURCE_FIELD: Readonly<Record<string, string>> = {
  macvlan: 'spec.macvlan.rdmaResourceName',
  ipvlan: 'spec.ipvlan.rdmaResourceName',
  vlan: 'spec.vlan.rdmaResourceName',
  sriov: 'spec.sriov.resourceName',
  'ib-sriov': 'spec.ibsriov.resourceName',
  ipoib: 'spec.ipoib.master',
}

/**
 * Missing fields: RDMA requires a resource and pools, any network with a resource requires pools.
 */
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
  const isNameMissing = rdma !== undefined && name === ''
  const { ipv4 = [], ipv6 = [] } = injected.pools ?? {}
  const arePoolsMissing = (rdma !== undefined || name !== '') && ipv4.length + ipv6.length === 0
  const pools = `${field.split('.').slice(0, 2).join('.')}.ippools`
  return [
    ...(isNameMissing ? [invalid(field, name, `annotation ${annotation} needs it`)] : []),
    ...(arePoolsMissing
      ? [invalid(pools, injected.pools, `annotation ${annotation} needs a pool of IPv4 or IPv6`)]
      : []),
  ]
}
