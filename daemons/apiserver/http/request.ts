// A request, its collection and the server that answers it: the types that the HTTP handlers share.
import type { ResponseForm } from './content-type.js'
import type { KindInfo } from '../schema/kinds.js'
import type { Registry } from '../schema/kind-registry.js'
import type { ObjectStore } from '../storage/store.js'
import type { Watches } from '../storage/watch.js'

export interface ApiServer {
  readonly store: ObjectStore
  readonly registry: Registry
  readonly watches: Watches
  readonly token: string
  readonly parseYaml: (text: string) => unknown
  readonly printYaml: (value: unknown) => string
}

/** A request with its query and Accept header parsed. */
export interface ApiRequest {
  readonly request: Request
  readonly query: URLSearchParams
  readonly answer: ResponseForm
  readonly warnings: string[]
}

/** The objects of a kind, of one namespace or of all. */
export interface Collection {
  readonly kind: KindInfo
  readonly namespace: string | undefined
}

/**
 * Counts a watch on the request's connection and lifts its idle timeout; the result ends it.
 * @throws 429 at the limit of watches.
 */
export type BeginWatch = () => () => void
