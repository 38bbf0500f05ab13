// The schema of every kind: from its CRD, or for a built-in kind from the tables.
import type { KindInfo, Schema } from './kinds.js'
import { CORE } from './builtin-types-core.js'
import {
  ADMISSION,
  APPS,
  BATCH,
  COORDINATION,
  DISCOVERY,
  EXTENSIONS,
  META,
  NETWORKING,
} from './builtin-types-groups.js'

/** The OpenAPI prefix of each table. */
const TABLES: readonly (readonly [prefix: string, types: Readonly<Record<string, string>>])[] = [
  ['io.k8s.apimachinery.pkg.apis.meta.v1', META],
  ['io.k8s.api.core.v1', CORE],
  ['io.k8s.api.apps.v1', APPS],
  ['io.k8s.api.batch.v1', BATCH],
  ['io.k8s.api.coordination.v1', COORDINATION],
  ['io.k8s.api.discovery.v1', DISCOVERY],
  ['io.k8s.api.networking.v1', NETWORKING],
  ['io.k8s.api.admissionregistration.v1', ADMISSION],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1', EXTENSIONS],
]

interface Field {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly is: 'one' | 'map' | 'list'
  /** Map keys of a list; `=` for a set. */
  readonly keys: readonly string[]
  readonly byDefault: string | undefined
}

/** A type of the tables; `definition` is its OpenAPI name. */
export interface BuiltinType {
  readonly name: string
  readonly definition: string
  readonly fields: readonly Field[]
}

const FIELD = /^(?<name>\w+)(?<required>!)?(?:\[(?<keys>[\w,=]*)\]|(?<map>\{\}))?:(?<type>\w+)(?:=(?<byDefault>\w+))?$/

function fieldOf(text: string): Field {
  const { name, required, keys, map, type, byDefault } = FIELD.exec(text)?.groups ?? {}
  if (name === undefined || type === undefined) throw new TypeError(`not a field: ${text}`)
  const is = keys !== undefined ? 'list' : map !== undefined ? 'map' : 'one'
  return { name, type, required: required !== undefined, is, keys: keys ? keys.split(',') : [], byDefault }
}

let types: ReadonlyMap<string, BuiltinType> | undefined

/** All built-in types by name; parsed at first use, since most starts do not need them. */
export function builtinTypes(): ReadonlyMap<string, BuiltinType> {
  types ??= new Map(
    TABLES.flatMap(([prefix, table]) =>
      Object.entries(table).map(([name, line]) => {
        const fields = line.split(' ').map(fieldOf)
        return [name, { name, definition: `${prefix}.${name}`, fields }] as const
      }),
    ),
  )
  return types
}

const SCALARS: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int: { type: 'integer' },
  time: { type: 'string', format: 'date-time' },
  quantity: { 'x-kubernetes-int-or-string': true },
  intOrString: { 'x-kubernetes-int-or-string': true },
  object: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
}

/** The schema of a field; `nested` writes a type of the tables, inline or as a reference. */
export function fieldSchema({ is, keys, type, byDefault }: Field, nested: (type: BuiltinType) => Schema): Schema {
  const known = builtinTypes().get(type)
  const one = known ? nested(known) : SCALARS[type]
  if (!one) throw new TypeError(`no type ${type}`)
  switch (is) {
    case 'one':
      return byDefault === undefined ? one : { ...one, default: byDefault }
    case 'map':
      return { type: 'object', additionalProperties: one }
    case 'list':
      return { type: 'array', items: one, ...listKind(keys) }
  }
}

function listKind(keys: readonly string[]): Schema {
  if (keys.length === 0) return { 'x-kubernetes-list-type': 'atomic' }
  if (keys[0] === '=') return { 'x-kubernetes-list-type': 'set' }
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys }
}

const ATOMIC = new Set(['LabelSelector', 'ObjectReference', 'LocalObjectReference'])

const whole = new Map<string, Schema>()
function wholeSchema(type: BuiltinType): Schema {
  const known = whole.get(type.name)
  if (known) return known
  const schema: Schema = {
    type: 'object',
    properties: Object.fromEntries(type.fields.map(field => [field.name, fieldSchema(field, wholeSchema)])),
    ...(ATOMIC.has(type.name) && { 'x-kubernetes-map-type': 'atomic' }),
  }
  whole.set(type.name, schema)
  return schema
}

const BARE: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const made = new WeakMap<KindInfo, Schema>()

/** The table type of a built-in kind; undefined for a custom kind. */
export const builtinTypeOf = (kind: KindInfo): BuiltinType | undefined =>
  kind.custom ? undefined : builtinTypes().get(kind.kind)

/**
 * The schema of an object of a kind, with metadata. Unnamed fields are granular maps and atomic
 * lists.
 */
export function schemaOfKind(kind: KindInfo): Schema {
  const known = made.get(kind)
  if (known) return known
  const type = builtinTypeOf(kind)
  const meta = builtinTypes().get('ObjectMeta')
  const own = type ? wholeSchema(type) : (kind.schema ?? BARE)
  const schema: Schema = {
    ...own,
    properties: {
      ...own.properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      ...(meta && { metadata: wholeSchema(meta) }),
    },
  }
  made.set(kind, schema)
  return schema
}

/** The schema of a field or map member. */
export function childSchema(schema: Schema | undefined, key: string): Schema | undefined {
  const own = schema?.properties?.[key]
  if (own) return own
  const more = schema?.additionalProperties
  return typeof more === 'object' ? more : undefined
}
