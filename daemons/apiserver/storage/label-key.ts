// A label as the index stores it.
/** `key=value`. */
export const labelText = (key: string, value: string): string => `${key}=${value}`
