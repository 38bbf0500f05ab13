// The console as the controller serves it: what it reads, and its settings. The code of the console
// is given by main.ts, because it is that of the command line.
import type { Kube } from '../../lib/kube/client.js'
import type { Log } from '../../lib/log.js'
import type { CacheReader, ObjectChange, WatchSource } from '../runtime/lister.js'

/** What the console reads of a running controller. */
export interface ConsoleReading {
  readonly cache: CacheReader
  /** Kinds that have not synced yet. */
  readonly missing: () => readonly string[]
  readonly kube: Kube
  /** The DaemonSet of the agents. */
  readonly agent: { readonly namespace: string; readonly name: string }
  readonly log: Log
}

export interface OpenedConsole {
  readonly answer: (request: Request) => Promise<Response>
  /** Each change of an informer, after its indexer holds it. */
  readonly observe: (source: WatchSource, change: ObjectChange) => void
}

export type OpenConsole = (reading: ConsoleReading) => OpenedConsole

/** Loads the code of the console. */
export type LoadConsole = () => Promise<{
  readonly openConsole: OpenConsole
  /** For Bun.serve. */
  readonly limits: { readonly idleTimeout: number; readonly maxRequestBodySize: number }
}>

/** Only the node itself and `kubectl port-forward` reach it. */
export const CONSOLE_ADDRESS = '127.0.0.1'
