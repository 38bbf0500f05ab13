// JSON patch (RFC 6902) and JSON merge patch (RFC 7386). Pure.
import jsonpatch, { type Operation } from 'fast-json-patch'
import { BODY_BYTES_MAX, sizeOfJson } from '../schema/body-limits.js'
import { ApiError, badRequest } from '../schema/status-error.js'
import { isFields, type JsonObject } from '../schema/stored-object.js'

export { strategicMerge } from './strategic-merge.js'

const OPERATIONS_MAX = 10_000 // k8s.io/apiserver/pkg/endpoints/handlers/patch.go

/**
 * Applies a JSON patch (RFC 6902) to a copy of the object.
 * @throws 400 for an invalid patch or a result nested too deep, 413 for too many operations, 422
 *   for an operation that does not apply, and for copies beyond the body limit: each can double it
 */
export function applyJsonPatch(object: unknown, ops: unknown): unknown {
  if (!Array.isArray(ops)) throw badRequest('error decoding patch: a JSON patch is a list of operations')
  if (ops.length > OPERATIONS_MAX) {
    const message = `Request entity too large: The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${ops.length}`
    throw new ApiError(413, 'RequestEntityTooLarge', message)
  }
  let document = structuredClone(object)
  let copied = 0
  ops.forEach((op: unknown, index) => {
    if (!isOperation(op))
      throw badRequest(`error decoding patch: operation ${index} is not an operation: ${JSON.stringify(op)}`)
    if (op.op === 'copy') {
      copied += sizeOfJson(valueAt(document, op.from), BODY_BYTES_MAX)
      if (copied > BODY_BYTES_MAX) throw refused(tooMuchCopied())
    }
    try {
      document = jsonpatch.applyOperation(document, structuredClone(op), true, true, true, index).newDocument
    } catch (error) {
      throw doesNotApply(op, error)
    }
  })
  sizeOfJson(document, Infinity)
  return document
}

/** The value at a JSON pointer; undefined if absent, which the operation then reports. */
function valueAt(document: unknown, pointer: string): unknown {
  try {
    const found: unknown = jsonpatch.getValueByPointer(document, pointer)
    return found
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}

// github.com/evanphx/json-patch, errors.go
const tooMuchCopied = (): string =>
  `Unable to complete the copy, the accumulated size increase of copy is more than the limit ${BODY_BYTES_MAX}`

const POINTER = /^(\/([^~]|~[01])*)?$/
const isPointer = (value: unknown): boolean => typeof value === 'string' && POINTER.test(value)

function isOperation(op: unknown): op is Operation {
  if (!isFields(op) || !isPointer(op['path'])) return false
  switch (op['op']) {
    case 'add':
    case 'replace':
    case 'test':
      return 'value' in op
    case 'remove':
      return true
    case 'move':
    case 'copy':
      return isPointer(op['from'])
    default:
      return false
  }
}

/**
 * 422 with a cause: kubectl prints causes as `field: message`, and old versions print nothing else.
 */
function doesNotApply(op: Operation, error: unknown): ApiError {
  const name = error instanceof Error ? error.name : ''
  const why =
    name === 'TEST_OPERATION_FAILED'
      ? `testing value ${op.path} failed`
      : `${op.op} operation does not apply: doc is missing path: ${JSON.stringify(op.path)}`
  return refused(why)
}

function refused(why: string): ApiError {
  const causes = [{ reason: 'UnexpectedServerResponse', message: why, field: 'patch' }]
  return new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`, {
    causes,
  })
}

/** Applies a JSON merge patch (RFC 7386): null removes, maps merge, all else replaces. Pure. */
export function mergePatch(object: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch
  const before: JsonObject = isFields(object) ? object : {}
  const changed = Object.entries(patch)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [key, mergePatch(Object.hasOwn(before, key) ? before[key] : undefined, value)] as const)
  const kept = Object.entries(before).filter(([key]) => !Object.hasOwn(patch, key))
  return inOrderOf(before, Object.fromEntries([...kept, ...changed]))
}

/** Existing keys keep their position, so that the object prints in the same order. */
function inOrderOf(before: JsonObject, after: JsonObject): JsonObject {
  const old = Object.keys(before).filter(key => Object.hasOwn(after, key))
  const fresh = Object.keys(after).filter(key => !Object.hasOwn(before, key))
  return Object.fromEntries([...old, ...fresh].map(key => [key, after[key]]))
}
