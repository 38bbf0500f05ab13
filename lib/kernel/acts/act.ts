// An act: how a step is applied and undone.
import type { Namespaces } from '../netns-pair.js'

export interface Act<S> {
  apply(namespaces: Namespaces, step: S): void
  /** Succeeds if the object is gone already. */
  undo(namespaces: Namespaces, step: S): void
}
