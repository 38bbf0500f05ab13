// What finished ADDs allocated, for a main plugin that fails later: undone by name, for a while.
import { CLAIM_MS } from '../../../lib/agent/protocol.js'

/** The oldest is forgotten beyond this; its addresses stay until the pod's DEL. */
const CLAIMS_MAX = 10_000

interface Claim {
  /** Container and interface. */
  readonly attachment: string
  readonly undo: () => Promise<void>
  readonly untilMs: number
}

export class Claims {
  readonly #claims = new Map<string, Claim>() // oldest first
  /** The name of the newest ADD of an attachment. */
  readonly #byAttachment = new Map<string, string>()
  readonly #deps: { readonly now: () => number; readonly id: () => string }

  /** `now`: monotonic milliseconds; `id`: unguessable names. */
  constructor(deps: { readonly now: () => number; readonly id: () => string }) {
    this.#deps = deps
  }

  get size(): number {
    return this.#claims.size
  }

  /** The name of an ADD that `undo` releases. `attachment`: its container and interface. */
  keep(attachment: string, undo: () => Promise<void>): string {
    const now = this.#deps.now()
    for (const [, { attachment: old, untilMs }] of this.#claims) {
      if (untilMs > now && this.#claims.size < CLAIMS_MAX) break
      this.forget(old)
    }
    const id = this.#deps.id()
    this.#claims.set(id, { attachment, undo, untilMs: now + CLAIM_MS })
    this.forget(attachment)
    this.#byAttachment.set(attachment, id)
    return id
  }

  /** After a DEL nothing of an ADD is left to undo. */
  forget(attachment: string): void {
    const id = this.#byAttachment.get(attachment)
    this.#byAttachment.delete(attachment)
    if (id !== undefined) this.#claims.delete(id)
  }

  /**
   * Undoes an ADD, once. False where the name is unknown: undone, expired, or of another agent.
   * @throws what undo throws; the claim is kept then
   */
  async undo(id: string): Promise<boolean> {
    const claim = this.#claims.get(id)
    if (claim === undefined || claim.untilMs <= this.#deps.now()) return false
    this.forget(claim.attachment)
    try {
      await claim.undo()
    } catch (error) {
      this.#claims.set(id, claim)
      this.#byAttachment.set(claim.attachment, id)
      throw error
    }
    return true
  }
}
