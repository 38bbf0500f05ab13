// What an act is: doing a step beside taking it back.
import type { Places } from '../places.js'

export interface Act<S> {
  apply(places: Places, step: S): void
  /** What is gone already is fine. */
  undo(places: Places, step: S): void
}
