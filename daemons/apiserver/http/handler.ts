// HTTP handler: authentication, routing by path and method, errors as metav1.Status.
import { createHash, timingSafeEqual } from 'node:crypto'
import { BODY_BYTES_MAX } from '../schema/body-limits.js'
import { ApiError, methodNotAllowed, noSuchPath, success, tooLarge, unauthorized } from '../schema/status-error.js'
import { contentType, negotiate, parseBody } from './content-type.js'
import { applyPatch, scalePatch } from './patch-request.js'
import { fromProtobuf, PROTOBUF } from '../schema/protobuf-body.js'
import { toResponse, type Printed } from './representation.js'
import { readCollection, readOne, getStored } from './get.js'
import { deleteOptionsOf, selectorsOf, writeOptionsOf } from './request-options.js'
import { storedAt } from '../schema/kind-registry.js'
import { answerReview, reviewKind } from './access-review.js'
import { hasScale, SCALE, scaleOf, withScale } from '../registry/scale.js'
import type { KindInfo } from '../schema/kinds.js'
import type { Stored } from '../schema/stored-object.js'
import { parseRequestPath, type RequestPath } from './path.js'
import { serverInfo } from './server-info.js'
import { asApiError, create, remove, update, type Target } from '../registry/write.js'
import { page } from '../storage/list.js'
import type { ApiRequest, ApiServer, BeginWatch, Collection } from './request.js'

const UNAUTHENTICATED_PATHS = new Set(['/healthz', '/readyz', '/livez', '/version'])

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

function isAuthenticated(request: Request, token: string): boolean {
  const [scheme, given] = (request.headers.get('authorization') ?? '').split(' ', 2)
  return scheme?.toLowerCase() === 'bearer' && timingSafeEqual(digest(given ?? ''), digest(token))
}

/** The response to a request; failures become a metav1.Status. */
export async function handle(server: ApiServer, request: Request, beginWatch: BeginWatch): Promise<Response> {
  const url = new URL(request.url)
  const warnings: string[] = []
  try {
    if (!UNAUTHENTICATED_PATHS.has(url.pathname) && !isAuthenticated(request, server.token)) throw unauthorized()
    const info = serverInfo(server.registry, request, url)
    if (info) return info
    const answer = negotiate(request.headers.get('accept'))
    const req: ApiRequest = { request, query: url.searchParams, answer, warnings }
    const printed = await serve(server, req, parseRequestPath(url.pathname), beginWatch)
    return printed instanceof Response ? printed : toResponse(printed, req, server.printYaml)
  } catch (error) {
    const failure = asApiError(error)
    if (failure.code === 500 && !(error instanceof ApiError)) console.error(error)
    const headers = failure.code === 429 ? { 'retry-after': '1' } : {}
    return Response.json(failure.status(), { status: failure.code, headers })
  }
}

async function readBody({ request }: ApiRequest): Promise<string> {
  const text = await request.text()
  if (text.length > BODY_BYTES_MAX) throw tooLarge(BODY_BYTES_MAX)
  return text
}

/** The object of a POST or PUT: JSON, YAML, or the protobuf of typed kubectl commands. */
async function readObject(req: ApiRequest, { parseYaml }: ApiServer): Promise<unknown> {
  const type = req.request.headers.get('content-type')
  if (contentType(type) !== PROTOBUF) return parseBody(await readBody(req), type, parseYaml)
  const bytes = new Uint8Array(await req.request.arrayBuffer())
  if (bytes.length > BODY_BYTES_MAX) throw tooLarge(BODY_BYTES_MAX)
  return fromProtobuf(bytes)
}

async function serve(
  server: ApiServer,
  req: ApiRequest,
  route: RequestPath | undefined,
  beginWatch: BeginWatch,
): Promise<Printed | Response> {
  if (!route) throw noSuchPath()
  const review = route.subresource === undefined && route.namespace === undefined ? reviewKind(route) : undefined
  if (review) return serveReview(server, req, review, route)
  const kind = server.registry.find(route)
  if (!kind || (kind.namespaced ? false : route.namespace !== undefined)) throw noSuchPath()
  const { name, subresource, namespace } = route
  const scaled = subresource === 'scale' && hasScale(kind)
  if (subresource !== undefined && !scaled && !(subresource === 'status' && kind.hasStatus)) throw noSuchPath()
  if (name === undefined) return serveCollection(server, req, { kind, namespace }, beginWatch)
  if (kind.namespaced && namespace === undefined) throw noSuchPath()
  const target: Target = { kind, namespace: namespace ?? '', name }
  if (scaled) return serveScale(server, req, target)
  return serveObject(server, req, target, subresource === 'status')
}

