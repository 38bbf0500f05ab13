// Requests to answers: who may ask, which verb it is, which form the answer takes. Knows HTTP; the verbs' work is write.ts, list.ts, watch.ts.
import { createHash, timingSafeEqual } from 'node:crypto'
import { BODY_BYTES_MAX } from '../schema/body-limits.js'
import { ApiError, methodNotAllowed, noSuchPath, success, tooLarge, unauthorized } from '../schema/status-error.js'
import { accepted, contentType, parsed, type ResponseForm } from './content-type.js'
import { patchOf, scalePatch } from './patch-request.js'
import { fromProtobuf, PROTOBUF } from '../schema/protobuf-body.js'
import { answerWith, type Printed } from './representation.js'
import { readCollection, readOne, stored } from './get.js'
import { deleteOptionsOf, writeOptionsOf } from './request-options.js'
import { storedAt, type Registry } from '../schema/kind-registry.js'
import { answerOf, reviewKind } from './access-review.js'
import { hasScale, SCALE, scaleOf, withScale } from '../registry/scale.js'
import type { KindInfo } from '../schema/kinds.js'
import type { Stored } from '../storage/object.js'
import { routeOf, type RequestPath } from './path.js'
import type { ObjectStore } from '../storage/store.js'
import { aboutServer } from './server-info.js'
import type { Watches } from '../storage/watch.js'
import { asApiError, create, remove, update, type Target } from '../registry/write.js'
import { page } from '../storage/list.js'
import { selectorsOf } from './request-options.js'

export interface ApiServer {
  readonly store: ObjectStore
  readonly registry: Registry
  readonly watches: Watches
  readonly token: string
  readonly parseYaml: (text: string) => unknown
  readonly printYaml: (value: unknown) => string
}

/** A request, taken apart. */
export interface ApiRequest {
  readonly request: Request
  readonly query: URLSearchParams
  readonly answer: ResponseForm
  readonly warnings: string[]
}

const OPEN_PATHS = new Set(['/healthz', '/readyz', '/livez', '/version'])

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

function isKnown(request: Request, token: string): boolean {
  const [scheme, given] = (request.headers.get('authorization') ?? '').split(' ', 2)
  return scheme?.toLowerCase() === 'bearer' && timingSafeEqual(digest(given ?? ''), digest(token))
}

/** Begins a watch on the request's connection, which may be silent for long; the result ends it. @throws 429 where there are too many. */
export type BeginWatch = () => () => void

export async function handle(server: ApiServer, request: Request, beginWatch: BeginWatch): Promise<Response> {
  const url = new URL(request.url)
  const warnings: string[] = []
  try {
    if (!OPEN_PATHS.has(url.pathname) && !isKnown(request, server.token)) throw unauthorized()
    const about = aboutServer(server.registry, request, url)
    if (about) return about
    const answer = accepted(request.headers.get('accept'))
    const asked: ApiRequest = { request, query: url.searchParams, answer, warnings }
    const printed = await serve(server, asked, routeOf(url.pathname), beginWatch)
    return printed instanceof Response ? printed : answerWith(printed, asked, server.printYaml)
  } catch (error) {
    const failure = asApiError(error)
    if (failure.code === 500 && !(error instanceof ApiError)) console.error(error)
    const headers = failure.code === 429 ? { 'retry-after': '1' } : {}
    return Response.json(failure.status(), { status: failure.code, headers })
  }
}

async function bodyOf({ request }: ApiRequest): Promise<string> {
  const text = await request.text()
  if (text.length > BODY_BYTES_MAX) throw tooLarge(BODY_BYTES_MAX)
  return text
}

/** The object of a POST or PUT: JSON, YAML, or the protobuf of typed kubectl commands. */
async function objectOf(asked: ApiRequest, { parseYaml }: ApiServer): Promise<unknown> {
  const type = asked.request.headers.get('content-type')
  if (contentType(type) !== PROTOBUF) return parsed(await bodyOf(asked), type, parseYaml)
  const bytes = new Uint8Array(await asked.request.arrayBuffer())
  if (bytes.length > BODY_BYTES_MAX) throw tooLarge(BODY_BYTES_MAX)
  return fromProtobuf(bytes)
}

