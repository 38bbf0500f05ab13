// What the agent's main thread and its workers send each other. Types only.
import type { HostRequest, HostResponse } from '../../../lib/cni/host.js'
import type { PluginOutcome } from '../../../lib/cni/plugin.js'

/** A whole call of a plugin. */
export interface WorkerCall {
  readonly plugin: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
  readonly sysctls: string
}

export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly call: WorkerCall }
  | { readonly kind: 'response'; readonly id: number; readonly response: HostResponse }
  | { readonly kind: 'ping' }

export type FromWorker =
  | { readonly kind: 'outcome'; readonly id: number; readonly outcome: PluginOutcome }
  /** A request to the agent itself; `id` is the worker's own. */
  | { readonly kind: 'request'; readonly id: number; readonly request: HostRequest }
  | { readonly kind: 'pong' }
