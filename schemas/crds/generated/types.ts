// Made by scripts/generate.ts from schemas/crds. Not edited.
import type { ObjectMeta } from '../../../lib/crd/meta.js'

export interface PoolRoute {
  /** Destination, a CIDR. */
  readonly dst: string
  /** Next hop, an IP address of the same family. */
  readonly gw: string
}

export interface LabelSelector {
  /** Requirements, all of which must match. */
  readonly matchExpressions?: readonly {
    /** Label key. */
    readonly key: string
    /** In, NotIn, Exists or DoesNotExist. */
    readonly operator: string
    /** Values for In and NotIn. */
    readonly values?: readonly string[]
  }[]
  /** Labels, all of which must match. */
  readonly matchLabels?: Readonly<Record<string, string>>
}

export interface EndpointNic {
  /** Interface name in the pod; empty where it is not known yet. */
  readonly interface: string
  /** IPv4 address with prefix length. */
  readonly ipv4?: string
  /** IPv6 address with prefix length. */
  readonly ipv6?: string
  /** Pool of the IPv4 address. */
  readonly ipv4Pool?: string
  /** Pool of the IPv6 address. */
  readonly ipv6Pool?: string
  /** VLAN ID. */
  readonly vlan?: number
  /** IPv4 gateway. */
  readonly ipv4Gateway?: string
  /** IPv6 gateway. */
  readonly ipv6Gateway?: string
  /** The default route was left out. */
  readonly cleanGateway?: boolean
  /** Routes other than the default route. */
  readonly routes?: readonly PoolRoute[]
  /** MAC address, where one was assigned. */
  readonly mac?: string
}

export interface CoordinatorSpec {
  /** auto, underlay (the default interface is on the node's network), overlay (secondary interfaces are) or disabled. */
  readonly mode?: 'auto' | 'underlay' | 'overlay' | 'disabled'
  /** Source of the overlay pod CIDRs. auto detects it, cluster reads kubeadm or the controller manager, none needs none. */
  readonly podCIDRType?: 'auto' | 'cluster' | 'calico' | 'cilium' | 'none'
  /** Further CIDRs that the pod reaches through the node. */
  readonly hijackCIDR?: readonly string[]
  /** Routes added to the routing table of the pod's interface. */
  readonly policyRoutes?: readonly PoolRoute[]
  /** First two bytes of the interface's MAC address, such as 0a:1b; the others come from its first address. */
  readonly podMACPrefix?: string
  /** Gives each secondary interface its own routing table. */
  readonly tunePodRoutes?: boolean
  /** Interface with the pod's default route. */
  readonly podDefaultRouteNIC?: string
  /** The node's routing table with the routes to its pods. */
  readonly hostRuleTable?: number
  /** rp_filter in the pod, 0, 1 or 2; negative leaves it unchanged. */
  readonly podRPFilter?: number
  /** Transmit queue length of the pod's interface; 0 leaves it unchanged. */
  readonly txQueueLen?: number
  /** IPv4 address of the pod's end of the veth. */
  readonly vethLinkAddress?: string
  /** MTU of the veth. */
  readonly vethMTU?: number
}

