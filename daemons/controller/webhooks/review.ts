// Parses and answers AdmissionReview (admission.k8s.io/v1).
import { messageOf } from '../../../lib/errors.js'
import jsonpatch from 'fast-json-patch'
import type { Denial } from '../../../lib/crd/cause.js'

export interface Review {
  readonly uid: string
  readonly operation: string
  readonly namespace: string
  readonly name: string
  /** Undefined on DELETE. */
  readonly object: unknown
  /** Undefined on CREATE. */
  readonly old: unknown
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const VERSION = 'admission.k8s.io/v1'

/** The request, or a sentence that says why the body is none. */
export function reviewIn(body: string): Review | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch (error) {
    return `the body is not JSON: ${messageOf(error)}`
  }
  if (!isFields(parsed) || parsed['apiVersion'] !== VERSION || parsed['kind'] !== 'AdmissionReview')
    return `the body is no AdmissionReview of ${VERSION}`
  const { request } = parsed
  if (!isFields(request) || text(request['uid']) === '') return 'the AdmissionReview has no request with a uid'
  const { object, oldObject } = request
  return {
    uid: text(request['uid']),
    operation: text(request['operation']),
    namespace: text(request['namespace']),
    name: text(request['name']),
    object: object ?? undefined,
    old: oldObject ?? undefined,
  }
}

export type ReviewVerdict =
  | { readonly kind: 'allowed'; readonly warnings?: readonly string[] }
  | { readonly kind: 'changed'; readonly to: unknown }
  | { readonly kind: 'denied'; readonly denial: Denial }

/** The AdmissionReview with the response. */
export function answerTo({ uid, object }: Pick<Review, 'uid' | 'object'>, verdict: ReviewVerdict): object {
  const answer = (response: object): object => ({
    apiVersion: VERSION,
    kind: 'AdmissionReview',
    response: { uid, ...response },
  })
  switch (verdict.kind) {
    case 'allowed':
      return answer({ allowed: true, ...warningsIn(verdict.warnings) })
    case 'changed':
      return answer({ allowed: true, ...patchFrom(object, verdict.to) })
    case 'denied':
      return answer({ allowed: false, status: statusOf(verdict.denial) })
  }
}

/** Warnings; the API server passes them to the client. */
const warningsIn = (warnings: readonly string[] = []): object => (warnings.length === 0 ? {} : { warnings })

const statusOf = ({ code, reason, message, details }: Denial): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  ...{ message, reason, details, code },
})

/** A JSON patch (RFC 6902), base64 as every []byte in JSON; empty where nothing differs. */
function patchFrom(from: unknown, to: unknown): object {
  if (!isFields(from) || !isFields(to)) return {}
  const patch = jsonpatch.compare(from, to)
  return patch.length === 0 ? {} : { patchType: 'JSONPatch', patch: base64(JSON.stringify(patch)) }
}

const base64 = (value: string): string =>
  btoa(Array.from(new TextEncoder().encode(value), byte => String.fromCharCode(byte)).join(''))
