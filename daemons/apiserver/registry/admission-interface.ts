// Admission inside the server's process, in place of webhooks: the interface of one kind's rules.
import type { Stored } from '../schema/stored-object.js'

/** All objects of a resource (`group/plural`), or those with a label, as of this transaction. */
export type ListResource = (resource: string, label?: string) => readonly Stored[]

export interface ValidationContext {
  readonly list: ListResource
  /** Adds a Warning header to the answer. */
  readonly warn: (text: string) => void
}

export interface BuiltinAdmission {
  /** The object with what its author left out. */
  mutate(object: Stored, old: Stored | undefined, list: ListResource): Stored
  /** @throws ApiError where the object is not allowed. */
  validate(object: Stored, old: Stored | undefined, context: ValidationContext): void
  /** @throws ApiError where the object must stay. */
  validateDelete(object: Stored): void
}

/** For writes to /status, which webhooks never see. */
export const NO_ADMISSION: BuiltinAdmission = { mutate: object => object, validate: () => {}, validateDelete: () => {} }
