// Swagger 2.0, by which kubectl up to 1.26 validates and explains. Pure.
import type { KindInfo, Schema } from '../schema/kinds.js'
import { pathsOf, type Dialect } from './paths.js'
import { definitionsOf, type OpenSchema } from './types.js'

const REFS = '#/definitions/'

const dialect: Dialect = {
  parameter: ({ name, in: location, required, type, description }) => ({
    name,
    in: location,
    type,
    description,
    uniqueItems: true,
    ...(required && { required }),
  }),
  shapes(definition, verb) {
    const schema = { $ref: `${REFS}${definition}` }
    const writes = verb === 'post' || verb === 'put'
    const body = { name: 'body', in: 'body', required: true, schema: verb === 'patch' ? { type: 'object' } : schema }
    return {
      parameters: writes || verb === 'patch' ? [body] : [],
      fields: { responses: { '200': { description: 'OK', ...(verb !== 'delete' && { schema }) } } },
    }
  },
}

/** The swagger 2.0 document of the kinds. */
export const swaggerOf = (kinds: readonly KindInfo[], version: string): object => ({
  swagger: '2.0',
  info: { title: 'Kubernetes', version },
  paths: pathsOf(kinds, dialect),
  definitions: definitionsOf(kinds, { refs: REFS, custom: swaggerSchema }),
})

const KEPT = [
  ...['description', 'title', 'format', 'pattern', 'enum', 'required', 'multipleOf', 'uniqueItems'],
  ...['maximum', 'minimum', 'exclusiveMaximum', 'exclusiveMinimum', 'maxLength', 'minLength'],
  ...['maxItems', 'minItems', 'maxProperties', 'minProperties'],
  ...['x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type'],
  ...['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string'],
] as const

/**
 * A structural schema in swagger 2.0: without alternatives, nulls, and properties beside unknown
 * fields, which old clients would reject (apiextensions' ToStructuralOpenAPIV2 does the same).
 */
export function swaggerSchema(schema: Schema): OpenSchema {
  const { type, properties, items, additionalProperties, nullable } = schema
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || nullable === true
  const typed = type !== undefined && nullable !== true && schema['x-kubernetes-int-or-string'] !== true
  return {
    ...Object.fromEntries(
      KEPT.flatMap(key => (schema[key] === undefined || (open && key === 'required') ? [] : [[key, schema[key]]])),
    ),
    ...(typed && { type }),
    ...(!open && properties && { properties: mapped(properties) }),
    ...(!open && items && { items: swaggerSchema(items) }),
    ...(!open &&
      typeof additionalProperties === 'object' && { additionalProperties: swaggerSchema(additionalProperties) }),
  }
}

const mapped = (properties: Readonly<Record<string, Schema>>): OpenSchema =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, swaggerSchema(schema)]))
