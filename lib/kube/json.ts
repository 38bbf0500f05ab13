// JSON of the API. Numbers beyond 2^53 are read rounded, as JSON.parse does, and are never written
// back.

/**
 * Encodes a request body. `totalIPCount` may be 9223372036854775807, which rounds beyond int64 when
 * read, so an unsafe integer is not written: use a bigint, or a patch without that field.
 * @throws RangeError with the key of an unsafe integer; TypeError for a bigint without JSON.rawJSON
 *   (before Node 22)
 */
export function encode(value: unknown): string {
  return JSON.stringify(value, exactly)
}

function exactly(key: string, value: unknown): unknown {
  if (typeof value === 'bigint' && 'rawJSON' in JSON && typeof JSON.rawJSON === 'function')
    return JSON.rawJSON(String(value)) as unknown
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new RangeError(
      `${key} is ${value}, which was rounded on reading and must not be written; leave it out or give a bigint`,
    )
  return value
}

/** An object or an array; undefined for other JSON and for a syntax error. */
export function decode(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
