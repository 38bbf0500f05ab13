// The shape of a kind's rules, and what asks them of an object of unknown shape. Pure; knows no kind.
import type { Families } from './addressing.js'
import type { Refused } from './cause.js'
import { required, type Fault } from './fault.js'
import type { NetworkAttachmentDefinition, SpiderMultusConfig } from './multusconfig.js'
import type { ObjectMeta, SpiderIPAddress, SpiderIPPool, SpiderSubnet } from './types.js'

/** Of conf.yml. */
export interface Switches extends Families {
  readonly enableSpiderSubnet: boolean
  /** enableValidatingResourcesDeletedWebhook: pools and subnets in use are not deleted. */
  readonly keepsUsed: boolean
}

/** Objects of the cluster that rules look at. */
export interface Around {
  readonly pools: readonly SpiderIPPool[]
  readonly subnets: readonly SpiderSubnet[]
  readonly addresses: readonly SpiderIPAddress[]
  readonly definitions: readonly NetworkAttachmentDefinition[]
  readonly configs: readonly SpiderMultusConfig[]
  readonly namespaces: readonly { readonly metadata: ObjectMeta }[]
}
export const NOTHING_AROUND: Around = {
  ...{ pools: [], subnets: [], addresses: [] },
  ...{ definitions: [], configs: [], namespaces: [] },
}

/** Which of a kind: those with a label `key=value`, or the one of a name; all where it says nothing. */
export interface Which {
  readonly label?: string
  readonly name?: string
  readonly namespace?: string
}
export type Looks = { readonly [K in keyof Around]?: Which }

export interface Written<T> {
  readonly object: T
  /** As it is; `undefined` at creation. */
  readonly old: T | undefined
  /** Of the request: an object at creation need not say it itself. */
  readonly namespace: string
}

/** Mutation is asked first; validation is given what became of the object. */
export interface Rules<T> {
  /** Whether the fields that the rules read have the types of the schema; what has not is left for the schema to name. */
  readonly is: (object: unknown) => object is T
  /** Said of an object that is not so, though its schema lets it be. */
  readonly lacks: { readonly field: string; readonly why: string }
  /** Asked again with what was found, until it asks for nothing new. */
  readonly toMutate?: (written: Written<T>, switches: Switches, found: Around) => Looks
  /** Why no mutation can make it right. */
  readonly refusals?: (written: Written<T>, around: Around) => readonly Fault[]
  readonly mutate: (written: Written<T>, around: Around) => T
  readonly toValidate?: (written: Written<T>, switches: Switches) => Looks
  readonly validate?: (written: Written<T>, around: Around, switches: Switches) => readonly Fault[]
  /** What is said of an object that may be. */
  readonly warnings?: (object: T) => readonly string[]
  readonly deletion?: (object: T) => readonly Fault[]
}

/** The same, of objects as JSON has them. */
export interface Admission {
  readonly of: Refused
  toMutate(written: Written<unknown>, switches: Switches, found: Around): Looks
  refusals(written: Written<unknown>, around: Around): readonly Fault[]
  /** The object itself where nothing is to be done. */
  mutate(written: Written<unknown>, around: Around): unknown
  toValidate(written: Written<unknown>, switches: Switches): Looks
  validate(written: Written<unknown>, around: Around, switches: Switches): readonly Fault[]
  warnings(object: unknown): readonly string[]
  deletion(object: unknown, switches: Switches): readonly Fault[]
}

export function admission<T>(of: Refused, rules: Rules<T>): Admission {
  const { is, lacks } = rules
  const shaped = ({ object, old, namespace }: Written<unknown>): Written<T> | undefined =>
    is(object) ? { object, old: is(old) ? old : undefined, namespace } : undefined
  const when = <R>(written: Written<unknown>, then: (shape: Written<T>) => R, otherwise: R): R => {
    const shape = shaped(written)
    return shape ? then(shape) : otherwise
  }
  return {
    of,
    toMutate: (written, switches, found) =>
      when(written, shape => rules.toMutate?.(shape, switches, found) ?? {}, {} as Looks),
    refusals: (written, around) => when(written, shape => rules.refusals?.(shape, around) ?? [], []),
    mutate: (written, around) => when<unknown>(written, shape => rules.mutate(shape, around), written.object),
    toValidate: (written, switches) => when(written, shape => rules.toValidate?.(shape, switches) ?? {}, {} as Looks),
    validate: (written, around, switches) =>
      when(written, shape => rules.validate?.(shape, around, switches) ?? [], [required(lacks.field, lacks.why)]),
    warnings: object => (is(object) ? (rules.warnings?.(object) ?? []) : []),
    deletion: (object, { keepsUsed }) => (keepsUsed && is(object) ? (rules.deletion?.(object) ?? []) : []),
  }
}
