// The interface of admission rules, and their adapter for unparsed objects. Pure.
import type { Families } from './addressing.js'
import type { ResourceNames } from './cause.js'
import { required, type Fault } from './fault.js'
import type { NetworkAttachmentDefinition, SpiderMultusConfig } from './multusconfig.js'
import type { ObjectMeta, SpiderIPAddress, SpiderIPPool, SpiderSubnet } from './types.js'

/** Settings of conf.yml. */
export interface AdmissionSwitches extends Families {
  readonly enableSpiderSubnet: boolean
  /** enableValidatingResourcesDeletedWebhook: pools and subnets in use are not deleted. */
  readonly keepsUsed: boolean
}

/** Objects of the cluster that rules read. */
export interface AdmissionContext {
  readonly pools: readonly SpiderIPPool[]
  readonly subnets: readonly SpiderSubnet[]
  readonly addresses: readonly SpiderIPAddress[]
  readonly definitions: readonly NetworkAttachmentDefinition[]
  readonly configs: readonly SpiderMultusConfig[]
  readonly namespaces: readonly { readonly metadata: ObjectMeta }[]
}
export const EMPTY_CONTEXT: AdmissionContext = {
  ...{ pools: [], subnets: [], addresses: [] },
  ...{ definitions: [], configs: [], namespaces: [] },
}

/** Objects with a label `key=value`, or the one of a name; all where both are absent. */
export interface ObjectQuery {
  readonly label?: string
  readonly name?: string
  readonly namespace?: string
}
export type ContextQuery = { readonly [K in keyof AdmissionContext]?: ObjectQuery }

export interface WriteRequest<T> {
  readonly object: T
  /** The stored object; `undefined` at creation. */
  readonly old: T | undefined
  /** Of the request: metadata.namespace may be absent at creation. */
  readonly namespace: string
}

/** Mutation first; validation runs on its result. */
export interface AdmissionRules<T> {
  /**
   * Whether the fields that mutation reads have the schema's types; the schema reports the others.
   */
  readonly is: (object: unknown) => object is T
  /** The fault of an object that fails `is` although its schema accepts it. */
  readonly shapeFault: { readonly field: string; readonly why: string }
  /** Called again with the objects found, until it returns no new query. */
  readonly toMutate?: (request: WriteRequest<T>, switches: AdmissionSwitches, found: AdmissionContext) => ContextQuery
  /** Faults that no mutation can correct. */
  readonly refusals?: (request: WriteRequest<T>, context: AdmissionContext) => readonly Fault[]
  readonly mutate: (request: WriteRequest<T>, context: AdmissionContext) => T
  readonly toValidate?: (request: WriteRequest<T>, switches: AdmissionSwitches) => ContextQuery
  readonly validate?: (
    request: WriteRequest<T>,
    context: AdmissionContext,
    switches: AdmissionSwitches,
  ) => readonly Fault[]
  /** Warnings for an accepted object. */
  readonly warnings?: (object: T) => readonly string[]
  readonly deletion?: (object: T) => readonly Fault[]
}

/** The same for unparsed objects. */
export interface Admission {
  readonly of: ResourceNames
  toMutate(request: WriteRequest<unknown>, switches: AdmissionSwitches, found: AdmissionContext): ContextQuery
  refusals(request: WriteRequest<unknown>, context: AdmissionContext): readonly Fault[]
  /** The same object where nothing changes. */
  mutate(request: WriteRequest<unknown>, context: AdmissionContext): unknown
  toValidate(request: WriteRequest<unknown>, switches: AdmissionSwitches): ContextQuery
  validate(request: WriteRequest<unknown>, context: AdmissionContext, switches: AdmissionSwitches): readonly Fault[]
  warnings(object: unknown): readonly string[]
  deletion(object: unknown, switches: AdmissionSwitches): readonly Fault[]
}

/** The rules behind the guard `is`: they only run on objects that pass it. */
export function admission<T>(of: ResourceNames, rules: AdmissionRules<T>): Admission {
  const { is, shapeFault } = rules
  const shaped = ({ object, old, namespace }: WriteRequest<unknown>): WriteRequest<T> | undefined =>
    is(object) ? { object, old: is(old) ? old : undefined, namespace } : undefined
  const when = <R>(request: WriteRequest<unknown>, then: (shape: WriteRequest<T>) => R, otherwise: R): R => {
    const shape = shaped(request)
    return shape ? then(shape) : otherwise
  }
  return {
    of,
    toMutate: (request, switches, found) =>
      when(request, shape => rules.toMutate?.(shape, switches, found) ?? {}, {} as ContextQuery),
    refusals: (request, context) => when(request, shape => rules.refusals?.(shape, context) ?? [], []),
    mutate: (request, context) => when<unknown>(request, shape => rules.mutate(shape, context), request.object),
    toValidate: (request, switches) =>
      when(request, shape => rules.toValidate?.(shape, switches) ?? {}, {} as ContextQuery),
    validate: (request, context, switches) =>
      when(request, shape => rules.validate?.(shape, context, switches) ?? [], [
        required(shapeFault.field, shapeFault.why),
      ]),
    warnings: object => (is(object) ? (rules.warnings?.(object) ?? []) : []),
    deletion: (object, { keepsUsed }) => (keepsUsed && is(object) ? (rules.deletion?.(object) ?? []) : []),
  }
}
