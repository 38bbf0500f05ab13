// The paths of all kinds as OpenAPI operations: verbs and parameters.
import { apiVersionOf, type KindInfo } from '../schema/kinds.js'
import { definitionName, GVK, gvkOf, type OpenSchema } from './types.js'

type Verb = 'get' | 'list' | 'post' | 'put' | 'patch' | 'delete'

/** A parameter, independent of the OpenAPI version. */
export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly type: 'string' | 'integer' | 'boolean'
  readonly description: string
}

/** How a version of OpenAPI writes an operation. */
export interface Dialect {
  readonly parameter: (parameter: Parameter) => object
  /** Request body and responses of an operation. */
  readonly shapes: (
    definition: string,
    verb: Verb,
    kind: KindInfo,
  ) => { readonly parameters: readonly object[]; readonly fields: object }
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  in: 'query',
  required: false,
  type,
  description,
})
const inPath = (name: string, description: string): Parameter => ({
  name,
  in: 'path',
  required: true,
  type: 'string',
  description,
})

const DRY_RUN = query('dryRun', 'string', '"All": validate without storing')
const WRITING = [
  DRY_RUN,
  query('fieldManager', 'string', 'owner of the changed fields'),
  query('fieldValidation', 'string', 'how unknown fields are handled: Ignore, Warn or Strict'),
]
const LISTING = [
  query('continue', 'string', 'continue token of the previous page'),
  query('fieldSelector', 'string', 'fields to select by, such as metadata.name=a'),
  query('labelSelector', 'string', 'labels to select by'),
  query('limit', 'integer', 'objects per page'),
  query('resourceVersion', 'string', 'revision to list at or to watch from'),
  query('watch', 'boolean', 'send changes as watch events'),
]
const OF_VERB: Readonly<Record<Verb, readonly Parameter[]>> = {
  get: [],
  list: LISTING,
  post: WRITING,
  put: WRITING,
  patch: [...WRITING, query('force', 'boolean', 'server-side apply: take over fields of other managers')],
  delete: [
    DRY_RUN,
    query('gracePeriodSeconds', 'integer', 'accepted and ignored'),
    query('propagationPolicy', 'string', 'Background, Foreground or Orphan'),
  ],
}
const ACTIONS: Readonly<Record<Verb, string>> = {
  get: 'read',
  list: 'list',
  post: 'create',
  put: 'replace',
  patch: 'patch',
  delete: 'delete',
}

/** The collection, the object and its status, as kube-apiserver documents them. */
export function pathsOf(kinds: readonly KindInfo[], dialect: Dialect): Readonly<Record<string, OpenSchema>> {
  return Object.fromEntries(
    kinds.flatMap(kind => {
      const root = `${kind.group === '' ? '/api' : '/apis'}/${apiVersionOf(kind)}`
      const collection = `${root}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}`
      const item = (path: string, verbs: readonly Verb[]): readonly [string, OpenSchema] => [
        path,
        pathItem(kind, path, verbs, dialect),
      ]
      return [
        item(collection, ['list', 'post']),
        item(`${collection}/{name}`, ['get', 'put', 'patch', 'delete']),
        ...(kind.hasStatus ? [item(`${collection}/{name}/status`, ['get', 'put', 'patch'])] : []),
      ]
    }),
  )
}

function pathItem(kind: KindInfo, path: string, verbs: readonly Verb[], dialect: Dialect): OpenSchema {
  const own = [
    ...(path.includes('{name}') ? [inPath('name', `name of the ${kind.kind}`)] : []),
    ...(kind.namespaced ? [inPath('namespace', 'namespace of the object')] : []),
  ]
  const operations = verbs.map(verb => [verb === 'list' ? 'get' : verb, operation(kind, path, verb, dialect)] as const)
  return { ...Object.fromEntries(operations), parameters: own.map(dialect.parameter) }
}

function operation(kind: KindInfo, path: string, verb: Verb, dialect: Dialect): object {
  const definition = definitionName(kind) + (verb === 'list' ? 'List' : '')
  const { parameters, fields } = dialect.shapes(definition, verb, kind)
  const part = path.endsWith('/status') ? 'Status' : ''
  const group = kind.group === '' ? 'Core' : kind.group.split('.').map(capital).join('')
  const scope = kind.namespaced ? 'Namespaced' : ''
  return {
    operationId: `${ACTIONS[verb]}${group}${capital(kind.version)}${scope}${kind.kind}${part}`,
    description: `${ACTIONS[verb]} ${part === '' ? '' : 'the status of '}${kind.kind}`,
    parameters: [...parameters, ...OF_VERB[verb].map(dialect.parameter)],
    ...fields,
    'x-kubernetes-action': verb,
    [GVK]: gvkOf(kind),
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
