// What reconcilers are constructed with; a leaf, so that they do not import the list of them.
import type { Metrics } from '../../../lib/metrics.js'
import type { Conf, ControllerSettings } from '../settings.js'
import type { Serving } from '../webhooks/server.js'

export interface ReconcilerDeps {
  readonly settings: ControllerSettings
  readonly conf: Conf
  /** The environment, for variables that only one reconciler reads. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly metrics: Metrics
  /** Set where the controller makes the webhooks' certificates itself. */
  readonly serving: Serving | undefined
  /** Set where they are provided: returns the CA (PEM) that came with them. */
  readonly authority?: (() => string | undefined) | undefined
}
