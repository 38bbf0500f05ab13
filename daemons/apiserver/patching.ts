// PATCH: which kind of patch, and the object it makes. Knows content types; how each patch works is patch.ts and apply.ts.
import { unsupportedMedia } from './failure.js'
import { contentType, decoded } from './media.js'
import type { KindInfo } from './kinds.js'
import { applyJsonPatch, mergePatch, strategicMerge } from './patch.js'
import type { Stored } from './object.js'
import { writeOptionsOf } from './options.js'
import type { Asked, Server } from './rest.js'
import { update, type Target } from './write.js'

const ACCEPTED = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

/** What a patch makes of the object, by content type. */
function patcher(type: string, kind: KindInfo, patch: unknown): (old: Stored) => unknown {
  switch (type) {
    case 'application/json-patch+json':
      return old => applyJsonPatch(old, patch)
    case 'application/merge-patch+json':
      return old => mergePatch(old, patch)
    case 'application/strategic-merge-patch+json':
      if (kind.custom) throw unsupportedMedia(ACCEPTED.filter(accepted => accepted !== type)) // as Kubernetes: no strategic patch of custom objects
      return old => strategicMerge(old, patch, kind)
    default:
      throw unsupportedMedia(ACCEPTED)
  }
}

export interface Patched {
  readonly object: Stored
  readonly created: boolean
}

export async function patchOf(
  server: Server,
  asked: Asked,
  target: Target,
  text: string,
  status: boolean,
): Promise<Patched> {
  const type = contentType(asked.request.headers.get('content-type'))
  const patch = decoded(text, type === 'application/apply-patch+yaml', server.parseYaml)
  const change = patcher(type, target.kind, patch)
  const object = await update(server.store, target, change, { ...writeOptionsOf(asked), status })
  return { object, created: false }
}
