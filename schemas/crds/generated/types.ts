// Made by scripts/generate.ts from schemas/crds. Not edited.
import type { ObjectMeta } from '../../../lib/crd/meta.js'

export interface PoolRoute {
  /** Destination as a CIDR. */
  readonly dst: string
  /** Gateway address. */
  readonly gw: string
}

export interface LabelSelector {
  /** All of these must hold. */
  readonly matchExpressions?: readonly {
    /** Label key. */
    readonly key: string
    /** In, NotIn, Exists or DoesNotExist. */
    readonly operator: string
    /** Values for In and NotIn. */
    readonly values?: readonly string[]
  }[]
  /** All of these labels must be there. */
  readonly matchLabels?: Readonly<Record<string, string>>
}

export interface EndpointNic {
  /** Name of the NIC; empty where it is not known yet. */
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
  /** No default route was set. */
  readonly cleanGateway?: boolean
  /** Routes other than the default. */
  readonly routes?: readonly PoolRoute[]
  /** MAC address, where it was assigned. */
  readonly mac?: string
}

export interface CoordinatorSpec {
  /** How the coordinator plugin works. */
  readonly mode?: 'auto' | 'underlay' | 'overlay' | 'disabled'
  /** Where the CIDRs of overlay pods come from. */
  readonly podCIDRType?: 'auto' | 'cluster' | 'calico' | 'cilium' | 'none'
  /** CIDRs that go through the node. */
  readonly hijackCIDR?: readonly string[]
  /** Routes in the table of the NIC. */
  readonly policyRoutes?: readonly PoolRoute[]
  /** First two bytes of the MAC address, as 0a:1b. */
  readonly podMACPrefix?: string
  /** Arrange the routes of pods with several NICs. */
  readonly tunePodRoutes?: boolean
  /** NIC with the default route. */
  readonly podDefaultRouteNIC?: string
  /** Routing table on the node. */
  readonly hostRuleTable?: number
  /** rp_filter in the pod; negative leaves it. */
  readonly podRPFilter?: number
  /** Transmit queue length; 0 leaves it. */
  readonly txQueueLen?: number
  /** Address of the veth in the pod. */
  readonly vethLinkAddress?: string
  /** MTU of the veth. */
  readonly vethMTU?: number
}

export interface MultusConfigSpec {
  /** Main plugin. */
  readonly cniType?: 'macvlan' | 'ipvlan' | 'vlan' | 'sriov' | 'ovs' | 'ib-sriov' | 'ipoib' | 'custom'
  /** Chain the coordinator plugin. */
  readonly enableCoordinator?: boolean
  /** Leave out the ipam block. */
  readonly disableIPAM?: boolean
  /** Settings of the coordinator plugin for this network. */
  readonly coordinator?: CoordinatorSpec
  /** Further plugins of the chain, each a CNI conf. */
  readonly chainCNIJsonData?: readonly string[]
  /** The whole configuration, for custom. */
  readonly customCNI?: string
  /** macvlan. */
  readonly macvlan?: OnMaster
  /** ipvlan. */
  readonly ipvlan?: OnMaster
  /** vlan. */
  readonly vlan?: {
    /** One NIC of the node, or several for a bond. */
    readonly master: readonly string[]
    /** MTU; 0 leaves it. */
    readonly mtu?: number
    /** VLAN ID; 0 is none. */
    readonly vlanID?: number
    /** Who chooses the VLAN. */
    readonly vlanMode?: 'manual' | 'auto'
    /** A bond of the masters. */
    readonly bond?: Bond
    /** RDMA resource. */
    readonly rdmaResourceName?: string
    /** Pools put into the network configuration. */
    readonly ippools?: PoolNames
  }
  /** SR-IOV. */
  readonly sriov?: {
    /** Resource of the device plugin. */
    readonly resourceName?: string
    /** VLAN ID; 0 is none. */
    readonly vlanID?: number
    /** MTU; 0 leaves it. */
    readonly mtu?: number
    /** Least rate. */
    readonly minTxRateMbps?: number
    /** Greatest rate. */
    readonly maxTxRateMbps?: number
    /** Chain the rdma plugin. */
    readonly rdmaIsolation?: boolean
    /** Pools put into the network configuration. */
    readonly ippools?: PoolNames
  }
  /** InfiniBand SR-IOV. */
  readonly ibsriov?: {
    /** Resource of the device plugin. */
    readonly resourceName?: string
    /** Partition key. */
    readonly pkey?: string
    /** State of the VF. */
    readonly linkState?: 'auto' | 'enable' | 'disable'
    /** Chain the rdma plugin. */
    readonly rdmaIsolation?: boolean
    /** ib-kubernetes manages it. */
    readonly enableIbKubernetes?: boolean
    /** Pools put into the network configuration. */
    readonly ippools?: PoolNames
  }
  /** IP over InfiniBand. */
  readonly ipoib?: {
    /** NIC of the node. */
    readonly master?: string
    /** Pools put into the network configuration. */
    readonly ippools?: PoolNames
  }
  /** Open vSwitch. */
  readonly ovs?: {
    /** Bridge of the node. */
    readonly bridge: string
    /** VLAN ID. */
    readonly vlan?: number
    /** VLANs let through. */
    readonly trunk?: readonly {
      /** One VLAN. */
      readonly id?: number
      /** First VLAN. */
      readonly minID?: number
      /** Last VLAN. */
      readonly maxID?: number
    }[]
    /** PCI address of the VF. */
    readonly deviceID?: string
    /** Pools put into the network configuration. */
    readonly ippools?: PoolNames
  }
}

