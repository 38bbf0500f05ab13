// The shape of a kind's rules, and what asks them of an object of unknown shape. Pure; knows no kind.
import type { Families } from './addressing.js'
import type { ResourceNames } from './cause.js'
import { required, type Fault } from './fault.js'
import type { NetworkAttachmentDefinition, SpiderMultusConfig } from './multusconfig.js'
import type { ObjectMeta, SpiderIPAddress, SpiderIPPool, SpiderSubnet } from './types.js'

/** Of conf.yml. */
export interface AdmissionSwitches extends Families {
  readonly enableSpiderSubnet: boolean
  /** enableValidatingResourcesDeletedWebhook: pools and subnets in use are not deleted. */
  readonly keepsUsed: boolean
}

/** Objects of the cluster that rules look at. */
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

/** Which of a kind: those with a label `key=value`, or the one of a name; all where it says nothing. */
export interface ObjectQuery {
  readonly label?: string
  readonly name?: string
  readonly namespace?: string
}
export type ContextQuery = { readonly [K in keyof AdmissionContext]?: ObjectQuery }

export interface WriteRequest<T> {
  readonly object: T
  /** As it is; `undefined` at creation. */
  readonly old: T | undefined
  /** Of the request: an object at creation need not say it itself. */
  readonly namespace: string
}

/** Mutation is asked first; validation is given what became of the object. */
export interface AdmissionRules<T> {
  /** Whether the fields that the rules read have the types of the schema; what has not is left for the schema to name. */
  readonly is: (object: unknown) => object is T
  /** Said of an object that is not so, though its schema lets it be. */
  readonly lacks: { readonly field: string; readonly why: string }
  /** Asked again with what was found, until it asks for nothing new. */
  readonly toMutate?: (request: WriteRequest<T>, switches: AdmissionSwitches, found: AdmissionContext) => ContextQuery
  /** Why no mutation can make it right. */
  readonly refusals?: (request: WriteRequest<T>, context: AdmissionContext) => readonly Fault[]
  readonly mutate: (request: WriteRequest<T>, context: AdmissionContext) => T
  readonly toValidate?: (request: WriteRequest<T>, switches: AdmissionSwitches) => ContextQuery
  readonly validate?: (
    request: WriteRequest<T>,
    context: AdmissionContext,
    switches: AdmissionSwitches,
  ) => readonly Fault[]
  /** What is said of an object that may be. */
  readonly warnings?: (object: T) => readonly string[]
  readonly deletion?: (object: T) => readonly Fault[]
}

/** The same, of objects as JSON has them. */
export interface Admission {
  readonly of: ResourceNames
  toMutate(request: WriteRequest<unknown>, switches: AdmissionSwitches, found: AdmissionContext): ContextQuery
  refusals(request: WriteRequest<unknown>, context: AdmissionContext): readonly Fault[]
  /** The object itself where nothing is to be done. */
  mutate(request: WriteRequest<unknown>, context: AdmissionContext): unknown
  toValidate(request: WriteRequest<unknown>, switches: AdmissionSwitches): ContextQuery
  validate(request: WriteRequest<unknown>, context: AdmissionContext, switches: AdmissionSwitches): readonly Fault[]
  warnings(object: unknown): readonly string[]
  deletion(object: unknown, switches: AdmissionSwitches): readonly Fault[]
}

export function admission<T>(of: ResourceNames, rules: AdmissionRules<T>): Admission {
  const { is, lacks } = rules
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
      when(request, shape => rules.validate?.(shape, context, switches) ?? [], [required(lacks.field, lacks.why)]),
    warnings: object => (is(object) ? (rules.warnings?.(object) ?? []) : []),
    deletion: (object, { keepsUsed }) => (keepsUsed && is(object) ? (rules.deletion?.(object) ?? []) : []),
  }
}
