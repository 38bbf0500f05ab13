// Query parameters: selectors, dry run, field manager, preconditions (meta/v1 options). Pure.
import { checkDepth } from '../schema/body-limits.js'
import { badRequest } from '../schema/status-error.js'
import { labelText } from '../storage/label-key.js'
import type { KindInfo } from '../schema/kinds.js'
import { fieldsOf, parseJson } from '../schema/stored-object.js'
import type { ApiRequest } from './request.js'
import { fieldSelector, labelSelector, type Test } from '../storage/selector.js'
import type { DeleteParams, FieldValidation, WriteParams } from '../registry/write.js'
import { messageOf } from '../../../lib/errors.js'

/** Label and field selectors of a list or watch. */
export interface Selectors {
  readonly test: Test
  readonly selects: boolean
  /** A label that every match has, for the index. */
  readonly label: string | undefined
  /** The name that every match has. */
  readonly name: string | undefined
}

/** labelSelector and fieldSelector of the query. @throws 400 */
export function selectorsOf({ query }: Pick<ApiRequest, 'query'>, kind: KindInfo): Selectors {
  const labels = query.get('labelSelector') ?? ''
  const fields = query.get('fieldSelector') ?? ''
  const byLabel = labelSelector(labels)
  const byField = fieldSelector(fields, kind)
  const [pair] = byLabel.equal
  return {
    test: object => byField.test(object) && byLabel.test(object),
    selects: labels !== '' || fields !== '',
    label: pair && labelText(...pair),
    name: byField.equal.find(([field]) => field === 'metadata.name')?.[1],
  }
}

/** A whole number of the query; undefined if absent or empty. @throws 400 */
export function numberOf(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key) ?? ''
  if (text === '') return undefined
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`${key}: Invalid value: ${JSON.stringify(text)}: must be a whole number`)
  return Number(text)
}

/** Whether a boolean query parameter is `true` or `1`. */
export const flagOf = (query: URLSearchParams, key: string): boolean => ['true', '1'].includes(query.get(key) ?? '')

function dryRunOf(values: readonly unknown[]): boolean {
  const wrong = values.find(value => value !== 'All')
  if (wrong !== undefined)
    throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`)
  return values.length > 0
}

const isFieldValidation = (text: string): text is FieldValidation => ['Strict', 'Warn', 'Ignore'].includes(text)

const MANAGER_LENGTH_MAX = 128

/**
 * fieldManager, or the User-Agent up to its first `/`
 * (k8s.io/apiserver/pkg/endpoints/handlers/create.go). @throws 400
 */
export function managerOf({ query, request }: Pick<ApiRequest, 'query' | 'request'>): string {
  const named = query.get('fieldManager') ?? ''
  if (named.length > MANAGER_LENGTH_MAX)
    throw badRequest(`fieldManager: Too long: may not be more than ${MANAGER_LENGTH_MAX} bytes`)
  if (named !== '') return named
  const [agent = ''] = (request.headers.get('user-agent') ?? '').split('/', 1)
  return agent === '' ? 'unknown' : agent.slice(0, MANAGER_LENGTH_MAX)
}

/** CreateOptions, UpdateOptions or PatchOptions of the query. @throws 400 */
export function writeOptionsOf(req: ApiRequest): WriteParams {
  const { query, warnings } = req
  const fieldValidation = query.get('fieldValidation') ?? 'Warn'
  if (!isFieldValidation(fieldValidation))
    throw badRequest(
      `fieldValidation: Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "Ignore", "Strict", "Warn"`,
    )
  return {
    dryRun: dryRunOf(query.getAll('dryRun')),
    fieldValidation,
    manager: managerOf(req),
    warn: text => void warnings.push(text),
  }
}

const PROPAGATIONS = ['Background', 'Foreground', 'Orphan'] as const

/** DeleteOptions of the query and of the body; the body has precedence. @throws 400 */
export function deleteOptionsOf({ query }: Pick<ApiRequest, 'query'>, text: string): DeleteParams {
  const body = text.trim() === '' ? {} : fieldsOf(jsonOf(text))
  const { uid, resourceVersion } = fieldsOf(body['preconditions'])
  const inBody = Array.isArray(body['dryRun']) ? body['dryRun'] : []
  const orphan = body['orphanDependents'] === true || flagOf(query, 'orphanDependents')
  const wanted = body['propagationPolicy'] ?? query.get('propagationPolicy') ?? (orphan ? 'Orphan' : 'Background')
  const propagation = PROPAGATIONS.find(policy => policy === wanted)
  if (propagation === undefined)
    throw badRequest(
      `propagationPolicy: Unsupported value: ${JSON.stringify(wanted)}: supported values: "Background", "Foreground", "Orphan"`,
    )
  return {
    dryRun: dryRunOf([...query.getAll('dryRun'), ...inBody]),
    uid: typeof uid === 'string' ? uid : undefined,
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : undefined,
    propagation,
  }
}

function jsonOf(text: string): unknown {
  checkDepth(text)
  try {
    return parseJson(text)
  } catch (error) {
    throw badRequest(`couldn't parse DeleteOptions: ${messageOf(error)}`)
  }
}