export interface OnMaster {
  /** One NIC of the node, or several for a bond. */
  readonly master: readonly string[]
  /** MTU; 0 leaves it. */
  readonly mtu?: number
  /** VLAN ID; 0 is none. */
  readonly vlanID?: number
  /** A bond of the masters. */
  readonly bond?: Bond
  /** RDMA resource. */
  readonly rdmaResourceName?: string
  /** Pools put into the network configuration. */
  readonly ippools?: PoolNames
}

export interface Bond {
  /** Name of the bond. */
  readonly name: string
  /** Bonding mode. */
  readonly mode: number
  /** Options k=v;k=v. */
  readonly options?: string
}

export interface PoolNames {
  /** IPv4 pools. */
  readonly ipv4?: readonly string[]
  /** IPv6 pools. */
  readonly ipv6?: readonly string[]
  /** Only pools of the subnet of the master. */
  readonly matchMasterSubnet?: boolean
}

/** How pods reach node, Services and other pods. */
export interface SpiderCoordinator {
  /** Version of this representation of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** Settings of the coordinator plugin. */
  readonly spec?: CoordinatorSpec
  /** What was found. */
  readonly status?: {
    /** Synced or NotReady. */
    readonly phase: string
    /** Why it is not ready. */
    readonly reason?: string
    /** CIDRs of overlay pods. */
    readonly overlayPodCIDR?: readonly string[]
    /** CIDRs of Services. */
    readonly serviceCIDR?: readonly string[]
  }
}

/** NICs, addresses and routes of one pod. */
export interface SpiderEndpoint {
  /** Version of this representation of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** What the pod has. */
  readonly status: {
    /** What it has now. */
    readonly current: {
      /** UID of the pod. */
      readonly uid: string
      /** Node of the pod. */
      readonly node: string
      /** One item a NIC. */
      readonly ips: readonly EndpointNic[]
    }
    /** Kind of the top controller. */
    readonly ownerControllerType: string
    /** Name of the top controller. */
    readonly ownerControllerName: string
  }
}

/** One allocated address. Its name is the address, so no two objects can hold the same one. */
export interface SpiderIPAddress {
  /** Version of this representation of the object. */
  readonly apiVersion: string
  /** Kind of the object. */
  readonly kind: string
  readonly metadata: ObjectMeta
  /** Whose address it is. */
  readonly spec: {
    /** Address with the prefix length of its subnet. */
    readonly address: string
    /** Address family, 4 or 6. */
    readonly ipVersion: 4 | 6
    /** Pool it comes from. */
    readonly pool: string
    /** NIC of the pod. */
    readonly nic: string
    /** Node of the pod. */
    readonly node: string
    /** Sandbox that uses it; empty between two. */
    readonly containerID: string
    /** The pod. */
    readonly pod: {
      /** Its namespace. */
      readonly namespace: string
      /** Its name. */
      readonly name: string
      /** Its UID. */
      readonly uid: string
    }
    /** Its top controller. */
    readonly owner: {
      /** Group and version. */
      readonly apiVersion: string
      /** Kind. */
      readonly kind: string
      /** Name. */
      readonly name: string
    }
  }
}

