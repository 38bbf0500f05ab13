// From a net-conf schema to TypeScript types, a table of its keys, and documentation. Pure; knows the few words of JSON Schema that ours use.

export interface Schema {
  readonly title?: string
  readonly description?: string
  readonly type: string | readonly string[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  /** What a sentence says that the value must be, where the type does not say it well. */
  readonly mustBe?: string
}

/** By key in small letters: the name, what the value must be, and the keys below it. */
export type Keys = Readonly<Record<string, readonly [name: string, mustBe: string, below?: Keys]>>

const typesIn = ({ type }: Schema): readonly string[] => (typeof type === 'string' ? [type] : type)
const entriesOf = ({ properties = {} }: Schema): readonly (readonly [string, Schema])[] => Object.entries(properties)

const WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  integer: 'a whole number',
  object: 'an object',
  array: 'a list',
}

/** What a validator needs of it, without the words for people. */
export function bare({
  title,
  description,
  default: absent,
  mustBe: words,
  properties,
  items,
  ...rest
}: Schema): Schema {
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, bare(value)])),
    }),
    ...(items && { items: bare(items) }),
  }
}

function mustBe(schema: Schema): string {
  if (schema.mustBe !== undefined) return schema.mustBe
  if (schema.minimum !== undefined && schema.maximum !== undefined) return `from ${schema.minimum} to ${schema.maximum}`
  const [type = ''] = typesIn(schema)
  if (type === 'array')
    return `a list of ${schema.items?.type === 'object' ? 'objects' : `${String(schema.items?.type)}s`}`
  return WORDS[type] ?? type
}

export function keysOf(schema: Schema): Keys {
  return Object.fromEntries(
    entriesOf(schema).map(([name, value]) => {
      const below = keysOf(value.items ?? value)
      const entry = [name, mustBe(value)] as const
      return [name.toLowerCase(), Object.keys(below).length > 0 ? ([...entry, below] as const) : entry]
    }),
  )
}

function typeOf(schema: Schema): string {
  const names = typesIn(schema).map(type => {
    if (type === 'integer') return 'number'
    if (type === 'array')
      return `readonly ${schema.items?.type === 'object' ? `(${typeOf(schema.items)})` : typeOf(schema.items ?? { type: 'unknown' })}[]`
    return type === 'object' ? `{ ${fieldsOf(schema)} }` : type
  })
  return names.join(' | ')
}

const fieldsOf = (schema: Schema): string =>
  entriesOf(schema)
    .map(([name, value]) => `/** ${value.description ?? ''} */\nreadonly '${name}'?: ${typeOf(value)}`)
    .join('\n')

export function typesOf(schema: Schema): string {
  return `export interface Conf { ${fieldsOf(schema)} }

type Checker = import('../../../lib/cni/conf.js').Checker<Conf>
export declare const keys: Checker['keys']
export declare const validate: Checker['validate']
`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

function rowsOf(schema: Schema, where = ''): readonly string[] {
  return entriesOf(schema).flatMap(([name, value]) => {
    const absent = value.default === undefined ? '' : `\`${JSON.stringify(value.default)}\``
    const path = `${where}${/^\w+$/.test(name) ? name : JSON.stringify(name)}`
    const own = `| \`${path}\` | ${mustBe(value)} | ${absent} | ${cell(value.description ?? '')} |`
    const below = value.items ? rowsOf(value.items, `${path}[].`) : rowsOf(value, `${path}.`)
    return [own, ...below]
  })
}

const HEAD = `# Keys of the confs

What stands in the JSON of a NetworkAttachmentDefinition or of a file in /etc/cni/net.d. Keys are read in any case, \`null\` is as if the
key were not there, and unknown keys have no effect: the plugin's log (of \`macvlan-wrapper\` that of its IPAM) and the admission of a
SpiderMultusConfig warn of them with the nearest known key. \`name\`, \`cniVersion\`, \`type\` and \`prevResult\` are CNI's own.
`

export const docsOf = (schemas: readonly Schema[]): string =>
  HEAD +
  schemas
    .map(
      schema =>
        `\n## ${schema.title}\n\n${schema.description}\n\n| key | must be | default | meaning |\n| --- | --- | --- | --- |\n${rowsOf(schema).join('\n')}\n`,
    )
    .join('')
