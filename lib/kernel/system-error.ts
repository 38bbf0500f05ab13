// A failed call of libc, with its errno.
import { errnoName } from '../netlink/errno.js'
import { errnoText } from './errno.js'

/** A failed call of libc. */
export class SystemError extends Error {
  override readonly name = 'SystemError'
  readonly code: string
  constructor(what: string, errno: number) {
    super(`${what}: ${errnoText(errno)}`)
    this.code = errnoName(errno)
  }
}