async function serveReview(
  server: ApiServer,
  req: ApiRequest,
  kind: KindInfo,
  { name }: RequestPath,
): Promise<Response> {
  if (name !== undefined) throw noSuchPath()
  if (req.request.method !== 'POST') throw methodNotAllowed()
  return Response.json(answerReview(kind, await readObject(req, server)), { status: 201 })
}

async function serveScale(server: ApiServer, req: ApiRequest, target: Target): Promise<Printed> {
  const { kind } = target
  const printed = (object: Stored): Printed => ({ code: 200, kind: SCALE, object: scaleOf(object) })
  const change = async (make: (old: Stored) => unknown): Promise<Printed> => {
    const options = { ...writeOptionsOf(req), status: false }
    return printed(await update(server.store, target, old => withScale(old, make(old), kind), options))
  }
  switch (req.request.method) {
    case 'GET':
      return printed(getStored(server, target))
    case 'PUT': {
      const body = await readObject(req, server)
      return change(() => body)
    }
    case 'PATCH': {
      const patch = scalePatch(req.request.headers.get('content-type'), await readBody(req))
      return change(old => patch(scaleOf(old)))
    }
    default:
      throw methodNotAllowed()
  }
}

async function serveCollection(
  server: ApiServer,
  req: ApiRequest,
  of: Collection,
  beginWatch: BeginWatch,
): Promise<Printed | Response> {
  const { kind, namespace } = of
  switch (req.request.method) {
    case 'GET':
      return readCollection(server, req, of, beginWatch)
    case 'POST': {
      if (kind.namespaced && namespace === undefined) throw methodNotAllowed()
      const body = await readObject(req, server)
      const object = await create(
        server.store,
        { kind, namespace: namespace ?? '', name: '' },
        body,
        writeOptionsOf(req),
      )
      return { code: 201, kind, object }
    }
    case 'DELETE':
      return deleteCollection(server, req, of)
    default:
      throw methodNotAllowed()
  }
}

async function deleteCollection(server: ApiServer, req: ApiRequest, { kind, namespace }: Collection): Promise<Printed> {
  const options = deleteOptionsOf(req, await readBody(req))
  const { selects, ...wanted } = selectorsOf(req, kind)
  const query = {
    resource: storedAt(kind),
    namespace: kind.namespaced ? namespace : '',
    ...wanted,
    limit: 0,
    continueAt: '',
  }
  const { items, revision } = page(server.store, query, selects)
  const deleted = items.map(({ metadata }) => {
    const target = { kind, namespace: metadata.namespace ?? '', name: metadata.name }
    return remove(server.store, target, options).then(
      ({ object }) => [object],
      (error: unknown) => {
        if (error instanceof ApiError && error.code === 404) return []
        throw error
      },
    )
  })
  return { code: 200, kind, list: { items: (await Promise.all(deleted)).flat(), revision, continueAt: '' } }
}

async function serveObject(server: ApiServer, req: ApiRequest, target: Target, status: boolean): Promise<Printed> {
  const { kind } = target
  switch (req.request.method) {
    case 'GET':
      return readOne(server, req, target)
    case 'PUT': {
      const body = await readObject(req, server)
      const object = await update(server.store, target, () => body, { ...writeOptionsOf(req), status })
      return { code: 200, kind, object }
    }
    case 'PATCH': {
      const { object, created } = await applyPatch(server, req, target, await readBody(req), status)
      return { code: created ? 201 : 200, kind, object }
    }
    case 'DELETE': {
      if (status) throw methodNotAllowed()
      const { object, gone } = await remove(server.store, target, deleteOptionsOf(req, await readBody(req)))
      if (!gone) return { code: 200, kind, object }
      const { name, uid } = object.metadata
      const group = kind.group === '' ? {} : { group: kind.group }
      return { code: 200, kind, status: success({ name, ...group, kind: kind.plural, uid }) }
    }
    default:
      throw methodNotAllowed()
  }
}
