// Content negotiation: Accept and Content-Type. Pure.
import { BODY_BYTES_MAX, checkDepth, sizeOfJson } from '../schema/body-limits.js'
import { badRequest, notAcceptable, tooLarge, unsupportedMedia } from '../schema/status-error.js'
import { messageOf } from '../../../lib/errors.js'

/** The object itself, a Table for kubectl, or PartialObjectMetadata. */
export type Form = 'object' | 'table' | 'metadata'

export interface ResponseForm {
  readonly form: Form
  readonly type: 'json' | 'yaml'
  /** Version of meta.k8s.io: kubectl asks for v1 from 1.20 on, for v1beta1 before. */
  readonly version: 'v1' | 'v1beta1'
}

interface Media {
  readonly type: string
  readonly params: Readonly<Record<string, string>>
}

const parseMedia = (text: string): Media => {
  const [type = '', ...rest] = text.split(';').map(part => part.trim())
  return { type: type.toLowerCase(), params: Object.fromEntries(rest.map(part => part.split('=', 2))) }
}

const FORMS: Readonly<Record<string, Form>> = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata',
}

function responseForm({ type, params }: Media): ResponseForm | undefined {
  const form = params['as'] === undefined ? 'object' : FORMS[params['as']]
  if (form === undefined) return undefined
  if (form !== 'object' && params['g'] !== 'meta.k8s.io') return undefined
  const version = params['v'] === 'v1beta1' ? 'v1beta1' : 'v1'
  if (['application/json', 'application/*', '*/*'].includes(type)) return { form, type: 'json', version }
  if (type === 'application/yaml') return { form, type: 'yaml', version }
  return undefined
}

/** The first supported form in Accept. @throws 406 where there is none, as for protobuf alone. */
export function negotiate(accept: string | null): ResponseForm {
  if (accept === null || accept.trim() === '') return { form: 'object', type: 'json', version: 'v1' }
  for (const text of accept.split(',')) {
    const answer = responseForm(parseMedia(text))
    if (answer) return answer
  }
  throw notAcceptable()
}

/** `type/subtype` of a Content-Type, '' if absent. */
export const contentType = (header: string | null): string => parseMedia(header ?? '').type

const BODIES = ['application/json', 'application/yaml']

/** Parses a body by its Content-Type. @throws 400, 413, 415 */
export function parseBody(text: string, header: string | null, parseYaml: (text: string) => unknown): unknown {
  const type = contentType(header)
  if (type !== '' && !BODIES.includes(type) && type !== 'application/x-www-form-urlencoded')
    throw unsupportedMedia(BODIES)
  return decodeBody(text, type === 'application/yaml', parseYaml)
}

/**
 * Parses JSON, or YAML where allowed. @throws 400, and 413 for YAML whose aliases expand beyond the
 * body limit.
 */
export function decodeBody(text: string, yaml: boolean, parseYaml: (text: string) => unknown): unknown {
  checkDepth(text)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!yaml) throw badRequest(`couldn't parse the body as JSON: ${messageOf(error)}`)
  }
  const value = decodeYaml(text, parseYaml)
  if (sizeOfJson(value, BODY_BYTES_MAX) > BODY_BYTES_MAX) throw tooLarge(BODY_BYTES_MAX)
  return value
}

function decodeYaml(text: string, parseYaml: (text: string) => unknown): unknown {
  try {
    return parseYaml(text)
  } catch (error) {
    throw badRequest(`couldn't parse the body as YAML: ${messageOf(error)}`)
  }
}
