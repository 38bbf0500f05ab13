// Validates a conf: first Go's leniency, then the generated validator, then one sentence for the
// fault. Pure.
import { shown } from './json.js'

/**
 * By lower-case key: the schema's name, what the value must be, the keys below
 * (scripts/generate.ts).
 */
export interface Keys {
  readonly [key: string]: readonly [name: string, mustBe: string, below?: Keys]
}

/** Generated from a schema by scripts/generate.ts. */
export interface Checker<T> {
  readonly keys: Keys
  readonly validate: {
    (value: unknown): value is T
    errors: readonly { readonly instancePath: string }[] | null
  }
}

/** `bond.mode is "x"; it must be a whole number`. The caller chooses the CNI code. */
export class ConfFault extends Error {
  override readonly name = 'ConfFault'
}

/**
 * The conf with the schema's keys: case is ignored (the last duplicate wins), null counts as
 * absent, unknown keys are dropped. `where` is the path for sentences: '' or 'ipam.'.
 * @throws ConfFault for the first value of the wrong type
 */
export function checked<T>(raw: object, { keys, validate }: Checker<T>, where: string): T {
  const conf = withSchemaKeys(raw, keys)
  if (validate(conf)) return conf
  const path = (validate.errors?.[0]?.instancePath ?? '').split('/').slice(1).map(unescaped)
  throw new ConfFault(sentence(conf, path, keys, where))
}

/** RFC 6901 §4: a key with a slash in it. */
const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')

function withSchemaKeys(value: unknown, keys: Keys): unknown {
  if (Array.isArray(value)) return value.map(item => withSchemaKeys(item, keys))
  if (typeof value !== 'object' || value === null) return value
  const own: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const entry = Object.hasOwn(keys, key.toLowerCase()) ? keys[key.toLowerCase()] : undefined
    if (entry === undefined || inner === null) continue
    const [name, , below] = entry
    own[name] = below === undefined ? withoutNulls(inner) : withSchemaKeys(inner, below)
  }
  return own
}

/** Go reads null in a list of strings as ''. */
const withoutNulls = (value: unknown): unknown =>
  Array.isArray(value) ? value.map((item: unknown) => item ?? '') : value

/** Names the key of the fault: in a list of scalars the list, in a nested object its key. */
function sentence(conf: unknown, path: readonly string[], keys: Keys, where: string): string {
  let value = conf
  let table: Keys = keys
  let mustBe = 'an object'
  let name = ''
  for (const step of path) {
    const entry: Keys[string] | undefined = Array.isArray(value) ? undefined : table[step.toLowerCase()]
    if (Array.isArray(value) && typeof value[Number(step)] !== 'object') break
    value = (value as Readonly<Record<string, unknown>>)[step]
    if (entry === undefined) {
      name += `[${step}]`
      mustBe = 'an object'
      continue
    }
    name += `${name === '' ? '' : '.'}${entry[0]}`
    mustBe = entry[1]
    table = entry[2] ?? {}
  }
  return `${where}${name} is ${shown(value)}; it must be ${mustBe}`
}

/** `timeouts` of the schemas, in seconds. */
export interface TimeoutsConf {
  readonly add?: number
  readonly del?: number
  readonly check?: number
  readonly status?: number
}

/** Seconds. The kubelet allows ADD and DEL two minutes and calls STATUS every few seconds. */
const TIMEOUTS = { add: 60, del: 20, check: 20, status: 5 } as const

/**
 * How long a call may wait for the API server, in milliseconds. `key`: the path of `timeouts` in
 * the conf.
 */
export function deadlineOf(
  command: string,
  timeouts: TimeoutsConf | undefined,
  key: string,
): { ms: number; of: string } {
  const verb =
    command === 'GC' ? 'check' : (['add', 'del', 'check', 'status'] as const).find(one => one === command.toLowerCase())
  const name = verb ?? 'add'
  return { ms: (timeouts?.[name] ?? TIMEOUTS[name]) * 1000, of: `this ${command || 'ADD'} (${key}.${name})` }
}
