// Lists that are sets or maps: no member twice. Pure; knows structural schemas only.
import { fault, type Cause } from './status-error.js'
import type { Schema } from './kinds.js'
import { isFields } from '../storage/object.js'

/** What identifies a member of a list: the whole of it, or its keys; undefined where members may repeat. */
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

/** Every member that repeats an earlier one, in `value` and below. `path` is '' at the root. */
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
