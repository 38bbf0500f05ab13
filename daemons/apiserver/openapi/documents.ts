// /openapi/v2 and /openapi/v3: which document, in which form. Keeps what it made until the kinds change. Knows HTTP; the documents are made elsewhere.
import { encodeDocument } from './gnostic.js'
import type { KindInfo } from '../schema/kinds.js'
import { swaggerOf } from './v2.js'
import { documentsOf, hashOf, indexOf } from './v3.js'

/** What documents are made of; `revision` grows when the kinds change. */
export interface Kinds {
  readonly revision: number
  all(): readonly KindInfo[]
}

interface Made {
  readonly revision: number
  swagger?: string
  protobuf?: Uint8Array<ArrayBuffer>
  documents?: ReadonlyMap<string, string>
}

const kept = new WeakMap<Kinds, Made>()

function madeFor(kinds: Kinds): Made {
  const known = kept.get(kinds)
  if (known?.revision === kinds.revision) return known
  const fresh: Made = { revision: kinds.revision }
  kept.set(kinds, fresh)
  return fresh
}

// Asked for as `…spec.v2@v1.0+protobuf`; answered as `….v2.v1.0+protobuf`, for a Go client refuses a content type with an @ in it.
const PROTOBUF_ASKED = /application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/
const PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** The answer to a GET below /openapi; undefined where there is no such document. */
export function openApiResponse(kinds: Kinds, request: Request, url: URL, version: string): Response | undefined {
  const made = madeFor(kinds)
  const path = url.pathname.replace(/\/$/, '')
  if (path === '/openapi/v2') {
    made.swagger ??= JSON.stringify(swaggerOf(kinds.all(), version))
    if (!PROTOBUF_ASKED.test(request.headers.get('accept') ?? ''))
      return answer(request, made.swagger, 'application/json')
    made.protobuf ??= new Uint8Array(encodeDocument(swaggerOf(kinds.all(), version)))
    return answer(request, made.protobuf, PROTOBUF)
  }
  if (path !== '/openapi/v3' && !path.startsWith('/openapi/v3/')) return undefined
  made.documents ??= documentsOf(kinds.all(), version)
  if (path === '/openapi/v3') return answer(request, JSON.stringify(indexOf(made.documents)), 'application/json')
  const document = made.documents.get(path.slice('/openapi/v3/'.length))
  return document === undefined ? undefined : answer(request, document, 'application/json')
}

function answer(request: Request, body: string | Uint8Array<ArrayBuffer>, type: string): Response {
  const etag = `"${hashOf(body)}"`
  const headers = { 'content-type': type, etag, vary: 'Accept' }
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  return new Response(body, { headers })
}
