// What an act is: doing a step beside taking it back.
import type { Namespaces } from '../namespaces.js'

export interface Act<S> {
  apply(namespaces: Namespaces, step: S): void
  /** What is gone already is fine. */
  undo(namespaces: Namespaces, step: S): void
}
