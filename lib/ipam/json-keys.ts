// Case-insensitive keys of a JSON object, as Go's encoding/json reads them. Pure.

/** The fields of an object by lower-case key; of two that differ only in case the last counts. */
export const keysOf = (value: object): ReadonlyMap<string, unknown> =>
  new Map(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner as unknown]))
