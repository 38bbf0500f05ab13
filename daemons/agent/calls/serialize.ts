// Runs calls of one key one after another, calls of different keys at once.

export class Serializer {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Keys with a call that runs or waits. */
  get size(): number {
    return this.#last.size
  }

  /** The result of `call`, which begins once the earlier calls of the key have ended. */
  run<T>(key: string, call: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const own = before.then(call, call)
    const settled = own.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(key, settled)
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    })
    return own
  }
}
