// GET: an object, a list or a watch.
import { ApiError, badRequest, notFound } from '../schema/status-error.js'
import { page } from '../storage/list.js'
import type { Stored } from '../schema/stored-object.js'
import { flagOf, numberOf, selectorsOf } from './request-options.js'
import { bookmarkOf, eventPrinter, type Printed } from './representation.js'
import { storedAt } from '../schema/kind-registry.js'
import type { ApiRequest, BeginWatch, Collection, ApiServer } from './request.js'
import { refOf, inVersionOf, type Target } from '../registry/write.js'

/** The stored object in the version of the request. @throws 404 */
export function getStored({ store }: ApiServer, target: Target): Stored {
  const object = store.read(refOf(target))
  if (!object) throw notFound(target.kind, target.name)
  return inVersionOf(target.kind, object)
}

/** GET of one object. @throws 404 */
export const readOne = (server: ApiServer, _req: ApiRequest, target: Target): Printed => ({
  code: 200,
  kind: target.kind,
  object: getStored(server, target),
})

/**
 * The revision that resourceVersion and resourceVersionMatch ask for; undefined: the current one.
 * @throws 400, 504
 */
function exactRevision({ query }: ApiRequest, now: number): number | undefined {
  const version = numberOf(query, 'resourceVersion')
  const match = query.get('resourceVersionMatch') ?? ''
  if (match !== '' && !['Exact', 'NotOlderThan'].includes(match))
    throw badRequest(
      `resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`,
    )
  if (match !== '' && version === undefined)
    throw badRequest(
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    )
  if (version === undefined || version === 0) {
    if (match === 'Exact')
      throw badRequest(
        'resourceVersionMatch: Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0"',
      )
    return undefined
  }
  if (version > now) {
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
    throw new ApiError(504, 'Timeout', `Timeout: Too large resource version: ${version}, current: ${now}`, {
      causes,
      retryAfterSeconds: 1,
    })
  }
  const legacyExact = match === '' && (numberOf(query, 'limit') ?? 0) > 0 && !query.has('continue')
  return match === 'Exact' || legacyExact ? version : undefined
}

/** GET of a collection: a list, or a watch with `watch=true`. @throws 400, 410, 429, 504 */
export function readCollection(
  server: ApiServer,
  req: ApiRequest,
  of: Collection,
  beginWatch: BeginWatch,
): Printed | Response {
  if (flagOf(req.query, 'watch')) {
    return watch(server, req, of, beginWatch)
  }
  const { kind, namespace } = of
  const { selects, ...wanted } = selectorsOf(req, kind)
  const query = {
    resource: storedAt(kind),
    namespace: kind.namespaced ? namespace : '',
    ...wanted,
    limit: numberOf(req.query, 'limit') ?? 0,
    continueAt: req.query.get('continue') ?? '',
    exactly: exactRevision(req, server.store.revision),
  }
  const found = page(server.store, query, selects)
  return { code: 200, kind, list: { ...found, items: found.items.map(object => inVersionOf(kind, object)) } }
}

// --min-request-timeout of kube-apiserver; watches last a random time of up to twice that.
const WATCH_MIN_MS = 1_800_000

function watch(
  { store, watches }: ApiServer,
  req: ApiRequest,
  { kind, namespace }: Collection,
  begin: BeginWatch,
): Response {
  const { query } = req
  const from = numberOf(query, 'resourceVersion')
  const initial = flagOf(query, 'sendInitialEvents')
  const bookmarks = flagOf(query, 'allowWatchBookmarks')
  const seconds = numberOf(query, 'timeoutSeconds') ?? 0
  const selectors = selectorsOf(req, kind)
  const onEnd = begin()
  const body = watches.open({
    resource: storedAt(kind),
    namespace: kind.namespaced ? namespace : '',
    ...selectors,
    from: initial || from === 0 ? undefined : from,
    bookmarks,
    marksInitialEnd: initial && bookmarks,
    timeoutMs: seconds > 0 ? seconds * 1000 : WATCH_MIN_MS * (1 + Math.random()),
    print: eventPrinter(kind, req),
    bookmark: bookmarkOf(kind, req),
    onEnd,
  })
  return new Response(body, { headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private' } })
}
