// Label and field selectors, in the grammar of k8s.io/apimachinery/pkg/labels. Pure.
import { at, type Stored } from '../schema/stored-object.js'
import { badRequest } from '../schema/status-error.js'

export type Test = (object: Stored) => boolean

export interface Selector {
  readonly test: Test
  /** Pairs that every match has, for an index. */
  readonly equal: readonly (readonly [key: string, value: string])[]
}

const KEY = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?'
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`)
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`)
const EQUALS = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`)
const COMPARES = new RegExp(`^(${KEY})\\s*(>|<)\\s*(-?\\d+)$`)

const labelOf = (object: Stored, key: string): string | undefined => object.metadata.labels?.[key]

interface Term {
  readonly test: Test
  readonly equal?: readonly [string, string]
}

function labelTerm(text: string): Term {
  const set = SET.exec(text)
  if (set) {
    const [, key = '', verb, list = ''] = set
    const values = new Set(list.split(',').map(v => v.trim()))
    const only = [...values]
    if (verb === 'in') {
      const test: Test = object => values.has(labelOf(object, key) ?? '\0')
      return { test, ...(only.length === 1 && { equal: [key, only[0] ?? ''] as const }) }
    }
    return { test: object => !values.has(labelOf(object, key) ?? '\0') }
  }
  const equals = EQUALS.exec(text)
  if (equals) {
    const [, key = '', verb, value = ''] = equals
    if (verb === '!=') return { test: object => labelOf(object, key) !== value }
    return { test: object => labelOf(object, key) === value, equal: [key, value] }
  }
  const compares = COMPARES.exec(text)
  if (compares) {
    const [, key = '', verb, bound = ''] = compares
    const compare = (found: string | undefined): boolean =>
      /^-?\d+$/.test(found ?? '') && (verb === '>' ? Number(found) > Number(bound) : Number(found) < Number(bound))
    return { test: object => compare(labelOf(object, key)) }
  }
  const exists = EXISTS.exec(text)
  if (exists) {
    const [, not, key = ''] = exists
    return { test: object => (labelOf(object, key) === undefined) === (not === '!') }
  }
  throw badRequest(`unable to parse requirement: found '${text}', expected: a label selector such as 'key=value'`)
}

/** Splits at commas outside parentheses. */
const terms = (text: string): readonly string[] =>
  text
    .split(/,(?![^(]*\))/)
    .map(term => term.trim())
    .filter(term => term !== '')

/** Parses a labelSelector. @throws 400 */
export function labelSelector(text: string): Selector {
  const parsed = terms(text).map(labelTerm)
  return {
    test: object => parsed.every(({ test }) => test(object)),
    equal: parsed.flatMap(({ equal }) => (equal ? [equal] : [])),
  }
}

/** Selectable fields by kind; custom kinds have name and namespace only. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  Node: ['spec.unschedulable'],
  Namespace: ['status.phase'],
  Secret: ['type'],
  Service: ['spec.clusterIP', 'spec.type'],
  ReplicaSet: ['status.replicas'],
  Job: ['status.successful'],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
}
const OF_ALL = ['metadata.name', 'metadata.namespace']

function textAt(object: Stored, field: string): string {
  const value = at(object, ...field.split('.'))
  return value === undefined || value === null ? '' : String(value)
}

function fieldTerm(text: string, kind: { readonly kind: string; readonly custom: boolean }): Term {
  const found = /^([^=!]+)(==|=|!=)(.*)$/.exec(text)
  if (!found) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`)
  const [, field = '', verb, value = ''] = found
  const allowed = [...OF_ALL, ...(kind.custom ? [] : (SELECTABLE[kind.kind] ?? []))]
  if (!allowed.includes(field)) throw badRequest(`field label not supported: ${field}`)
  if (verb === '!=') return { test: object => textAt(object, field) !== value }
  return { test: object => textAt(object, field) === value, equal: [field, value] }
}

/** Parses a fieldSelector of a kind. @throws 400 */
export function fieldSelector(text: string, kind: { readonly kind: string; readonly custom: boolean }): Selector {
  const parsed = terms(text).map(term => fieldTerm(term, kind))
  return {
    test: object => parsed.every(({ test }) => test(object)),
    equal: parsed.flatMap(({ equal }) => (equal ? [equal] : [])),
  }
}
