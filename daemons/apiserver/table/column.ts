// Table columns: name, age and helpers for cells.
import { ageOf } from './age.js'
import { at, isFields, type Stored } from '../schema/stored-object.js'

export type Cell = string | number | boolean | null

export interface TableColumn {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  /** 0 is always shown, 1 with `-o wide` only. */
  readonly priority?: number
  readonly cell: (object: Stored, nowMs: number) => Cell
}

/** `format: name` marks where kubectl prints the prefix `pod/`. */
export const NAME: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  cell: ({ metadata }) => metadata.name,
}

export const AGE: TableColumn = {
  name: 'Age',
  type: 'date',
  description: 'CreationTimestamp is the time when this object was created.',
  cell: ({ metadata }, nowMs) => ageOf(metadata.creationTimestamp, nowMs),
}

/** AGE for built-in kinds, whose printers have type string. */
export const AGE_TEXT: TableColumn = { ...AGE, type: 'string' }

/** A column of priority 0. */
export const column = (name: string, cell: TableColumn['cell'], type = 'string'): TableColumn => ({ name, type, cell })
/** A column for `-o wide`. */
export const wide = (name: string, cell: TableColumn['cell']): TableColumn => ({ ...column(name, cell), priority: 1 })

/** The scalar at a path as text; '' if absent. */
export const textAt = (object: unknown, ...path: readonly string[]): string => {
  const value = at(object, ...path)
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
}
/** The number at a path; 0 if absent. */
export const numberAt = (object: unknown, ...path: readonly string[]): number => {
  const value = at(object, ...path)
  return typeof value === 'number' ? value : 0
}
/** The list at a path; empty if absent. */
export const listAt = (object: unknown, ...path: readonly string[]): readonly unknown[] => {
  const value = at(object, ...path)
  return Array.isArray(value) ? value : []
}
/** The number of keys of the map at a path. */
export const sizeAt = (object: unknown, ...path: readonly string[]): number => {
  const value = at(object, ...path)
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}
/** The text, or `<none>` for ''. */
export const orNone = (text: string): string => (text === '' ? '<none>' : text)

/** An integer column of the number at a path. */
export const countAt = (name: string, ...path: readonly string[]): TableColumn =>
  column(name, object => numberAt(object, ...path), 'integer')
/** A column of the text at a path. */
export const textColumn = (name: string, ...path: readonly string[]): TableColumn =>
  column(name, object => textAt(object, ...path))
/** A column of the age of the time at a path. */
export const agoAt = (name: string, ...path: readonly string[]): TableColumn =>
  column(name, (object, now) => (textAt(object, ...path) === '' ? '<none>' : ageOf(textAt(object, ...path), now)))

/** Labels as `a=b,c=d`, sorted. */
export const pairs = (labels: unknown): string =>
  Object.entries(isFields(labels) ? labels : {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join(',')
