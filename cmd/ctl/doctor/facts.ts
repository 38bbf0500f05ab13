// What `doctor` knows of a cluster, and what it says about it. Types only, pure.
import type { SpiderCoordinator } from '../../../lib/crd/coordinator.js'
import type { ObjectMeta, SpiderIPPool, SpiderReservedIP, SpiderSubnet } from '../../../lib/crd/types.js'
import type { NodeAddresses } from '../pool/decide.js'

/** One thing that is wrong, or worth a look. */
export interface Finding {
  /** What was looked at: `crds`, `webhooks`, `leader` and so on. */
  readonly check: string
  readonly object: string
  readonly what: string
  readonly why: string
  /** The command or the edit that mends it. */
  readonly mend: string
  /** True where nothing is broken yet. */
  readonly isNote?: true
}

export interface CrdObject {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly versions?: readonly { readonly name: string; readonly served?: boolean; readonly storage?: boolean }[]
  }
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[]
  }
}

export interface WebhookConfigObject {
  readonly metadata: ObjectMeta
  readonly webhooks?: readonly {
    readonly name: string
    readonly clientConfig?: {
      readonly caBundle?: string
      readonly service?: { readonly name: string; readonly namespace: string }
    }
  }[]
}

export interface LeaseObject {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly holderIdentity?: string
    readonly renewTime?: string
    readonly leaseDurationSeconds?: number
  }
}

export interface DoctorPod {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly nodeName?: string
    readonly containers?: readonly { readonly name?: string; readonly image?: string }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

export interface NadObject {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly config?: string }
}

export interface LabelledObject {
  readonly metadata: ObjectMeta
}

/** Undefined: it could not be read; then nothing is said about it. */
export interface ClusterFacts {
  /** Milliseconds since 1970. */
  readonly now: number
  /** By name; null: it does not exist. */
  readonly crds: Readonly<Record<string, CrdObject | null>> | undefined
  readonly webhooks: readonly WebhookConfigObject[] | undefined
  /** Of each Service of a webhook: how many endpoints are ready. */
  readonly endpoints: Readonly<Record<string, number | undefined>>
  /** Expiry of caBundles and of the certificate in the Secret, in milliseconds since 1970. */
  readonly certificates: readonly { readonly of: string; readonly notAfter: number }[]
  /** The API server's words about a write that is not stored; '' where it was admitted. */
  readonly admission: { readonly kind: 'admitted' | 'failed' | 'unknown'; readonly message: string }
  readonly lease: LeaseObject | null | undefined
  readonly agents: readonly DoctorPod[] | undefined
  readonly hasAgents: boolean
  readonly nodes: readonly (NodeAddresses & LabelledObject)[] | undefined
  readonly namespaces: readonly LabelledObject[] | undefined
  readonly coordinator: SpiderCoordinator | null | undefined
  readonly hasKubeadmConfig: boolean | undefined
  readonly nads: readonly NadObject[] | undefined
  readonly pools: readonly SpiderIPPool[] | undefined
  readonly subnets: readonly SpiderSubnet[] | undefined
  readonly reserved: readonly SpiderReservedIP[] | undefined
  readonly agentNamespace: string
  readonly clusterNetwork: string
  /** Rights that this user lacks: `list nodes`. */
  readonly lacking: readonly string[]
}
