// Requests of the Go system's models: what is required, and the answer where it is missing.
import { HttpRefusal, objectIn, type ServedAnswer, type ServedRequest } from '../http/request.js'

/** go-openapi's code of a missing required property. */
const REQUIRED = 602

/** 422 as go-openapi has it. */
export const missing = (names: readonly string[], where: 'body' | 'query'): ServedAnswer => ({
  status: 422,
  json: {
    code: REQUIRED,
    message: `validation failure list:\n${names.map(name => `${name} in ${where} is required`).join('\n')}`,
  },
})

/** Properties of IpamAddArgs, IpamDelArgs and IpamBatchDelArgs. */
export interface PodArgs {
  readonly containerID: string
  readonly ifName: string
  readonly netNamespace: string
  readonly podNamespace: string
  readonly podName: string
  readonly podUID: string
  readonly more: Readonly<Record<string, unknown>>
}

/** What would end one argument of CNI_ARGS and begin another. */
const SEPARATORS = /[;=]/

/**
 * The properties of a body; an absent one is in `absent`. Present and empty passes, as in Go.
 * @throws HttpRefusal 400 for a body that is no object, a value of another type, or one that
 *   CNI_ARGS cannot carry
 */
export function podArgsIn(
  request: ServedRequest,
  required: readonly string[],
): { readonly args: PodArgs; readonly absent: readonly string[] } {
  const body = objectIn(request)
  const text = (key: string): string => {
    const value = body[key] ?? ''
    if (typeof value === 'string' && !SEPARATORS.test(value)) return value
    throw new HttpRefusal(400, `${key} is ${JSON.stringify(value)}; it must be a string without ; and =`)
  }
  const args = {
    containerID: text('containerID'),
    ifName: text('ifName'),
    netNamespace: text('netNamespace'),
    podNamespace: text('podNamespace'),
    podName: text('podName'),
    podUID: text('podUID'),
    more: body,
  }
  return { args, absent: required.filter(key => body[key] === undefined || body[key] === null) }
}
