// Which form an answer takes and what a body is: Accept and Content-Type. Pure.
import { BODY_BYTES_MAX, checkDepth, sizeOfJson } from '../schema/body-limits.js'
import { badRequest, notAcceptable, tooLarge, unsupportedMedia } from '../schema/status-error.js'

/** An object as it is, a Table for people, or metadata only. */
export type Form = 'object' | 'table' | 'metadata'

export interface ResponseForm {
  readonly form: Form
  readonly type: 'json' | 'yaml'
  /** Of meta.k8s.io: `kubectl` of 1.20 asks for v1, older ones for v1beta1. */
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

/** The first form in Accept that we speak. Throws 406 where there is none: protobuf alone, for one. */
export function negotiate(accept: string | null): ResponseForm {
  if (accept === null || accept.trim() === '') return { form: 'object', type: 'json', version: 'v1' }
  for (const text of accept.split(',')) {
    const answer = responseForm(parseMedia(text))
    if (answer) return answer
  }
  throw notAcceptable()
}

/** `type/subtype` of a Content-Type, '' where there is none. */
export const contentType = (header: string | null): string => parseMedia(header ?? '').type

const BODIES = ['application/json', 'application/yaml']

/** Parses a body; `parseYaml` is the runtime's. Throws 400 and 415. */
export function parseBody(text: string, header: string | null, parseYaml: (text: string) => unknown): unknown {
  const type = contentType(header)
  if (type !== '' && !BODIES.includes(type) && type !== 'application/x-www-form-urlencoded')
    throw unsupportedMedia(BODIES)
  return decodeBody(text, type === 'application/yaml', parseYaml)
}

/** JSON, or YAML where that is allowed. @throws 400, and 413 for YAML whose aliases make it larger than a body may be. */
export function decodeBody(text: string, yaml: boolean, parseYaml: (text: string) => unknown): unknown {
  checkDepth(text)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!yaml)
      throw badRequest(`couldn't parse the body as JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const value = decodeYaml(text, parseYaml)
  if (sizeOfJson(value, BODY_BYTES_MAX) > BODY_BYTES_MAX) throw tooLarge(BODY_BYTES_MAX)
  return value
}

function decodeYaml(text: string, parseYaml: (text: string) => unknown): unknown {
  try {
    return parseYaml(text)
  } catch (error) {
    throw badRequest(`couldn't parse the body as YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
}
