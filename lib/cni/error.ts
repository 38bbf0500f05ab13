// CNI errors: code, msg, details, and how anything thrown becomes the JSON on stdout. Pure.

import { messageOf } from '../errors.js'

/**
 * CNI spec 1.1.0, "Error"; 8 and 999 are libcni's. Codes from 100 up are ours: lib/ipam/errors.ts.
 */
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

/** An error with one of our own codes (lib/ipam/errors.ts). */
export class OwnError extends CniError {
  override readonly name = 'OwnError'
  override readonly code: number
  constructor(code: number, message: string, details = '', options?: ErrorOptions) {
    super('internal', message, details, options)
    this.code = code
  }
}

/** An error of a delegate, with its code unchanged. */
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

/**
 * The error as JSON; `cniVersion` '' if it is not known yet. Anything but a CniError has code 999.
 */
export function errorReply(thrown: unknown, cniVersion: string): ErrorReply {
  const message = messageOf(thrown)
  const code = thrown instanceof CniError ? thrown.code : CNI_ERROR.internal
  const own = thrown instanceof CniError ? thrown.details : ''
  const details = own || causesOf(thrown, message)
  return { ...(cniVersion !== '' && { cniVersion }), code, msg: message, ...(details !== '' && { details }) }
}

const CAUSES_MAX = 8

/** Messages of the causes, outermost first, without those that `message` contains. */
function causesOf(thrown: unknown, message: string): string {
  const texts: string[] = []
  let cause = thrown instanceof Error ? thrown.cause : undefined
  for (let depth = 0; cause !== undefined && depth < CAUSES_MAX; depth++) {
    const text = messageOf(cause)
    if (text !== '' && !message.includes(text)) texts.push(text)
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return texts.join(': ')
}

/**
 * JSON as Go's encoder prints it, indented by four, '<', '>' and '&' escaped: runtimes compare the
 * text.
 */
export const pretty = (value: unknown): string =>
  JSON.stringify(value, undefined, 4).replace(
    /[<>&\u2028\u2029]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
