// SpiderMultusConfig and the NetworkAttachmentDefinition that is made of it. Types only.
import type { ObjectMeta } from './meta.js'

export type {
  Bond,
  CoordinatorSpec,
  MultusConfigSpec,
  OnMaster,
  PoolNames,
  SpiderMultusConfig,
} from '../../schemas/crds/generated/types.js'

export interface NetworkAttachmentDefinition {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly spec?: { readonly config?: string }
}