async function serve(
  server: ApiServer,
  asked: ApiRequest,
  route: RequestPath | undefined,
  beginWatch: BeginWatch,
): Promise<Printed | Response> {
  if (!route) throw noSuchPath()
  const review = route.subresource === undefined && route.namespace === undefined ? reviewKind(route) : undefined
  if (review) return reviewed(server, asked, review, route)
  const kind = server.registry.find(route)
  if (!kind || (kind.namespaced ? false : route.namespace !== undefined)) throw noSuchPath()
  const { name, subresource, namespace } = route
  const scaled = subresource === 'scale' && hasScale(kind)
  if (subresource !== undefined && !scaled && !(subresource === 'status' && kind.hasStatus)) throw noSuchPath()
  if (name === undefined) return collection(server, asked, { kind, namespace }, beginWatch)
  if (kind.namespaced && namespace === undefined) throw noSuchPath()
  const target: Target = { kind, namespace: namespace ?? '', name }
  if (scaled) return scale(server, asked, target)
  return single(server, asked, target, subresource === 'status')
}

async function reviewed(
  server: ApiServer,
  asked: ApiRequest,
  kind: KindInfo,
  { name }: RequestPath,
): Promise<Response> {
  if (name !== undefined) throw noSuchPath()
  if (asked.request.method !== 'POST') throw methodNotAllowed()
  return Response.json(answerOf(kind, await objectOf(asked, server)), { status: 201 })
}

async function scale(server: ApiServer, asked: ApiRequest, target: Target): Promise<Printed> {
  const { kind } = target
  const printed = (object: Stored): Printed => ({ code: 200, kind: SCALE, object: scaleOf(object) })
  const change = async (make: (old: Stored) => unknown): Promise<Printed> => {
    const options = { ...writeOptionsOf(asked), status: false }
    return printed(await update(server.store, target, old => withScale(old, make(old), kind), options))
  }
  switch (asked.request.method) {
    case 'GET':
      return printed(stored(server, target))
    case 'PUT': {
      const body = await objectOf(asked, server)
      return change(() => body)
    }
    case 'PATCH': {
      const patch = scalePatch(asked.request.headers.get('content-type'), await bodyOf(asked))
      return change(old => patch(scaleOf(old)))
    }
    default:
      throw methodNotAllowed()
  }
}

export interface Collection {
  readonly kind: Target['kind']
  readonly namespace: string | undefined
}

async function collection(
  server: ApiServer,
  asked: ApiRequest,
  of: Collection,
  beginWatch: BeginWatch,
): Promise<Printed | Response> {
  const { kind, namespace } = of
  switch (asked.request.method) {
    case 'GET':
      return readCollection(server, asked, of, beginWatch)
    case 'POST': {
      if (kind.namespaced && namespace === undefined) throw methodNotAllowed()
      const body = await objectOf(asked, server)
      const object = await create(
        server.store,
        { kind, namespace: namespace ?? '', name: '' },
        body,
        writeOptionsOf(asked),
      )
      return { code: 201, kind, object }
    }
    case 'DELETE':
      return deleteCollection(server, asked, of)
    default:
      throw methodNotAllowed()
  }
}

async function deleteCollection(
  server: ApiServer,
  asked: ApiRequest,
  { kind, namespace }: Collection,
): Promise<Printed> {
  const options = deleteOptionsOf(asked, await bodyOf(asked))
  const { selects, ...wanted } = selectorsOf(asked, kind)
  const query = {
    resource: storedAt(kind),
    namespace: kind.namespaced ? namespace : '',
    ...wanted,
    limit: 0,
    continueAt: '',
  }
  const { items, revision } = page(server.store, query, selects)
  const gone = items.map(({ metadata }) => {
    const target = { kind, namespace: metadata.namespace ?? '', name: metadata.name }
    return remove(server.store, target, options).then(
      ({ object }) => [object],
      (error: unknown) => {
        if (error instanceof ApiError && error.code === 404) return []
        throw error
      },
    )
  })
  return { code: 200, kind, list: { items: (await Promise.all(gone)).flat(), revision, continueAt: '' } }
}

async function single(server: ApiServer, asked: ApiRequest, target: Target, status: boolean): Promise<Printed> {
  const { kind } = target
  switch (asked.request.method) {
    case 'GET':
      return readOne(server, asked, target)
    case 'PUT': {
      const body = await objectOf(asked, server)
      const object = await update(server.store, target, () => body, { ...writeOptionsOf(asked), status })
      return { code: 200, kind, object }
    }
    case 'PATCH': {
      const { object, created } = await patchOf(server, asked, target, await bodyOf(asked), status)
      return { code: created ? 201 : 200, kind, object }
    }
    case 'DELETE': {
      if (status) throw methodNotAllowed()
      const { object, gone } = await remove(server.store, target, deleteOptionsOf(asked, await bodyOf(asked)))
      if (!gone) return { code: 200, kind, object }
      const { name, uid } = object.metadata
      const group = kind.group === '' ? {} : { group: kind.group }
      return { code: 200, kind, status: success({ name, ...group, kind: kind.plural, uid }) }
    }
    default:
      throw methodNotAllowed()
  }
}
