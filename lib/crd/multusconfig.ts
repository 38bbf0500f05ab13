// SpiderMultusConfig and the NetworkAttachmentDefinition that is made of it: their shapes. Types only.
import type { ObjectMeta, PoolRoute } from './types.js'

export interface PoolNames {
  readonly ipv4?: readonly string[]
  readonly ipv6?: readonly string[]
  /** Of sriov alone. */
  readonly matchMasterSubnet?: boolean
}

export interface CoordinatorSpec {
  readonly mode?: string
  readonly podCIDRType?: string
  readonly hijackCIDR?: readonly string[]
  readonly policyRoutes?: readonly PoolRoute[]
  readonly podMACPrefix?: string
  readonly tunePodRoutes?: boolean
  readonly podDefaultRouteNIC?: string
  readonly hostRuleTable?: number
  readonly podRPFilter?: number
  readonly txQueueLen?: number
  readonly vethLinkAddress?: string
  readonly vethMTU?: number
}

export interface Bond {
  readonly name: string
  readonly mode: number
  readonly options?: string
}

interface Pooled {
  readonly ippools?: PoolNames
}

export interface OnMaster extends Pooled {
  readonly master: readonly string[]
  readonly mtu?: number
  readonly vlanID?: number
  readonly bond?: Bond
  readonly rdmaResourceName?: string
}

export interface MultusConfigSpec {
  readonly cniType?: 'macvlan' | 'ipvlan' | 'vlan' | 'sriov' | 'ovs' | 'ib-sriov' | 'ipoib' | 'custom'
  readonly enableCoordinator?: boolean
  readonly disableIPAM?: boolean
  readonly coordinator?: CoordinatorSpec
  readonly chainCNIJsonData?: readonly string[]
  readonly customCNI?: string
  readonly macvlan?: OnMaster
  readonly ipvlan?: OnMaster
  readonly vlan?: OnMaster & { readonly vlanMode?: 'manual' | 'auto' }
  readonly sriov?: Pooled & {
    readonly resourceName?: string
    readonly vlanID?: number
    readonly mtu?: number
    readonly minTxRateMbps?: number
    readonly maxTxRateMbps?: number
    readonly rdmaIsolation?: boolean
  }
  readonly ibsriov?: Pooled & {
    readonly resourceName?: string
    readonly pkey?: string
    readonly linkState?: string
    readonly rdmaIsolation?: boolean
    readonly enableIbKubernetes?: boolean
  }
  readonly ipoib?: Pooled & { readonly master?: string }
  readonly ovs?: Pooled & {
    readonly bridge: string
    readonly vlan?: number
    readonly trunk?: readonly { readonly id?: number; readonly minID?: number; readonly maxID?: number }[]
    readonly deviceID?: string
  }
}

export interface SpiderMultusConfig {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly spec?: MultusConfigSpec
}

export interface NetworkAttachmentDefinition {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly spec?: { readonly config?: string }
}
