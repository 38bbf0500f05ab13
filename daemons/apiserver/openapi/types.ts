// The types of all kinds as OpenAPI schemas, under the definition names of Kubernetes.
import { apiVersionOf, type KindInfo, type Schema } from '../schema/kinds.js'
import { fieldsOf, isFields } from '../schema/stored-object.js'
import { builtinTypeOf, builtinTypes, fieldSchema, type BuiltinType } from '../schema/builtin-types.js'

/** An OpenAPI schema: a structural schema with references and extensions. */
export interface OpenSchema {
  readonly [key: string]: unknown
}

export interface GroupVersionKind {
  readonly group: string
  readonly kind: string
  readonly version: string
}
/** The GroupVersionKind of a kind. */
export const gvkOf = ({ group, kind, version }: KindInfo): GroupVersionKind => ({ group, kind, version })
export const GVK = 'x-kubernetes-group-version-kind'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const LIST_META = `${META}.ListMeta`
const OBJECT_META = `${META}.ObjectMeta`

/** `example.com/v1 Pool` is `com.example.v1.Pool`; built-in kinds have the name of Kubernetes. */
export const definitionName = (kind: KindInfo): string =>
  builtinTypeOf(kind)?.definition ??
  [...kind.group.split('.').reverse(), kind.version, kind.kind].filter(part => part !== '').join('.')

const API_VERSION = {
  type: 'string',
  description:
    'APIVersion is the version of the schema in which this object is written, as group/version. See https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
}
const KIND = {
  type: 'string',
  description:
    'Kind is the resource of this object, in CamelCase. See https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
}

interface Style {
  /** The prefix of a definition in a reference. */
  readonly refs: string
  /** Writes the schema of a CRD in this version of OpenAPI. */
  readonly custom: (schema: Schema) => OpenSchema
}

/** All definitions that `kinds` need, by name. */
export function definitionsOf(
  kinds: readonly KindInfo[],
  { refs, custom }: Style,
): Readonly<Record<string, OpenSchema>> {
  const out = new Map<string, OpenSchema>()
  const refTo = (name: string): OpenSchema => ({ $ref: `${refs}${name}` })
  const need = (type: BuiltinType): OpenSchema => {
    if (!out.has(type.definition)) {
      out.set(type.definition, {}) // ends the recursion of a type that contains itself
      out.set(type.definition, builtinSchema(type, need))
    }
    return refTo(type.definition)
  }
  const meta = builtinTypes().get('ObjectMeta')
  if (meta) need(meta)
  out.set(LIST_META, listMetaSchema())
  for (const kind of kinds) {
    const type = builtinTypeOf(kind)
    const own = type ? builtinSchema(type, need) : custom(kind.schema ?? {})
    const name = definitionName(kind)
    out.set(name, objectSchema(own, gvkOf(kind), refTo(OBJECT_META)))
    out.set(`${name}List`, listSchema(kind, refTo(name), refTo(LIST_META)))
  }
  return Object.fromEntries([...out].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function objectSchema(own: OpenSchema, gvk: GroupVersionKind, metadata: OpenSchema): OpenSchema {
  const { properties = {}, ...rest } = own
  const described = { ...metadata, description: 'Standard object metadata: name, labels, owners, versions.' }
  return {
    ...rest,
    type: 'object',
    properties: { ...fieldsOf(properties), apiVersion: API_VERSION, kind: KIND, metadata: described },
    [GVK]: [gvk],
  }
}

const listSchema = (kind: KindInfo, items: OpenSchema, metadata: OpenSchema): OpenSchema => ({
  type: 'object',
  description: `${kind.listKind} is a list of ${kind.kind} in ${apiVersionOf(kind)}.`,
  required: ['items'],
  properties: { apiVersion: API_VERSION, kind: KIND, metadata, items: { type: 'array', items } },
  [GVK]: [{ ...gvkOf(kind), kind: kind.listKind }],
})

const listMetaSchema = (): OpenSchema => ({
  type: 'object',
  description: 'ListMeta has the revision of a list and the token of its next page.',
  properties: {
    continue: { type: 'string' },
    remainingItemCount: { type: 'integer', format: 'int64' },
    resourceVersion: { type: 'string' },
    selfLink: { type: 'string' },
  },
})

function builtinSchema(type: BuiltinType, need: (type: BuiltinType) => OpenSchema): OpenSchema {
  const required = type.fields.filter(each => each.required).map(({ name }) => name)
  const properties = type.fields.map(each => [each.name, patchable(openField(each, need))] as const)
  return {
    type: 'object',
    description: `${type.name} of Kubernetes; https://kubernetes.io/docs/reference/kubernetes-api/ describes every field.`,
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
  }
}

function openField(each: BuiltinType['fields'][number], need: (type: BuiltinType) => OpenSchema): OpenSchema {
  const { default: _, ...schema } = fieldSchema(each, need)
  return open({ ...schema })
}

/** Without extensions that clients do not read: int-or-string becomes a string. */
function open(schema: OpenSchema): OpenSchema {
  const {
    'x-kubernetes-int-or-string': either,
    'x-kubernetes-preserve-unknown-fields': _,
    items,
    additionalProperties,
    ...rest
  } = schema
  return {
    ...rest,
    ...(either === true && { type: 'string', format: 'int-or-string' }),
    ...(isFields(items) && { items: open(items) }),
    ...(isFields(additionalProperties) && { additionalProperties: open(additionalProperties) }),
  }
}

/** Adds the keys by which kubectl computes strategic patches. */
function patchable(schema: OpenSchema): OpenSchema {
  const keys = schema['x-kubernetes-list-map-keys']
  const key: unknown = Array.isArray(keys) ? keys[0] : undefined
  switch (schema['x-kubernetes-list-type']) {
    case 'map':
      return { ...schema, 'x-kubernetes-patch-merge-key': key, 'x-kubernetes-patch-strategy': 'merge' }
    case 'set':
      return { ...schema, 'x-kubernetes-patch-strategy': 'merge' }
    default:
      return schema
  }
}
