// Serves /openapi/v2 and /openapi/v3; documents are cached until the kinds change.
import { encodeDocument } from './gnostic.js'
import type { KindInfo } from '../schema/kinds.js'
import { swaggerOf } from './v2.js'
import { documentsOf, hashOf, indexOf } from './v3.js'

/** The kinds to document; `revision` increases when they change. */
export interface Kinds {
  readonly revision: number
  all(): readonly KindInfo[]
}

interface CachedDocuments {
  readonly revision: number
  swagger?: string
  protobuf?: Uint8Array<ArrayBuffer>
  documents?: ReadonlyMap<string, string>
}

const cache = new WeakMap<Kinds, CachedDocuments>()

function cacheFor(kinds: Kinds): CachedDocuments {
  const known = cache.get(kinds)
  if (known?.revision === kinds.revision) return known
  const fresh: CachedDocuments = { revision: kinds.revision }
  cache.set(kinds, fresh)
  return fresh
}

// Requested as `…spec.v2@v1.0+protobuf`, sent as `….v2.v1.0+protobuf`: Go rejects a content type
// with @.
const PROTOBUF_ACCEPTED = /application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/
const PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** The response to a GET below /openapi; undefined if there is no such document. */
export function openApiResponse(kinds: Kinds, request: Request, url: URL, version: string): Response | undefined {
  const cached = cacheFor(kinds)
  const path = url.pathname.replace(/\/$/, '')
  if (path === '/openapi/v2') {
    cached.swagger ??= JSON.stringify(swaggerOf(kinds.all(), version))
    if (!PROTOBUF_ACCEPTED.test(request.headers.get('accept') ?? ''))
      return answer(request, cached.swagger, 'application/json')
    cached.protobuf ??= new Uint8Array(encodeDocument(swaggerOf(kinds.all(), version)))
    return answer(request, cached.protobuf, PROTOBUF)
  }
  if (path !== '/openapi/v3' && !path.startsWith('/openapi/v3/')) return undefined
  cached.documents ??= documentsOf(kinds.all(), version)
  if (path === '/openapi/v3') return answer(request, JSON.stringify(indexOf(cached.documents)), 'application/json')
  const document = cached.documents.get(path.slice('/openapi/v3/'.length))
  return document === undefined ? undefined : answer(request, document, 'application/json')
}

function answer(request: Request, body: string | Uint8Array<ArrayBuffer>, type: string): Response {
  const etag = `"${hashOf(body)}"`
  const headers = { 'content-type': type, etag, vary: 'Accept' }
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  return new Response(body, { headers })
}
