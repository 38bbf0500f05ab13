// GET: one object, a list, a watch. Knows the query of a request; knows no way to write.
import { ApiError, badRequest, notFound } from '../schema/status-error.js'
import { page } from '../storage/list.js'
import type { Stored } from '../storage/object.js'
import { flagOf, numberOf, selectorsOf } from './request-options.js'
import { bookmarkOf, eventPrinter, type Printed } from './representation.js'
import { storedAt } from '../schema/kind-registry.js'
import type { ApiRequest, BeginWatch, Collection, ApiServer } from './handler.js'
import { refOf, spoken, type Target } from '../registry/write.js'

/** @throws 404 */
export function stored({ store }: ApiServer, target: Target): Stored {
  const object = store.read(refOf(target))
  if (!object) throw notFound(target.kind, target.name)
  return spoken(target.kind, object)
}

export const readOne = (server: ApiServer, _asked: ApiRequest, target: Target): Printed => ({
  code: 200,
  kind: target.kind,
  object: stored(server, target),
})

/** What resourceVersion and resourceVersionMatch ask for, as a moment to show; undefined: now. Throws 400, 504. */
function momentOf({ query }: ApiRequest, now: number): number | undefined {
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

export function readCollection(
  server: ApiServer,
  asked: ApiRequest,
  of: Collection,
  beginWatch: BeginWatch,
): Printed | Response {
  if (flagOf(asked.query, 'watch')) {
    return watch(server, asked, of, beginWatch)
  }
  const { kind, namespace } = of
  const { selects, ...wanted } = selectorsOf(asked, kind)
  const query = {
    resource: storedAt(kind),
    namespace: kind.namespaced ? namespace : '',
    ...wanted,
    limit: numberOf(asked.query, 'limit') ?? 0,
    continueAt: asked.query.get('continue') ?? '',
    exactly: momentOf(asked, server.store.revision),
  }
  const found = page(server.store, query, selects)
  return { code: 200, kind, list: { ...found, items: found.items.map(object => spoken(kind, object)) } }
}

const WATCH_MIN_MS = 1_800_000 // kube-apiserver's min-request-timeout; up to twice that, so that watches do not end together

function watch(
  { store, watches }: ApiServer,
  asked: ApiRequest,
  { kind, namespace }: Collection,
  begin: BeginWatch,
): Response {
  const { query } = asked
  const from = numberOf(query, 'resourceVersion')
  const initial = flagOf(query, 'sendInitialEvents')
  const bookmarks = flagOf(query, 'allowWatchBookmarks')
  const seconds = numberOf(query, 'timeoutSeconds') ?? 0
  const selectors = selectorsOf(asked, kind)
  const onEnd = begin()
  const body = watches.open({
    resource: storedAt(kind),
    namespace: kind.namespaced ? namespace : '',
    ...selectors,
    from: initial || from === 0 ? undefined : from,
    bookmarks,
    marksInitialEnd: initial && bookmarks,
    timeoutMs: seconds > 0 ? seconds * 1000 : WATCH_MIN_MS * (1 + Math.random()),
    print: eventPrinter(kind, asked),
    bookmark: bookmarkOf(kind, asked),
    onEnd,
  })
  return new Response(body, { headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private' } })
}
