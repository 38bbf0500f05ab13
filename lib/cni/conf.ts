// A conf against its schema: Go's leniency first, then the generated validator, then one sentence for what it found. Pure.
import { shown } from './json.js'

/** By key in small letters: the name that the schema has, what the value must be, and the keys below it. Made by scripts/generate.ts. */
export interface Keys {
  readonly [key: string]: readonly [name: string, mustBe: string, below?: Keys]
}

/** What scripts/generate.ts makes of a schema. */
export interface Checker<T> {
  readonly keys: Keys
  readonly validate: {
    (value: unknown): value is T
    errors: readonly { readonly instancePath: string }[] | null
  }
}

/** `bond.mode is "x"; it must be a whole number`. Who reads the conf says with which code. */
export class ConfFault extends Error {
  override readonly name = 'ConfFault'
}

/**
 * The conf as its schema has it: keys in any case (of several the last one), null as if it were not there, unknown ones left out.
 * `where` is the path to it, for sentences: '' or 'ipam.'. Throws ConfFault for the first value that is of the wrong kind.
 */
export function checked<T>(raw: object, { keys, validate }: Checker<T>, where: string): T {
  const conf = known(raw, keys)
  if (validate(conf)) return conf
  const path = (validate.errors?.[0]?.instancePath ?? '').split('/').slice(1).map(unescaped)
  throw new ConfFault(sentence(conf, path, keys, where))
}

/** RFC 6901 §4: a key with a slash in it. */
const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')

function known(value: unknown, keys: Keys): unknown {
  if (Array.isArray(value)) return value.map(item => known(item, keys))
  if (typeof value !== 'object' || value === null) return value
  const own: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const entry = Object.hasOwn(keys, key.toLowerCase()) ? keys[key.toLowerCase()] : undefined
    if (entry === undefined || inner === null) continue
    const [name, , below] = entry
    own[name] = below === undefined ? withoutNulls(inner) : known(inner, below)
  }
  return own
}

/** Go reads null in a list of strings as ''. */
const withoutNulls = (value: unknown): unknown =>
  Array.isArray(value) ? value.map((item: unknown) => item ?? '') : value

/** Names the key: of a fault in a list of plain values that is the list, of one in an object below it the object's key. */
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

/** As the schemas have `timeouts`: seconds. */
export interface TimeoutsConf {
  readonly add?: number
  readonly del?: number
  readonly check?: number
  readonly status?: number
}

/** Seconds: a kubelet gives an ADD and a DEL two minutes, and asks for STATUS every few seconds. */
const TIMEOUTS = { add: 60, del: 20, check: 20, status: 5 } as const

/** How long a call may wait for the API server. `key`: where `timeouts` stands in the conf. */
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
