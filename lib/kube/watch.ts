// List and watch: resumes at the last resourceVersion after a broken stream, lists again if that
// has expired.
import { judge, lost, type KubeRequest } from './outcome.js'
import type { List, ListOptions } from './list.js'
import { isBadConfig, isExpired, KubeError } from './errors.js'
import { decode } from './json.js'
import { collectionPath, query, type Kind } from './kinds.js'
import { LineSplitter } from './lines.js'
import { pauseMs, type Requests } from './request.js'

/**
 * `LISTED` replaces all known objects; it comes first, and again after an expired resourceVersion.
 */
export type WatchEvent<T> =
  | { readonly type: 'LISTED'; readonly items: readonly T[] }
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }

export interface WatchOptions<T = unknown> {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly metadataOnly?: boolean
  /** Lists come from the server's cache, in one page; the stream begins where it is. */
  readonly fromCache?: boolean
  /** Objects per page of a list. */
  readonly pageSize?: number
  /** A transform, applied to each object on arrival; must keep metadata.resourceVersion. */
  readonly pick?: (object: T) => T
  /** Ends the watch, also during backoff. */
  readonly signal?: AbortSignal
  /** Called for each broken stream and each failed request that is retried. */
  readonly onTrouble?: (error: KubeError) => void
  /** Called when the server has accepted a stream, before its first event. */
  readonly onOpen?: () => void
  /** Called for each event, bookmarks included: the stream is alive. */
  readonly onHeard?: () => void
}

export interface Watching<T> {
  readonly requests: Requests
  readonly kind: Kind
  readonly options: WatchOptions<T>
  readonly list: (options: ListOptions) => Promise<List<T>>
}

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'
/** timeoutSeconds, up to twice as long: reconnects spread clients over API server replicas. */
const STREAM_SECONDS = 300
const LIST_PAGE_MAX = 5_000
const LINE_LENGTH_MAX = 16 * 1024 * 1024
/** Abort reason when the consumer stops. */
class Ended extends Error {}

/**
 * Watches until the signal; transient errors are retried.
 * @throws KubeError if the list fails for good (401, 403, 404, a bad kubeconfig)
 */
export async function* watch<T>(watching: Watching<T>): AsyncGenerator<WatchEvent<T>, void, void> {
  const { requests, options } = watching
  const isOver = (): boolean => options.signal?.aborted ?? false
  let version: string | undefined
  let failures = 0
  while (!isOver()) {
    let afterMs: number | undefined
    try {
      if (version === undefined) {
        const all = await listAll(watching)
        version = all.version
        yield { type: 'LISTED', items: all.items }
      }
      if (isOver()) return // aborted during the list: the event does not fire again
      for await (const { type, object } of stream<T>(watching, version)) {
        version = versionOf(object) ?? version
        options.onHeard?.()
        failures = 0
        if (type !== 'BOOKMARK') yield { type, object: (options.pick ?? same)(object) }
      }
    } catch (error) {
      if (isOver()) return
      if (!(error instanceof KubeError) || (version === undefined && isRefusal(error))) throw error
      options.onTrouble?.(error)
      afterMs = error.retryAfterMs
      // Expired: list again. Any other refusal is reported by that list.
      if (isExpired(error) || isRefusal(error)) version = undefined
    }
    // Backoff from the second failure on, for a server that ends every stream at once; from the
    // first on where the server says when (429).
    failures += 1
    if (failures > 1 || afterMs !== undefined)
      await requests.deps.sleep(pauseMs(failures, afterMs, requests.deps.random()), options.signal)
  }
}

const isRefusal = (error: KubeError): boolean =>
  isBadConfig(error) || (error.status >= 400 && error.status < 500 && error.status !== 429 && !isExpired(error))

const same = <T>(object: T): T => object

async function listAll<T>({ list, options }: Watching<T>): Promise<{ version: string; items: readonly T[] }> {
  const { namespace, labelSelector, fieldSelector, metadataOnly, pageSize = LIST_PAGE_MAX, pick = same } = options
  const extent = options.fromCache === true ? { resourceVersion: '0' } : { limit: pageSize }
  const values = {
    ...(namespace !== undefined && { namespace }),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(metadataOnly !== undefined && { metadataOnly }),
    ...extent,
  }
  const items: T[] = []
  let next = ''
  for (;;) {
    const page: List<T> = await list({ ...values, ...(next !== '' && { continue: next }) })
    for (const item of page.items) items.push(pick(item))
    next = page.metadata.continue ?? ''
    if (next === '') return { version: page.metadata.resourceVersion ?? '', items }
  }
}

