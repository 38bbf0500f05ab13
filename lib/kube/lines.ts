// Splits a stream of UTF-8 chunks into lines.

/** A chunk may end anywhere, also inside a character. */
export class LineSplitter {
  readonly #decoder = new TextDecoder()
  readonly #lengthMax: number
  #rest = ''

  /** `lengthMax`: of a line, in UTF-16 units. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax
  }

  /**
   * The lines that this chunk completes, without empty ones.
   * @throws RangeError for a line beyond the limit
   */
  push(chunk: Uint8Array): readonly string[] {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > this.#lengthMax) throw new RangeError(`a line of more than ${this.#lengthMax} characters`)
    return lines.filter(line => line.trim() !== '')
  }
}