export interface MultusConfigSpec {
  /** Main CNI plugin; only its own settings are accepted. */
  readonly cniType?: 'macvlan' | 'ipvlan' | 'vlan' | 'sriov' | 'ovs' | 'ib-sriov' | 'ipoib' | 'custom'
  /** Chains the coordinator plugin. */
  readonly enableCoordinator?: boolean
  /** Leaves out the ipam object of the conf. */
  readonly disableIPAM?: boolean
  /** Settings of the coordinator plugin for this network. */
  readonly coordinator?: CoordinatorSpec
  /** Further plugins of the chain, each a CNI conf as JSON. */
  readonly chainCNIJsonData?: readonly string[]
  /** The complete CNI conf or conflist as JSON, for cniType custom. */
  readonly customCNI?: string
  /** Settings of cniType macvlan. */
  readonly macvlan?: OnMaster
  /** Settings of cniType ipvlan. */
  readonly ipvlan?: OnMaster
  /** Settings of cniType vlan. */
  readonly vlan?: {
    /** Interface of the node; several are bonded. */
    readonly master: readonly string[]
    /** MTU of the interface; 0 leaves it to the plugin. */
    readonly mtu?: number
    /** VLAN ID; 0 means no VLAN. */
    readonly vlanID?: number
    /** manual uses vlanID, auto leaves the VLAN to the plugin. */
    readonly vlanMode?: 'manual' | 'auto'
    /** Bond of the masters. */
    readonly bond?: Bond
    /** Extended resource of the RDMA device plugin. */
    readonly rdmaResourceName?: string
    /** Pools of the network. */
    readonly ippools?: PoolNames
  }
  /** Settings of cniType sriov. */
  readonly sriov?: {
    /** Extended resource of the SR-IOV device plugin. */
    readonly resourceName?: string
    /** VLAN ID; 0 means no VLAN. */
    readonly vlanID?: number
    /** MTU of the interface; 0 leaves it to the plugin. */
    readonly mtu?: number
    /** Minimum transmit rate in Mbit/s. */
    readonly minTxRateMbps?: number
    /** Maximum transmit rate in Mbit/s. */
    readonly maxTxRateMbps?: number
    /** Chains the rdma plugin. */
    readonly rdmaIsolation?: boolean
    /** Pools of the network. */
    readonly ippools?: PoolNames
  }
  /** Settings of cniType ib-sriov, SR-IOV over InfiniBand. */
  readonly ibsriov?: {
    /** Extended resource of the SR-IOV device plugin. */
    readonly resourceName?: string
    /** InfiniBand partition key. */
    readonly pkey?: string
    /** Link state of the VF. */
    readonly linkState?: 'auto' | 'enable' | 'disable'
    /** Chains the rdma plugin. */
    readonly rdmaIsolation?: boolean
    /** ib-kubernetes manages the GUID and partition key. */
    readonly enableIbKubernetes?: boolean
    /** Pools of the network. */
    readonly ippools?: PoolNames
  }
  /** Settings of cniType ipoib, IP over InfiniBand. */
  readonly ipoib?: {
    /** Interface of the node. */
    readonly master?: string
    /** Pools of the network. */
    readonly ippools?: PoolNames
  }
  /** Settings of cniType ovs, Open vSwitch. */
  readonly ovs?: {
    /** Open vSwitch bridge of the node. */
    readonly bridge: string
    /** VLAN ID. */
    readonly vlan?: number
    /** VLANs of the trunk. */
    readonly trunk?: readonly {
      /** VLAN ID. */
      readonly id?: number
      /** First VLAN ID of the range. */
      readonly minID?: number
      /** Last VLAN ID of the range. */
      readonly maxID?: number
    }[]
    /** PCI address of the VF. */
    readonly deviceID?: string
    /** Pools of the network. */
    readonly ippools?: PoolNames
  }
}

export interface OnMaster {
  /** Interface of the node; several are bonded. */
  readonly master: readonly string[]
  /** MTU of the interface; 0 leaves it to the plugin. */
  readonly mtu?: number
  /** VLAN ID; 0 means no VLAN. */
  readonly vlanID?: number
  /** Bond of the masters. */
  readonly bond?: Bond
  /** Extended resource of the RDMA device plugin. */
  readonly rdmaResourceName?: string
  /** Pools of the network. */
  readonly ippools?: PoolNames
}

export interface Bond {
  /** Name of the bond. */
  readonly name: string
  /** Bonding mode, 0 balance-rr to 6 balance-alb. */
  readonly mode: number
  /** Options of the bonding driver, such as miimon=100;primary=eth1. */
  readonly options?: string
}

export interface PoolNames {
  /** IPv4 pools. */
  readonly ipv4?: readonly string[]
  /** IPv6 pools. */
  readonly ipv6?: readonly string[]
  /** Uses only pools in whose subnet the node has an address on the master. */
  readonly matchMasterSubnet?: boolean
}

/** Settings of the coordinator plugin for the cluster, and the CIDRs found for it. */
export interface SpiderCoordinator {
  /** API group and version of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** Settings of the coordinator plugin. */
  readonly spec?: CoordinatorSpec
  /** Status, written by the controller. */
  readonly status?: {
    /** Synced or NotReady. */
    readonly phase: string
    /** Why it is NotReady. */
    readonly reason?: string
    /** CIDRs of pods on the overlay network. */
    readonly overlayPodCIDR?: readonly string[]
    /** CIDRs of Services. */
    readonly serviceCIDR?: readonly string[]
  }
}

/** Interfaces, addresses and routes of a pod. It has the name of the pod. */
export interface SpiderEndpoint {
  /** API group and version of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** Allocation of the pod, written by the IPAM plugin. */
  readonly status: {
    /** The current allocation. */
    readonly current: {
      /** UID of the pod. */
      readonly uid: string
      /** Node of the pod. */
      readonly node: string
      /** One item for each interface. */
      readonly ips: readonly EndpointNic[]
    }
    /** Kind of the top controller, such as Deployment. */
    readonly ownerControllerType: string
    /** Name of the top controller. */
    readonly ownerControllerName: string
  }
}

