// The objects that we read and write, as the API server sends them. Only the fields we use; what else is there is kept on writing.
export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

export interface PoolRoute {
  readonly dst: string
  readonly gw: string
}

export interface SpiderIPPool {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly spec: {
    readonly ipVersion?: number
    readonly subnet: string
    readonly ips?: readonly string[]
    readonly excludeIPs?: readonly string[]
    readonly gateway?: string
    readonly routes?: readonly PoolRoute[]
    readonly podAffinity?: LabelSelector
    readonly namespaceAffinity?: LabelSelector
    readonly namespaceName?: readonly string[]
    readonly nodeAffinity?: LabelSelector
    readonly nodeName?: readonly string[]
    readonly multusName?: readonly string[]
    readonly default?: boolean
    readonly disable?: boolean
  }
  readonly status?: {
    readonly allocatedIPs?: string
    readonly totalIPCount?: number
    readonly allocatedIPCount?: number
    /** What is left of a pool that is nearly full, as far as it goes; late by up to a second. */
    readonly freeIPs?: readonly string[]
    /**
     * What no Go program has written since. True: our controller wrote allocatedIPs from SpiderIPAddresses. False without allocatedIPs:
     * no Go agent allocates from the pool; with it: ADDs of ours alone wrote it. Absent: unknown (decisions/0021).
     */
    readonly allocatedIPsProjected?: boolean
  }
}

export interface SpiderSubnet {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly spec: {
    readonly ipVersion?: number
    readonly subnet: string
    readonly ips?: readonly string[]
    readonly excludeIPs?: readonly string[]
    readonly gateway?: string
    readonly routes?: readonly PoolRoute[]
  }
  readonly status?: {
    /** JSON text (`lib/crd/controlled.ts`); absent where no pool has anything. */
    readonly controlledIPPools?: string
    readonly totalIPCount?: number
    readonly allocatedIPCount?: number
  }
}

export interface SpiderReservedIP {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly spec: { readonly ipVersion?: number; readonly ips?: readonly string[] }
}

export interface EndpointNic {
  readonly interface: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly ipv4Pool?: string
  readonly ipv6Pool?: string
  readonly vlan?: number
  readonly ipv4Gateway?: string
  readonly ipv6Gateway?: string
  readonly cleanGateway?: boolean
  readonly routes?: readonly PoolRoute[]
  readonly mac?: string
}

export interface SpiderEndpoint {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly status: {
    readonly current: { readonly uid: string; readonly node: string; readonly ips: readonly EndpointNic[] }
    readonly ownerControllerType: string
    readonly ownerControllerName: string
  }
}

export interface SpiderIPAddress {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly spec: {
    /** With the prefix length of the pool's subnet: `172.18.30.139/16`. */
    readonly address: string
    readonly ipVersion: number
    readonly pool: string
    readonly nic: string
    readonly node: string
    readonly containerID: string
    readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
    readonly owner: { readonly apiVersion: string; readonly kind: string; readonly name: string }
  }
}

export interface Pod {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly nodeName?: string
    readonly hostNetwork?: boolean
    readonly restartPolicy?: string
    readonly terminationGracePeriodSeconds?: number
  }
  readonly status?: {
    readonly phase?: string
    readonly reason?: string
    readonly podIPs?: readonly { readonly ip: string }[]
  }
}

/** core/v1 Event. */
export interface Event {
  readonly apiVersion: 'v1'
  readonly kind: 'Event'
  readonly metadata: ObjectMeta
  readonly involvedObject: {
    readonly apiVersion: string
    readonly kind: string
    readonly namespace?: string
    readonly name: string
    readonly uid?: string
  }
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly source: { readonly component: string; readonly host?: string }
  readonly firstTimestamp: string
  readonly lastTimestamp: string
  readonly count: number
}
