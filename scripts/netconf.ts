// TypeScript types, the table of keys and docs/conf.md from net-conf schemas. Pure; supports the
// subset of JSON Schema that schemas/netconf uses.

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
  /** What the value must be, in words, where the type alone says too little. */
  readonly mustBe?: string
}

/** By key in lower case: the name, what the value must be, and the keys below it. */
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

/** The schema without documentation, as ajv needs it. */
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

const HEAD = `# Network configuration reference

Keys of the JSON in a NetworkAttachmentDefinition or in a file of /etc/cni/net.d. Keys are case-insensitive, and a key that is \`null\` is
absent. Unknown keys are ignored: the plugin's log (for \`macvlan-wrapper\` that of its IPAM) and the admission of a SpiderMultusConfig
warn of them and name the nearest known key. \`name\`, \`cniVersion\`, \`type\` and \`prevResult\` are those of the CNI specification.
`

export const docsOf = (schemas: readonly Schema[]): string =>
  HEAD +
  schemas
    .map(
      schema =>
        `\n## ${schema.title}\n\n${schema.description}\n\n| key | must be | default | meaning |\n| --- | --- | --- | --- |\n${rowsOf(schema).join('\n')}\n`,
    )
    .join('')

/** The top-level keys of a schema as a table, for the guide of the plugin. */
export const keyTableOf = (schema: Schema): string =>
  `| key | default | meaning |\n| --- | --- | --- |\n${entriesOf(schema)
    .map(([name, value]) => {
      const absent = value.default === undefined ? '' : `\`${JSON.stringify(value.default)}\``
      return `| \`${name}\` | ${absent} | ${cell(value.description ?? '')} |`
    })
    .join('\n')}\n`
