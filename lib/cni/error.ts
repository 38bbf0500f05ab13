// Errors as a runtime reads them: code, sentence, details. The one place where anything thrown becomes the JSON on stdout. Pure.

/** CNI spec 1.1.0, section "Error"; 8 and 999 are the Go library's. Codes from 100 up are ours: lib/ipam/errors.ts. */
export const CNI_ERROR = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnv: 4,
  ioFailure: 5,
  decodeFailure: 6,
  invalidConfig: 7,
  invalidNetns: 8,
  tryAgain: 11,
  notAvailable: 50,
  limitedConnectivity: 51,
  internal: 999,
} as const

export type CniErrorKind = keyof typeof CNI_ERROR

export class CniError extends Error {
  override readonly name: string = 'CniError'
  readonly kind: CniErrorKind
  readonly code: number
  readonly details: string
  constructor(kind: CniErrorKind, message: string, details = '', options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
    this.code = CNI_ERROR[kind]
    this.details = details
  }
}

/** One of our own codes, from the registry of the part that says it. */
export class OwnError extends CniError {
  override readonly name = 'OwnError'
  override readonly code: number
  constructor(code: number, message: string, details = '', options?: ErrorOptions) {
    super('internal', message, details, options)
    this.code = code
  }
}

/** What another executable said: its code stays as it is, known to us or not. */
export class RelayedError extends CniError {
  override readonly name = 'RelayedError'
  override readonly code: number
  constructor(code: number, message: string, details = '') {
    super('internal', message, details)
    this.code = code
  }
}

export interface ErrorReply {
  readonly cniVersion?: string
  readonly code: number
  readonly msg: string
  readonly details?: string
}

/** `cniVersion` '' where it is not known yet. Anything that is no CniError is 999 with its own message. */
export function errorReply(thrown: unknown, cniVersion: string): ErrorReply {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const code = thrown instanceof CniError ? thrown.code : CNI_ERROR.internal
  const own = thrown instanceof CniError ? thrown.details : ''
  const details = own || causesOf(thrown, message)
  return { ...(cniVersion !== '' && { cniVersion }), code, msg: message, ...(details !== '' && { details }) }
}

const CAUSES_MAX = 8

/** Messages of the causes, outermost first, without those that the message has in it already. */
function causesOf(thrown: unknown, message: string): string {
  const told: string[] = []
  let cause = thrown instanceof Error ? thrown.cause : undefined
  for (let depth = 0; cause !== undefined && depth < CAUSES_MAX; depth++) {
    const text = cause instanceof Error ? cause.message : String(cause)
    if (text !== '' && !message.includes(text)) told.push(text)
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return told.join(': ')
}

/** Four blanks, and '<', '>', '&' escaped, as Go's encoder prints: runtimes' tests compare the text. */
export const pretty = (value: unknown): string =>
  JSON.stringify(value, undefined, 4).replace(
    /[<>&\u2028\u2029]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
