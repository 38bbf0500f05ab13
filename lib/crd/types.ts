// The objects that we read and write, as the API server sends them: only the fields we use; the
// others are kept on writing. Those of the CRDs are generated from schemas/crds. Types only.
import type { ObjectMeta } from './meta.js'

export type { ObjectMeta, OwnerReference } from './meta.js'
export type {
  EndpointNic,
  LabelSelector,
  PoolRoute,
  SpiderEndpoint,
  SpiderIPAddress,
  SpiderIPPool,
  SpiderReservedIP,
  SpiderSubnet,
} from '../../schemas/crds/generated/types.js'

export interface Pod {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly nodeName?: string
    readonly hostNetwork?: boolean
    readonly restartPolicy?: string
    readonly terminationGracePeriodSeconds?: number
    readonly containers?: readonly {
      readonly name?: string
      readonly command?: readonly string[]
      readonly args?: readonly string[]
    }[]
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
