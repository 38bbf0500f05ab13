// Objects as a meta.k8s.io Table, what `kubectl get` prints. Knows columns; the columns of built-in kinds are in table-builtin*.ts.
import { ageOf } from './age.js'
import { find, JsonPathError, parsePath, type JsonPath } from './jsonpath.js'
import type { Column, KindInfo } from '../schema/kinds.js'
import type { JsonObject, Stored } from '../storage/object.js'
import { builtinColumns } from './builtin.js'
import { AGE, NAME, type Cell, type TableColumn } from './column.js'

export type IncludeObject = 'Metadata' | 'None' | 'Object'

/** ListMeta of the list shown; for one object its resourceVersion. */
export interface TableMeta {
  readonly resourceVersion?: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

export interface TableOptions {
  readonly nowMs: number
  readonly includeObject: IncludeObject
  /** Of meta.k8s.io; v1beta1 is what old clients ask for. */
  readonly version?: 'v1' | 'v1beta1'
  readonly metadata?: TableMeta
  /** Watch events after the first carry no columns. */
  readonly noHeaders?: boolean
}

interface Row {
  readonly cells: readonly Cell[]
  readonly conditions?: readonly object[]
  readonly object: object | null
}

export interface MetaTable {
  readonly kind: 'Table'
  readonly apiVersion: string
  readonly metadata: TableMeta
  readonly columnDefinitions: readonly object[]
  readonly rows: readonly Row[]
}

/** A Table of objects of one kind, in their order. */
export function tableOf(kind: KindInfo, objects: readonly Stored[], options: TableOptions): MetaTable {
  const { nowMs, includeObject, version = 'v1', metadata = {}, noHeaders = false } = options
  const columns = columnsOf(kind)
  const apiVersion = `meta.k8s.io/${version}`
  return {
    kind: 'Table',
    apiVersion,
    metadata,
    columnDefinitions: noHeaders ? [] : columns.map(definitionOf),
    rows: objects.map(object => ({
      cells: columns.map(({ cell }) => cell(object, nowMs)),
      ...rowConditions(kind, object),
      object: shown(object, includeObject, apiVersion),
    })),
  }
}

function shown(object: Stored, include: IncludeObject, apiVersion: string): object | null {
  switch (include) {
    case 'None':
      return null
    case 'Object':
      return object
    case 'Metadata':
      return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata }
  }
}

const definitionOf = ({ name, type, format = '', description = '', priority = 0 }: TableColumn): object => ({
  name,
  type,
  format,
  description,
  priority,
})

const made = new WeakMap<KindInfo, readonly TableColumn[]>()

function columnsOf(kind: KindInfo): readonly TableColumn[] {
  const known = made.get(kind)
  if (known) return known
  const columns = kind.custom ? customColumns(kind) : builtinColumns(kind)
  made.set(kind, columns)
  return columns
}

/** A CRD that names no column shows the age (apiextensions' default); one that names some shows those alone. */
const customColumns = ({ columns }: KindInfo): readonly TableColumn[] => [
  NAME,
  ...(columns.length === 0 ? [AGE] : columns.map(customColumn)),
]

function customColumn(column: Column): TableColumn {
  const { name, type, format, description, priority, jsonPath } = column
  const path = pathOf(jsonPath)
  return {
    name,
    type,
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(format !== undefined && { format }),
    ...(priority !== undefined && { priority }),
    cell: (object, nowMs) => (path === undefined ? null : customCell(type, find(object, path)[0], nowMs)),
  }
}

/** A path that cannot be read gives an empty column, not a kind that cannot be listed. */
function pathOf(text: string): JsonPath | undefined {
  try {
    return parsePath(text)
  } catch (error) {
    if (error instanceof JsonPathError) return undefined
    throw error
  }
}

/** What the column's type makes of a value; null, which kubectl prints as nothing, where the value is missing or of another type. */
function customCell(type: string, value: unknown, nowMs: number): Cell {
  if (value === undefined || value === null) return null
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? ageOf(value, nowMs) : null
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : String(value)
    default:
      return null
  }
}

const COMPLETED: Readonly<Record<string, string>> = {
  Succeeded: 'The pod has completed successfully.',
  Failed: 'The pod failed.',
}

function rowConditions({ group, kind }: KindInfo, object: JsonObject): { conditions?: readonly object[] } {
  if (kind !== 'Pod' || group !== '') return {}
  const { status } = object
  const phase = typeof status === 'object' && status !== null && 'phase' in status ? String(status.phase) : ''
  const message = COMPLETED[phase]
  return message === undefined ? {} : { conditions: [{ type: 'Completed', status: 'True', reason: phase, message }] }
}
