// A column of a Table and the two that nearly every kind has. Knows objects; knows no kind.
import { ageOf } from './age.js'
import { at, isFields, type Stored } from '../storage/object.js'

export type Cell = string | number | boolean | null

export interface TableColumn {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  /** 0 is shown always, more with `-o wide` only. */
  readonly priority?: number
  readonly cell: (object: Stored, nowMs: number) => Cell
}

/** `format: name` tells kubectl where to put `pod/` before the name. */
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

/** The same for built-in kinds, whose printers say string. */
export const AGE_TEXT: TableColumn = { ...AGE, type: 'string' }

export const column = (name: string, cell: TableColumn['cell'], type = 'string'): TableColumn => ({ name, type, cell })
export const wide = (name: string, cell: TableColumn['cell']): TableColumn => ({ ...column(name, cell), priority: 1 })

export const textAt = (object: unknown, ...path: readonly string[]): string => {
  const value = at(object, ...path)
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
}
export const numberAt = (object: unknown, ...path: readonly string[]): number => {
  const value = at(object, ...path)
  return typeof value === 'number' ? value : 0
}
export const listAt = (object: unknown, ...path: readonly string[]): readonly unknown[] => {
  const value = at(object, ...path)
  return Array.isArray(value) ? value : []
}
export const sizeAt = (object: unknown, ...path: readonly string[]): number => {
  const value = at(object, ...path)
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}
export const orNone = (text: string): string => (text === '' ? '<none>' : text)

export const countAt = (name: string, ...path: readonly string[]): TableColumn =>
  column(name, object => numberAt(object, ...path), 'integer')
export const textColumn = (name: string, ...path: readonly string[]): TableColumn =>
  column(name, object => textAt(object, ...path))
export const agoAt = (name: string, ...path: readonly string[]): TableColumn =>
  column(name, (object, now) => (textAt(object, ...path) === '' ? '<none>' : ageOf(textAt(object, ...path), now)))

/** Labels as `a=b,c=d`, sorted. */
export const pairs = (labels: unknown): string =>
  Object.entries(isFields(labels) ? labels : {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join(',')
