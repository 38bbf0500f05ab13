// JSON both ways. Reads numbers beyond 2^53 rounded, as JSON.parse does, and refuses to write one: a rounded count must not go back.

/**
 * `totalIPCount` may be 9223372036854775807: to look at, as a number, that is near enough. Written back it would be another number, and
 * one that is out of int64. So an integer beyond 2^53 throws here, with its key; give a bigint, or patch without that field.
 * A bigint is written digit for digit (JSON.rawJSON: Bun, Node 22; elsewhere it throws a TypeError).
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

/** An object or an array; anything else, and what is not JSON, is undefined. */
export function decode(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
