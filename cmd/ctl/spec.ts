// What the table of commands says of one command. Types only.
import type { CtlCommand } from './context.js'

export interface CommandOption {
  /** As commander reads it: `-f, --file <path>`. */
  readonly flags: string
  readonly about: string
  readonly choices?: readonly string[]
  readonly default?: string
}

export interface CommandSpec {
  /** `pool show`: a group and a command of it, or one word. */
  readonly path: string
  readonly arguments: readonly { readonly name: string; readonly about: string }[]
  readonly summary: string
  /** Further sentences, for the command's own help and the page. */
  readonly about: string
  readonly options?: readonly CommandOption[]
  readonly examples: readonly { readonly args: string; readonly about: string }[]
  /** When the exit status is 1. */
  readonly no: string
  readonly load: () => Promise<CtlCommand>
}
