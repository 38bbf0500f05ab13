// The stored object, and access to untyped JSON.

export type JsonObject = Record<string, unknown>

export interface Owner {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

/** ObjectMeta of a stored object. Fields of later Kubernetes versions are kept (JsonObject). */
export interface Meta extends JsonObject {
  name: string
  namespace?: string
  generateName?: string
  uid: string
  resourceVersion: string
  generation?: number
  creationTimestamp: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: Owner[]
  managedFields?: unknown[]
}

export interface Stored extends JsonObject {
  apiVersion: string
  kind: string
  metadata: Meta
}

/** Whether a value is a JSON object. */
export const isFields = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value if it is a JSON object, else an empty one. */
export const fieldsOf = (value: unknown): JsonObject => (isFields(value) ? value : {})

/** Parses what this server wrote; not validated again. */
export const parseStored = (text: string): Stored => JSON.parse(text)

/** JSON.parse typed as unknown. @throws SyntaxError */
export const parseJson = (text: string): unknown => JSON.parse(text)

/** The value at a path of keys; undefined if absent. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value
  for (const name of path) {
    if (!isFields(here)) return undefined
    here = here[name]
  }
  return here
}

/** Deep equality of JSON values; an absent key equals undefined. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]))
  }
  if (!isFields(a) || !isFields(b)) return false
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].every(key => sameJson(a[key], b[key]))
}

/** RFC 3339 in whole seconds, as metav1.Time prints. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
