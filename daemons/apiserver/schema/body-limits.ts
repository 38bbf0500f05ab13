// Limits of request bodies: size and depth. Iterative, so that no document exhausts the stack.
// Pure.
import { ApiError, badRequest } from './status-error.js'

/** MaxRequestBodyBytes of k8s.io/apiserver. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024

/** Depth limit; kube-apiserver decodes by encoding/json, which has one too. */
export const DEPTH_MAX = 500

/** The 400 for a document nested too deep. */
export const tooDeep = (): Error =>
  badRequest(`the document is nested deeper than ${DEPTH_MAX} levels; write it with fewer`)

/**
 * Fields of one object whose managers are recorded, of all managers together twice as many. All
 * requests wait while they are compared: 0.3 s for so many.
 */
export const FIELDS_MAX = 20_000

/** The 413 for an object with more fields. */
export const tooManyFields = (max: number): Error =>
  new ApiError(
    413,
    'RequestEntityTooLarge',
    `the managers of more than ${max} fields would have to be recorded; split the object`,
  )

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Checks the depth of a JSON text before it is parsed. @throws 400 */
export function checkDepth(text: string): void {
  if (text.length <= DEPTH_MAX) return
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (quoted) {
      if (code === BACKSLASH) i++
      else if (code === QUOTE) quoted = false
    } else if (code === QUOTE) quoted = true
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > DEPTH_MAX) throw tooDeep()
    } else if (code === 0x5d || code === 0x7d) depth--
  }
}

/**
 * The approximate size in bytes of a value as JSON; Infinity beyond `bytesMax`, where the walk
 * ends. A value with several references (a YAML alias) counts once per reference.
 * @throws 400 if nested too deep
 */
export function sizeOfJson(value: unknown, bytesMax: number): number {
  let bytes = 0
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) throw tooDeep()
    const next: unknown[] = []
    for (const item of level) {
      if (typeof item === 'object' && item !== null) {
        const values: readonly unknown[] = Array.isArray(item) ? item : Object.values(item)
        if (!Array.isArray(item)) for (const key of Object.keys(item)) bytes += key.length + 3
        bytes += 2
        if (bytes + next.length + values.length > bytesMax) return Infinity
        for (const one of values) next.push(one)
      } else bytes += typeof item === 'string' ? item.length + 3 : String(item).length + 1
    }
    if (bytes > bytesMax) return Infinity
    level = next
  }
  return bytes
}