interface Event<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

const TYPES: readonly unknown[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']

/** One stream to its end. @throws KubeError if it breaks, is refused, or goes silent */
async function* stream<T>({ requests, kind, options }: Watching<T>, version: string): AsyncGenerator<Event<T>> {
  const ends = new AbortController()
  const end = (): void => ends.abort(new Ended())
  options.signal?.addEventListener('abort', end)
  const request = watchRequest(kind, options, { version, requests })
  const target = requests.targetOf(request)
  let status: number | undefined
  const opened = (received: number): void => {
    status = received
    if (received === 200) options.onOpen?.()
  }
  try {
    for await (const line of linesOf(requests, request, { ends, opened })) yield eventOf<T>(line, target)
  } catch (error) {
    if (error instanceof KubeError) throw error
    const outcome = lost(error, status, target)
    throw outcome.kind === 'answer' ? error : outcome.error
  } finally {
    options.signal?.removeEventListener('abort', end)
    end()
  }
}

function watchRequest<T>(
  kind: Kind,
  options: WatchOptions<T>,
  { version, requests }: { version: string; requests: Requests },
): KubeRequest {
  const { namespace, labelSelector, fieldSelector, metadataOnly = false } = options
  const timeoutSeconds = STREAM_SECONDS + Math.floor(requests.deps.random() * STREAM_SECONDS)
  const values = {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: version,
    timeoutSeconds,
    labelSelector,
    fieldSelector,
  }
  return {
    method: 'GET',
    path: collectionPath(kind, namespace) + query(values),
    ...(metadataOnly && { accept: METADATA }),
    timeoutMs: requests.limits.idleMs,
  }
}

interface Opening {
  readonly ends: AbortController
  readonly opened: (status: number) => void
}

/** The stream's lines; a half-open connection is detected by idleMs of silence. */
async function* linesOf(requests: Requests, request: KubeRequest, { ends, opened }: Opening): AsyncGenerator<string> {
  const silence = (): void => ends.abort(new DOMException('silence', 'TimeoutError'))
  let idle = setTimeout(silence, requests.limits.idleMs)
  try {
    const response = await requests.open(request, ends.signal)
    opened(response.status)
    if (response.status !== 200 || response.body === null) {
      const text = await requests.textOf(response)
      const answer = { status: response.status, retryAfter: response.headers.get('retry-after'), text }
      throw refusalOf(judge(answer, requests.targetOf(request)), request)
    }
    const lines = new LineSplitter(LINE_LENGTH_MAX)
    for await (const chunk of response.body) {
      clearTimeout(idle)
      requests.counts.received += chunk.byteLength
      yield* lines.push(chunk)
      idle = setTimeout(silence, requests.limits.idleMs)
    }
  } finally {
    clearTimeout(idle)
  }
}

const refusalOf = (outcome: ReturnType<typeof judge>, { path }: KubeRequest): KubeError =>
  outcome.kind === 'answer' ? new KubeError(0, 'BadAnswer', `GET ${path} was answered with no stream`) : outcome.error

function eventOf<T>(line: string, { server, request }: { server: string; request: KubeRequest }): Event<T> {
  const { type, object } = (decode(line) ?? {}) as {
    type?: unknown
    object?: T & { code?: unknown; reason?: unknown; message?: unknown }
  }
  if (type === 'ERROR' && typeof object === 'object') {
    const { code, reason, message } = object
    throw new KubeError(
      Number(code ?? 0),
      String(reason ?? 'Unknown'),
      String(message ?? `GET ${server}${request.path}: an error without words`),
    )
  }
  if (TYPES.includes(type) && typeof object === 'object' && object !== null) return { type, object } as Event<T>
  throw new KubeError(
    0,
    'BadAnswer',
    `GET ${server}${request.path}: a line of the watch is no event: ${JSON.stringify(line.slice(0, 60))}`,
  )
}

/** The resourceVersion, an opaque string. */
const versionOf = (object: unknown): string | undefined =>
  (object as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion
