// Reads JSON as Go's encoding/json does: keys ignore case, null leaves the default, a wrong type is
// an error that names the key. Pure.
import { messageOf } from '../errors.js'
import { CniError } from './error.js'
import { faultIn } from './json-syntax-error.js'

/** The document. @throws CniError 6, also for trailing text and a byte-order mark, as Go does */
export function decodeConf(text: string): ConfReader {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const why = faultIn(text) ?? messageOf(error)
    throw new CniError('decodeFailure', `error unmarshall network config: ${why}`)
  }
  if (value === null) return new ConfReader({}, '')
  if (typeof value !== 'object' || Array.isArray(value))
    throw new CniError('decodeFailure', `error unmarshall network config: it is ${kindOf(value)}, not an object`)
  return new ConfReader(value, '')
}

const SHOWN_MAX = 80

/** A value for a sentence, shortened, on one line. */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return kindOf(value) // its nesting may exceed the stack
  const text = JSON.stringify(value) ?? String(value)
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
}

const kindOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`

const INT64_MAX = 2 ** 63

/** Typed access to the keys of an object. `where` is its path for sentences: '' or 'ipam.' */
export class ConfReader {
  readonly raw: object
  readonly where: string
  readonly #keys: Map<string, unknown>

  constructor(raw: object, where: string) {
    this.raw = raw
    this.where = where
    const set = Object.entries(raw).filter(([, value]) => value !== null)
    this.#keys = new Map(set.map(([key, value]) => [key.toLowerCase(), value as unknown]))
  }

  /** Of keys that differ only in case the last wins, as in Go; null counts as absent. */
  value(key: string): unknown {
    return this.#keys.get(key.toLowerCase())
  }

  #wrong(key: string, value: unknown, wanted: string): CniError {
    return new CniError('decodeFailure', `${this.where}${key} is ${shown(value)}; it must be ${wanted}`)
  }

  string(key: string): string | undefined {
    const value = this.value(key)
    if (value === undefined || typeof value === 'string') return value
    throw this.#wrong(key, value, 'a string')
  }

  boolean(key: string): boolean | undefined {
    const value = this.value(key)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.#wrong(key, value, 'true or false')
  }

  integer(key: string): number | undefined {
    const value = this.value(key)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < INT64_MAX) return value
    throw this.#wrong(key, value, 'a whole number')
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.value(key)
    if (value === undefined) return undefined
    const items: unknown = Array.isArray(value) ? value.map((item: unknown) => item ?? '') : value
    if (Array.isArray(items) && items.every(item => typeof item === 'string')) return items
    throw this.#wrong(key, value, 'a list of strings')
  }

  object(key: string): ConfReader | undefined {
    const value = this.value(key)
    if (value === undefined) return undefined
    if (typeof value === 'object' && !Array.isArray(value))
      return new ConfReader(value as object, `${this.where}${key}.`)
    throw this.#wrong(key, value, 'an object')
  }

  objects(key: string): readonly ConfReader[] | undefined {
    const value = this.value(key)
    if (value === undefined) return undefined
    if (!Array.isArray(value)) throw this.#wrong(key, value, 'a list')
    return value.map((item: unknown, at) => {
      if (typeof item === 'object' && !Array.isArray(item))
        return new ConfReader(item ?? {}, `${this.where}${key}[${at}].`)
      throw this.#wrong(`${key}[${at}]`, item, 'an object')
    })
  }
}
