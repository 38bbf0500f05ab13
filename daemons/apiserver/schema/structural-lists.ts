// Lists of type set or map: duplicate members. Pure.
import { fault, type Cause } from './status-error.js'
import type { Schema } from './kinds.js'
import { isFields } from './stored-object.js'

/** The identity of a list member: its value or its keys; undefined if members may repeat. */
function identity(schema: Schema, item: unknown): string | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return JSON.stringify(item)
    case 'map': {
      const keys = schema['x-kubernetes-list-map-keys'] ?? []
      const fields = isFields(item) ? item : {}
      return JSON.stringify(
        Object.fromEntries(keys.map(key => [key, fields[key] ?? schema.items?.properties?.[key]?.default])),
      )
    }
    default:
      return undefined
  }
}

/** A cause for every duplicate member, in `value` and below. `path` is '' at the root. */
export function listFaults(value: unknown, schema: Schema, path: string): readonly Cause[] {
  if (Array.isArray(value)) {
    const seen = new Set<string>()
    return value.flatMap((item: unknown, i) => {
      const own = identity(schema, item)
      const twice = own !== undefined && seen.has(own)
      if (own !== undefined) seen.add(own)
      const here = `${path}[${i}]`
      const inside = schema.items ? listFaults(item, schema.items, here) : []
      return twice && own !== undefined ? [fault.duplicate(here, JSON.parse(own)), ...inside] : inside
    })
  }
  if (!isFields(value)) return []
  const { properties = {}, additionalProperties } = schema
  return Object.entries(value).flatMap(([key, item]) => {
    const known = properties[key] ?? (isFields(additionalProperties) ? additionalProperties : undefined)
    return known ? listFaults(item, known, path === '' ? key : `${path}.${key}`) : []
  })
}
