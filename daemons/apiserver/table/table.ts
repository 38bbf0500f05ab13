// Objects as a meta.k8s.io Table, which `kubectl get` prints.
import { ageOf } from './age.js'
import { find, JsonPathError, parsePath, type JsonPath } from './jsonpath.js'
import type { Column, KindInfo } from '../schema/kinds.js'
import type { JsonObject, Stored } from '../schema/stored-object.js'
import { builtinColumns } from './builtin.js'
import { AGE, NAME, type Cell, type TableColumn } from './column.js'

export type IncludeObject = 'Metadata' | 'None' | 'Object'

/** ListMeta of the list; for one object its resourceVersion. */
export interface TableMeta {
  readonly resourceVersion?: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

export interface TableOptions {
  readonly nowMs: number
  readonly includeObject: IncludeObject
  /** Version of meta.k8s.io; old clients ask for v1beta1. */
  readonly version?: 'v1' | 'v1beta1'
  readonly metadata?: TableMeta
  /** Only the first event of a watch has column definitions. */
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

/** Without additionalPrinterColumns the age is shown (apiextensions), else those columns only. */
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

/** The parsed path; undefined if invalid, which leaves the column empty. */
function pathOf(text: string): JsonPath | undefined {
  try {
    return parsePath(text)
  } catch (error) {
    if (error instanceof JsonPathError) return undefined
    throw error
  }
}

/**
 * The cell of a value by column type; null if absent or of another type, which kubectl prints as
 * nothing.
 */
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
