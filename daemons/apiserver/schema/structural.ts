// Structural schemas: defaulting, pruning, validation (by ajv).
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Cause } from './status-error.js'
import { fault } from './status-error.js'
import type { KindInfo, Schema } from './kinds.js'
import { isFields, type JsonObject, type Stored } from './stored-object.js'
import { listFaults } from './structural-lists.js'

export interface Shaped {
  readonly object: Stored
  /** Paths of pruned fields. */
  readonly unknown: readonly string[]
}

export interface Shape {
  /** The object with defaults and without unknown fields. */
  shape(object: Stored): Shaped
  /** The causes for which the object is invalid. */
  faults(object: Stored): readonly Cause[]
}

const free: Shape = { shape: object => ({ object, unknown: [] }), faults: () => [] }

const made = new WeakMap<KindInfo, Shape>()

/** The schema of a kind; compiled at first use and cached. */
export function schemaFor(kind: KindInfo): Shape {
  const known = made.get(kind)
  if (known) return known
  const shape = kind.schema === undefined ? free : shapeOf(kind.schema)
  made.set(kind, shape)
  return shape
}

const ROOT_KEPT = ['apiVersion', 'kind', 'metadata']

function shapeOf(schema: Schema): Shape {
  let validate: ValidateFunction | undefined
  return {
    shape(object) {
      const unknown: string[] = []
      const kept = Object.fromEntries(ROOT_KEPT.map(key => [key, object[key]]))
      const body = Object.fromEntries(Object.entries(object).filter(([key]) => !ROOT_KEPT.includes(key)))
      const { metadata, apiVersion, kind } = object
      const shaped = shapedFields(body, schema, '', unknown, true)
      return { object: { ...kept, ...shaped, metadata, apiVersion, kind }, unknown }
    },
    faults(object) {
      validate ??= compile(schema)
      validate(object)
      return [...causesOf(validate.errors ?? []), ...listFaults(object, schema, '')]
    },
  }
}

function shaped(value: unknown, schema: Schema, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? value.map((item: unknown, i) => shaped(item, items, `${path}[${i}]`, unknown)) : value
  }
  return isFields(value) ? shapedFields(value, schema, path, unknown, false) : value
}

const below = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

function shapedFields(value: JsonObject, schema: Schema, path: string, unknown: string[], root: boolean): JsonObject {
  const { properties = {}, additionalProperties } = schema
  const keeps = schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties === true
  const embedded = !root && schema['x-kubernetes-embedded-resource'] === true
  const out: JsonObject = {}
  for (const [key, item] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (known) {
      if (item === null && known.nullable !== true && known.default !== undefined) continue // defaulted below
      out[key] = shaped(item, known, below(path, key), unknown)
    } else if (isFields(additionalProperties)) out[key] = shaped(item, additionalProperties, below(path, key), unknown)
    else if (keeps || (embedded && ROOT_KEPT.includes(key))) out[key] = item
    else unknown.push(below(path, key))
  }
  for (const [key, property] of Object.entries(properties)) {
    if (out[key] !== undefined || property.default === undefined || (root && ROOT_KEPT.includes(key))) continue
    out[key] = shaped(structuredClone(property.default), property, below(path, key), [])
  }
  return out
}

const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/ // RFC 3339 §5.6

/** Validated formats; others are accepted. */
const NUMBERS: Readonly<Record<string, (value: number) => boolean>> = {
  int32: value => value >= -(2 ** 31) && value < 2 ** 31,
  int64: value => value >= -(2 ** 63) && value < 2 ** 63,
}
const TEXTS: Readonly<Record<string, (value: string) => boolean>> = {
  'date-time': value => TIME.test(value),
}

function compile(schema: Schema): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true, validateSchema: false, logger: false })
  for (const [name, validate] of Object.entries(NUMBERS)) ajv.addFormat(name, { type: 'number', validate })
  for (const [name, validate] of Object.entries(TEXTS)) ajv.addFormat(name, validate)
  const { metadata: _, ...properties } = schema.properties ?? {}
  return ajv.compile(draft({ ...schema, properties }))
}

