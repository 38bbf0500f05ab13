// PATCH: selects the patch type by Content-Type and applies it.
import { badRequest, unsupportedMedia } from '../schema/status-error.js'
import { contentType, decodeBody } from './content-type.js'
import { conflictError, serverSideApply } from '../patch/server-side-apply.js'
import type { KindInfo } from '../schema/kinds.js'
import { applyJsonPatch, mergePatch, strategicMerge } from '../patch/json-patch.js'
import { at, isFields, type JsonObject, type Stored } from '../schema/stored-object.js'
import { flagOf, writeOptionsOf } from './request-options.js'
import type { ApiRequest, ApiServer } from './request.js'
import { createIn, refOf, update, updateIn, type Target } from '../registry/write.js'

const ACCEPTED = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

/** The function that applies a patch of this content type. @throws 415 */
function patcher(type: string, kind: KindInfo, patch: unknown): (old: Stored) => unknown {
  switch (type) {
    case 'application/json-patch+json':
      return old => applyJsonPatch(old, patch)
    case 'application/merge-patch+json':
      return old => mergePatch(old, patch)
    case 'application/strategic-merge-patch+json':
      if (kind.custom) throw unsupportedMedia(ACCEPTED.filter(accepted => accepted !== type)) // as kube-apiserver does
      return old => strategicMerge(old, patch, kind)
    default:
      throw unsupportedMedia(ACCEPTED)
  }
}

/**
 * The function that patches a Scale; it has no lists, so a strategic patch is a merge patch.
 * @throws 400, 415
 */
export function scalePatch(header: string | null, text: string): (scale: Stored) => unknown {
  const type = contentType(header)
  const patch = decodeBody(text, false, () => undefined)
  if (type === 'application/json-patch+json') return scale => applyJsonPatch(scale, patch)
  if (type === 'application/apply-patch+yaml' || !ACCEPTED.includes(type))
    throw unsupportedMedia(ACCEPTED.filter(accepted => accepted !== 'application/apply-patch+yaml'))
  return scale => mergePatch(scale, patch)
}

/** The stored object, and whether the patch created it. */
export interface Patched {
  readonly object: Stored
  readonly created: boolean
}

/** Applies a PATCH of any type. @throws 400, 404, 409, 413, 415, 422 */
export async function applyPatch(
  server: ApiServer,
  req: ApiRequest,
  target: Target,
  text: string,
  status: boolean,
): Promise<Patched> {
  const type = contentType(req.request.headers.get('content-type'))
  const isApply = type === 'application/apply-patch+yaml'
  const patch = decodeBody(text, isApply, server.parseYaml)
  if (isApply) return apply(server, req, target, patch, status)
  const change = patcher(type, target.kind, patch)
  const object = await update(server.store, target, change, { ...writeOptionsOf(req), status })
  return { object, created: false }
}

/** Server-side apply: creates the object or merges it by field ownership. */
function apply(
  server: ApiServer,
  req: ApiRequest,
  target: Target,
  applied: unknown,
  status: boolean,
): Promise<Patched> {
  const { kind, name } = target
  const manager = req.query.get('fieldManager') ?? ''
  if (manager === '')
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    )
  if (!isFields(applied)) throw badRequest('an applied configuration is an object')
  if (at(applied, 'metadata', 'name') !== name) throw badRequest('metadata.name does not match the name on the URL')
  const options = { ...writeOptionsOf(req), manager: undefined, status }
  const force = flagOf(req.query, 'force')
  const change = (live: Stored | undefined): JsonObject => {
    const outcome = serverSideApply({
      live,
      applied,
      manager,
      force,
      kind,
      nowMs: Date.now(),
      subresource: status ? 'status' : '',
    })
    if ('conflicts' in outcome) throw conflictError(outcome.conflicts)
    return outcome.object
  }
  return server.store.write(tx => {
    if (status || tx.read(refOf(target))) return { object: updateIn(tx, target, change, options), created: false }
    return { object: createIn(tx, target, change(undefined), options), created: true }
  })
}
