// OpenAPI 3.0: an index and a document per group and version, for kubectl from 1.27 on. Pure.
import { createHash } from 'node:crypto'
import { apiVersionOf, type KindInfo } from '../schema/kinds.js'
import { pathsOf, type Dialect } from './paths.js'
import { definitionsOf } from './types.js'

const REFS = '#/components/schemas/'
const PATCHES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json']

const content = (types: readonly string[], schema: object): object =>
  Object.fromEntries(types.map(type => [type, { schema }]))

const dialect: Dialect = {
  parameter: ({ name, in: location, required, type, description }) => ({
    name,
    in: location,
    description,
    schema: { type, uniqueItems: true },
    ...(required && { required }),
  }),
  shapes(definition, verb, { custom }) {
    const schema = { $ref: `${REFS}${definition}` }
    const answer = verb === 'delete' ? { type: 'object' } : schema
    const responses = { '200': { description: 'OK', content: content(['application/json'], answer) } }
    // kubectl sends a strategic patch where it is listed; custom kinds never list it.
    const patches = custom ? PATCHES : [...PATCHES, 'application/strategic-merge-patch+json']
    const body = verb === 'patch' ? content(patches, { type: 'object' }) : content(['application/json'], schema)
    const reads = verb === 'post' || verb === 'put' || verb === 'patch'
    return { parameters: [], fields: { ...(reads && { requestBody: { required: true, content: body } }), responses } }
  },
}

const rootOf = ({ group, version }: KindInfo): string =>
  `${group === '' ? 'api' : 'apis'}/${apiVersionOf({ group, version })}`

/** The JSON of each document, by `api/v1` and `apis/<group>/<version>`. */
export function documentsOf(kinds: readonly KindInfo[], version: string): ReadonlyMap<string, string> {
  const roots = [...new Set(kinds.map(rootOf))]
  return new Map(
    roots.map(root => [
      root,
      JSON.stringify(
        documentOf(
          kinds.filter(kind => rootOf(kind) === root),
          version,
        ),
      ),
    ]),
  )
}

const documentOf = (kinds: readonly KindInfo[], version: string): object => ({
  openapi: '3.0.0',
  info: { title: 'Kubernetes', version },
  paths: pathsOf(kinds, dialect),
  components: { schemas: definitionsOf(kinds, { refs: REFS, custom: schema => ({ ...schema }) }) },
})

/** The hash of a document: clients cache documents by it indefinitely. */
export const hashOf = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex').toUpperCase()

/** GET /openapi/v3: the index. */
export const indexOf = (documents: ReadonlyMap<string, string>): object => ({
  paths: Object.fromEntries(
    [...documents].map(([root, text]) => [root, { serverRelativeURL: `/openapi/v3/${root}?hash=${hashOf(text)}` }]),
  ),
})