/** An allocated address. Its name is the address, so an address is allocated once. */
export interface SpiderIPAddress {
  /** API group and version of the object. */
  readonly apiVersion: string
  /** Kind of the object. */
  readonly kind: string
  readonly metadata: ObjectMeta
  /** The allocation. */
  readonly spec: {
    /** The address with the prefix length of its subnet, such as 172.18.30.139/16. */
    readonly address: string
    /** IP family, 4 or 6. */
    readonly ipVersion: 4 | 6
    /** SpiderIPPool of the address. */
    readonly pool: string
    /** Interface of the pod. */
    readonly nic: string
    /** Node of the pod. */
    readonly node: string
    /** Container ID of the sandbox that uses it; empty between two sandboxes of a pod. */
    readonly containerID: string
    /** Pod of the address. */
    readonly pod: {
      /** Namespace of the pod. */
      readonly namespace: string
      /** Name of the pod. */
      readonly name: string
      /** UID of the pod. */
      readonly uid: string
    }
    /** Top controller of the pod, such as its Deployment. */
    readonly owner: {
      /** API group and version. */
      readonly apiVersion: string
      /** Kind. */
      readonly kind: string
      /** Name. */
      readonly name: string
    }
  }
}

/** A pool of addresses of one subnet, and the pods that may use it. */
export interface SpiderIPPool {
  /** API group and version of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** Addresses of the pool, and the pods that may use it. */
  readonly spec: {
    /** IP family, 4 or 6; default is that of subnet. */
    readonly ipVersion?: 4 | 6
    /** The subnet, a canonical CIDR. Immutable. */
    readonly subnet: string
    /** Addresses of the pool, single or as first-last. Empty is a pool without addresses. */
    readonly ips?: readonly string[]
    /** Addresses excluded from ips, in the same form. */
    readonly excludeIPs?: readonly string[]
    /** Default gateway of the interface. */
    readonly gateway?: string
    /** Further routes of the pod. */
    readonly routes?: readonly PoolRoute[]
    /** Pods that may use the pool. */
    readonly podAffinity?: LabelSelector
    /** Namespaces whose pods may use the pool; ignored where namespaceName is set. */
    readonly namespaceAffinity?: LabelSelector
    /** Names of the namespaces whose pods may use the pool. */
    readonly namespaceName?: readonly string[]
    /** Nodes whose pods may use the pool; ignored where nodeName is set. */
    readonly nodeAffinity?: LabelSelector
    /** Names of the nodes whose pods may use the pool. */
    readonly nodeName?: readonly string[]
    /** NetworkAttachmentDefinitions that may use the pool, as name or namespace/name. */
    readonly multusName?: readonly string[]
    /** Used where neither pod, Namespace nor network names a pool. */
    readonly default?: boolean
    /** Allocates no more addresses; allocated ones stay and can be released. */
    readonly disable?: boolean
  }
  /** Allocation of the pool, written by the controller. */
  readonly status?: {
    /** JSON text of the allocated addresses, for Go's Spiderpool. */
    readonly allocatedIPs?: string
    /** True where the controller wrote allocatedIPs from SpiderIPAddresses. False without allocatedIPs where no Go agent allocates from the pool; false with it where only ADDs wrote it. A write of Go's Spiderpool removes the field. */
    readonly allocatedIPsProjected?: boolean
    /** Number of allocated addresses. */
    readonly allocatedIPCount?: number
    /** Free ranges of a pool that is nearly full, at most 64. A hint, up to a second old. */
    readonly freeIPs?: readonly string[]
    /** Number of addresses in ips without excludeIPs that a pod can use. */
    readonly totalIPCount?: number
  }
}

/** A network; the controller creates a NetworkAttachmentDefinition from it. */
export interface SpiderMultusConfig {
  /** API group and version of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** The network. */
  readonly spec?: MultusConfigSpec
}

/** Addresses that are never allocated. */
export interface SpiderReservedIP {
  /** API group and version of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** The reserved addresses. */
  readonly spec: {
    /** IP family, 4 or 6. */
    readonly ipVersion?: 4 | 6
    /** Reserved addresses, single or as first-last. */
    readonly ips?: readonly string[]
  }
}

/** A subnet whose addresses are distributed to pools. */
export interface SpiderSubnet {
  /** API group and version of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** Addresses of the subnet. */
  readonly spec: {
    /** IP family, 4 or 6; default is that of subnet. */
    readonly ipVersion?: 4 | 6
    /** The subnet, a canonical CIDR. Immutable. */
    readonly subnet: string
    /** Addresses that its pools may have, single or as first-last. */
    readonly ips?: readonly string[]
    /** Addresses excluded from ips, in the same form. */
    readonly excludeIPs?: readonly string[]
    /** Default gateway that its pools inherit. */
    readonly gateway?: string
    /** Routes that its pools inherit. */
    readonly routes?: readonly PoolRoute[]
  }
  /** Addresses in pools, written by the controller. */
  readonly status?: {
    /** JSON text of the ranges by pool; absent where no pool has any. */
    readonly controlledIPPools?: string
    /** Number of addresses in ips without excludeIPs that a pod can use. */
    readonly totalIPCount?: number
    /** Number of addresses in pools. */
    readonly allocatedIPCount?: number
  }
}
