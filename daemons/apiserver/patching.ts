// PATCH: which kind of patch, and the object it makes. Knows content types; how each patch works is patch.ts and apply.ts.
import { badRequest, unsupportedMedia } from './failure.js'
import { contentType, decoded } from './media.js'
import { fieldsOf, isFields, type Stored } from './object.js'
import { writeOptionsOf } from './options.js'
import type { Asked, Server } from './rest.js'
import { update, type Target } from './write.js'

const ACCEPTED = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

const merge = (a: unknown, b: unknown): unknown => {
  if (!isFields(b)) return b
  const out = { ...fieldsOf(a) }
  for (const [k, v] of Object.entries(b)) {
    if (v === null) delete out[k]
    else out[k] = merge(out[k], v)
  }
  return out
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
  if (!ACCEPTED.includes(type)) throw unsupportedMedia(ACCEPTED)
  const patch = decoded(text, type === 'application/apply-patch+yaml', server.parseYaml)
  if (type === 'application/json-patch+json' || type === 'application/apply-patch+yaml') throw badRequest('not yet')
  const object = await update(server.store, target, old => merge(old, patch), { ...writeOptionsOf(asked), status })
  return { object, created: false }
}