/** A pool of addresses of one subnet, and which pods may use it. */
export interface SpiderIPPool {
  /** Version of this representation of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** What the pool has and for whom. */
  readonly spec: {
    /** Address family, 4 or 6. Filled in from subnet where it is left out. */
    readonly ipVersion?: 4 | 6
    /** The subnet as a canonical CIDR. It cannot be changed. */
    readonly subnet: string
    /** Addresses of the pool: single ones or first-last. Empty is a pool without addresses. */
    readonly ips?: readonly string[]
    /** Addresses taken out of ips, in the same form. */
    readonly excludeIPs?: readonly string[]
    /** Default gateway of the NIC. */
    readonly gateway?: string
    /** Further routes for the pod. */
    readonly routes?: readonly PoolRoute[]
    /** Pods that may use the pool. */
    readonly podAffinity?: LabelSelector
    /** Namespaces whose pods may use the pool; ignored where namespaceName is given. */
    readonly namespaceAffinity?: LabelSelector
    /** Names of the namespaces whose pods may use the pool. */
    readonly namespaceName?: readonly string[]
    /** Nodes whose pods may use the pool; ignored where nodeName is given. */
    readonly nodeAffinity?: LabelSelector
    /** Names of the nodes whose pods may use the pool. */
    readonly nodeName?: readonly string[]
    /** NetworkAttachmentDefinitions the pool is for: name or namespace/name. */
    readonly multusName?: readonly string[]
    /** Used where neither pod, namespace nor network names a pool. */
    readonly default?: boolean
    /** Gives out nothing new; what is allocated stays and can be released. */
    readonly disable?: boolean
  }
  /** What of it is allocated. */
  readonly status?: {
    /** JSON text of the allocated addresses, where its projection is on. */
    readonly allocatedIPs?: string
    /** True where allocatedIPs was written from SpiderIPAddresses and by no Go program since. */
    readonly allocatedIPsProjected?: boolean
    /** Addresses allocated. */
    readonly allocatedIPCount?: number
    /** What is left of a pool that is nearly full, as far as it goes. A hint, late by up to a second. */
    readonly freeIPs?: readonly string[]
    /** Addresses in ips less excludeIPs that a pod can use. */
    readonly totalIPCount?: number
  }
}

/** A network from which a NetworkAttachmentDefinition is made. */
export interface SpiderMultusConfig {
  /** Version of this representation of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** The network. */
  readonly spec?: MultusConfigSpec
}

/** Addresses that no pool gives out. */
export interface SpiderReservedIP {
  /** Version of this representation of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** What is reserved. */
  readonly spec: {
    /** Address family, 4 or 6. */
    readonly ipVersion?: 4 | 6
    /** Single addresses or first-last. */
    readonly ips?: readonly string[]
  }
}

/** A subnet whose addresses are shared out to pools. */
export interface SpiderSubnet {
  /** Version of this representation of the object. */
  readonly apiVersion?: string
  /** Kind of the object. */
  readonly kind?: string
  readonly metadata: ObjectMeta
  /** What the subnet has. */
  readonly spec: {
    /** Address family, 4 or 6. Filled in from subnet where it is left out. */
    readonly ipVersion?: 4 | 6
    /** The subnet as a canonical CIDR. It cannot be changed. */
    readonly subnet: string
    /** Addresses that pools may have: single ones or first-last. */
    readonly ips?: readonly string[]
    /** Addresses taken out of ips. */
    readonly excludeIPs?: readonly string[]
    /** Gateway that its pools inherit. */
    readonly gateway?: string
    /** Routes that its pools inherit. */
    readonly routes?: readonly PoolRoute[]
  }
  /** What of it pools have. */
  readonly status?: {
    /** JSON text of the pools and their ranges. */
    readonly controlledIPPools?: string
    /** Addresses in ips less excludeIPs that a pod can use. */
    readonly totalIPCount?: number
    /** Addresses given to pools. */
    readonly allocatedIPCount?: number
  }
}
