// What the console's server is given: answers, and a signal of changes. Types, and one error.
import type { ConsoleAddress, ConsoleChange, ConsoleMap, ConsolePools, ConsoleTrace, ConsoleWaiting } from './json.js'

/** All throw ConsoleError for what is not there. */
export interface ConsoleSource {
  pools(): ConsolePools
  map(pool: string, prefix: string | undefined): ConsoleMap
  address(text: string): Promise<ConsoleAddress>
  trace(pod: { readonly namespace: string; readonly name: string }): Promise<ConsoleTrace>
  waiting(): ConsoleWaiting
}

/** Calls back for each change; returns how to stop that. */
export type Subscribe = (call: (change: ConsoleChange) => void) => () => void

/** One sentence, and the HTTP status. */
export class ConsoleError extends Error {
  override readonly name = 'ConsoleError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
