// JSONPath of additionalPrinterColumns, in the dialect of k8s.io/client-go/util/jsonpath. Pure.
import { isFields } from '../schema/stored-object.js'

export class JsonPathError extends Error {
  override readonly name = 'JsonPathError'
}

type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'deep' }
  | { readonly kind: 'slice'; readonly from: number; readonly to: number | undefined; readonly by: number }
  | { readonly kind: 'index'; readonly at: number }
  | { readonly kind: 'filter'; readonly left: Operand; readonly is: Comparison | 'there'; readonly right: Operand }

type Operand = { readonly path: readonly Step[] } | { readonly value: unknown }

export type JsonPath = readonly Step[]

const INTEGER = /^-?\d+$/
const SLICE = /^(-?\d*):(-?\d*)(?::(\d+))?$/
const QUOTED = /^'([^']*)'$|^"([^"]*)"$/
const FILTER = /^\?\((.*)\)$/
const COMPARED = /^(.*?)(==|!=|<=|>=|<|>)(.*)$/

/** Parses `.a.b[0]['c\.d'][?(@.type=="Ready")].x`. @throws JsonPathError */
export function parsePath(text: string): JsonPath {
  const steps: Step[] = []
  let rest = text.startsWith('$') ? text.slice(1) : text
  while (rest !== '') {
    if (rest.startsWith('..')) {
      steps.push({ kind: 'deep' })
      rest = rest.slice(rest[2] === '[' ? 2 : 1)
    } else if (rest.startsWith('[')) {
      const end = closing(rest)
      steps.push(...bracket(rest.slice(1, end)))
      rest = rest.slice(end + 1)
    } else if (rest.startsWith('.')) {
      const name = /^(?:\\.|[^\\.[\]])*/.exec(rest.slice(1))?.[0] ?? ''
      if (name !== '') steps.push(fieldStep(name))
      else if (rest.length > 1 && rest[1] !== '[') throw new JsonPathError(`no name behind the dot in ${text}`)
      rest = rest.slice(1 + name.length)
    } else throw new JsonPathError(`expected '.' or '[' at ${JSON.stringify(rest)} of ${text}`)
  }
  return steps
}

const fieldStep = (name: string): Step =>
  name === '*' ? { kind: 'all' } : { kind: 'field', name: name.replaceAll('\\', '') }

/** The index at which the bracket at 0 closes; brackets in quotes do not count. */
function closing(text: string): number {
  let depth = 0
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i)
    if (c === '\\') i++
    else if (quote !== '') quote = c === quote ? '' : quote
    else if (c === "'" || c === '"') quote = c
    else if (c === '[') depth++
    else if (c === ']' && --depth === 0) return i
  }
  throw new JsonPathError(`unclosed [ in ${text}`)
}

function bracket(inside: string): readonly Step[] {
  const text = inside.trim()
  if (text === '*') return [{ kind: 'all' }]
  if (INTEGER.test(text)) return [{ kind: 'index', at: Number(text) }]
  const slice = SLICE.exec(text)
  if (slice) {
    const [, from = '', to = '', by = ''] = slice
    return [
      { kind: 'slice', from: Number(from), to: to === '' ? undefined : Number(to), by: by === '' ? 1 : Number(by) },
    ]
  }
  const quoted = QUOTED.exec(text)
  // client-go parses a quoted key as a path: a dot of the key is escaped by a backslash.
  if (quoted) return parsePath(`.${quoted[1] ?? quoted[2] ?? ''}`)
  const filter = FILTER.exec(text)
  if (filter) return [filterStep(filter[1] ?? '')]
  throw new JsonPathError(`cannot read [${inside}]`)
}

function filterStep(text: string): Step {
  const compared = COMPARED.exec(text)
  if (!compared) return { kind: 'filter', left: operand(text), is: 'there', right: { value: undefined } }
  const [, left = '', is = '', right = ''] = compared
  return { kind: 'filter', left: operand(left), is: comparison(is), right: operand(right) }
}

function comparison(text: string): Comparison {
  switch (text) {
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return text
    default:
      throw new JsonPathError(`no comparison: ${text}`)
  }
}

function operand(source: string): Operand {
  const text = source.trim()
  if (text.startsWith('@')) return { path: parsePath(text.slice(1)) }
  const quoted = QUOTED.exec(text)
  if (quoted) return { value: quoted[1] ?? quoted[2] ?? '' }
  if (text === 'true' || text === 'false') return { value: text === 'true' }
  const number = Number(text)
  if (text === '' || Number.isNaN(number)) throw new JsonPathError(`cannot read ${JSON.stringify(text)} in a filter`)
  return { value: number }
}

/** All values at the path, in order; empty if absent. */
export const find = (value: unknown, path: JsonPath): readonly unknown[] =>
  path.reduce<readonly unknown[]>((values, step) => values.flatMap(one => next(one, step)), [value])

const members = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : isFields(value) ? Object.values(value) : []

function next(value: unknown, step: Step): readonly unknown[] {
  switch (step.kind) {
    case 'field':
      return isFields(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : []
    case 'all':
      return members(value)
    case 'deep':
      return [value, ...members(value).flatMap(member => next(member, step))]
    case 'index':
      return Array.isArray(value) ? value.slice(step.at, step.at === -1 ? undefined : step.at + 1) : []
    case 'slice':
      return Array.isArray(value) ? value.slice(step.from, step.to).filter((_, i) => i % step.by === 0) : []
    case 'filter':
      return Array.isArray(value) ? value.filter(item => passes(item, step)) : []
  }
}

function passes(item: unknown, { left, is, right }: Extract<Step, { kind: 'filter' }>): boolean {
  const a = valueOf(left, item)
  if (is === 'there') return a !== undefined
  const b = valueOf(right, item)
  if (a === undefined || b === undefined) return false
  switch (is) {
    case '==':
      return a === b
    case '!=':
      return a !== b
    default:
      return ordered(a, b, is)
  }
}

const valueOf = (operand: Operand, item: unknown): unknown =>
  'path' in operand ? find(item, operand.path)[0] : operand.value

function ordered(a: unknown, b: unknown, is: '<' | '<=' | '>' | '>='): boolean {
  const comparable =
    (typeof a === 'number' && typeof b === 'number') || (typeof a === 'string' && typeof b === 'string')
  if (!comparable) return false
  switch (is) {
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
  }
}
