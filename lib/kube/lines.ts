// Lines out of bytes that come in pieces. Knows UTF-8 and line feeds; knows nothing of watches.

/** A piece may end anywhere, also inside a character. */
export class LineSplitter {
  readonly #decoder = new TextDecoder()
  readonly #lengthMax: number
  #rest = ''

  /** `lengthMax`: of a line, in UTF-16 units. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax
  }

  /** The lines that this piece completes, without empty ones. Throws RangeError at a line beyond the limit. */
  push(piece: Uint8Array): readonly string[] {
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > this.#lengthMax) throw new RangeError(`a line of more than ${this.#lengthMax} characters`)
    return lines.filter(line => line.trim() !== '')
  }
}