const KEYWORDS = [
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'pattern',
  'multipleOf',
  'required',
] as const

/** The schema in JSON Schema draft 7, without the extensions of Kubernetes. */
function draft(schema: Schema): JsonObject {
  const { type, nullable, properties, items, additionalProperties, format, minimum, maximum } = schema
  const out: JsonObject = {}
  for (const key of KEYWORDS) if (schema[key] !== undefined) out[key] = schema[key]
  if (schema['x-kubernetes-int-or-string'] === true) out['anyOf'] = [{ type: 'integer' }, { type: 'string' }]
  else if (type !== undefined && type !== '') out['type'] = nullable === true ? [type, 'null'] : type
  if (schema.enum) out['enum'] = nullable === true ? [...schema.enum, null] : schema.enum
  if (format !== undefined && (Object.hasOwn(NUMBERS, format) || Object.hasOwn(TEXTS, format))) out['format'] = format
  if (minimum !== undefined) out[schema.exclusiveMinimum === true ? 'exclusiveMinimum' : 'minimum'] = minimum
  if (maximum !== undefined) out[schema.exclusiveMaximum === true ? 'exclusiveMaximum' : 'maximum'] = maximum
  if (properties) out['properties'] = Object.fromEntries(Object.entries(properties).map(([key, s]) => [key, draft(s)]))
  if (items) out['items'] = draft(items)
  if (isFields(additionalProperties)) out['additionalProperties'] = draft(additionalProperties)
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) {
    const parts = schema[key]
    if (parts && out[key] === undefined) out[key] = parts.map(draft)
  }
  if (schema.not) out['not'] = draft(schema.not)
  return out
}

const fieldOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : below(path, part)), '')

/** The causes of validation errors, without the alternatives of a failed anyOf. */
function causesOf(errors: readonly ErrorObject[]): readonly Cause[] {
  return errors.filter(({ schemaPath }) => !/\/(anyOf|oneOf|not)\/./.test(schemaPath)).map(causeOf)
}

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value

const BOUNDS: Readonly<Record<string, string>> = {
  minimum: 'should be greater than or equal to ',
  maximum: 'should be less than or equal to ',
  exclusiveMinimum: 'should be greater than ',
  exclusiveMaximum: 'should be less than ',
}

function causeOf({ keyword, instancePath, params, data, schema, message = '' }: ErrorObject): Cause {
  const field = fieldOf(instancePath)
  const bodyFault = (text: string): Cause => fault.invalid(field, data, `${field} in body ${text}`)
  const bound = String(schema)
  const comparison = BOUNDS[keyword]
  if (comparison !== undefined) return bodyFault(comparison + bound)
  switch (keyword) {
    case 'required':
      return fault.required(below(field, String(params['missingProperty'])))
    case 'type': {
      const wanted = String(Array.isArray(schema) ? schema[0] : schema)
      const found = typeOf(data)
      return fault.type(field, found, `${field} in body must be of type ${wanted}: ${JSON.stringify(found)}`)
    }
    case 'enum':
      return fault.notSupported(field, data, Array.isArray(schema) ? schema : [])
    case 'minLength':
      return bodyFault(`should be at least ${bound} chars long`)
    case 'maxLength':
      return { reason: 'FieldValueTooLong', message: `Too long: may not be more than ${bound} bytes`, field }
    case 'pattern':
      return bodyFault(`should match '${bound}'`)
    case 'minItems':
      return bodyFault(`should have at least ${bound} items`)
    case 'maxItems':
      return { reason: 'FieldValueTooMany', message: `Too many: must have at most ${bound} items`, field }
    case 'format':
      return bodyFault(`must be of type ${bound}: ${JSON.stringify(data)}`)
    default:
      return bodyFault(message)
  }
}
