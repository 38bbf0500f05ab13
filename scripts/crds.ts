// From the schemas of schemas/crds to TypeScript types and guards, as text. Pure.

/** The words of a structural schema that types and guards are made of. */
export interface CrdSchema {
  readonly type: string
  readonly description?: string
  readonly enum?: readonly (string | number | boolean)[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, CrdSchema>>
  readonly additionalProperties?: CrdSchema
  readonly items?: CrdSchema
  readonly default?: string | number | boolean
}

/** By kind, such as `SpiderIPPool`. */
export type CrdSchemas = Readonly<Record<string, CrdSchema>>

/**
 * Where the types are stricter than the schemas, which stay compatible with Go's Spiderpool: fields
 * that are always present because admission requires them or we write them. `nullable` is in no
 * type: it is for kube-apiserver 1.20, and nothing writes null.
 */
const ALWAYS_PRESENT: readonly string[] = [
  'SpiderIPPool.spec',
  'SpiderSubnet.spec',
  'SpiderReservedIP.spec',
  'SpiderEndpoint.status',
  'SpiderIPAddress.apiVersion',
  'SpiderIPAddress.kind',
  'SpiderIPAddress.spec',
  'SpiderIPAddress.spec.containerID',
  'SpiderIPAddress.spec.node',
  'SpiderIPAddress.spec.owner',
]

/** Names of nested types; objects with the same fields have the same name. */
const NAMES: Readonly<Record<string, string>> = {
  'SpiderIPPool.spec.routes[]': 'PoolRoute',
  'SpiderIPPool.spec.podAffinity': 'LabelSelector',
  'SpiderEndpoint.status.current.ips[]': 'EndpointNic',
  'SpiderCoordinator.spec': 'CoordinatorSpec',
  'SpiderMultusConfig.spec': 'MultusConfigSpec',
  'SpiderMultusConfig.spec.macvlan': 'OnMaster',
  'SpiderMultusConfig.spec.macvlan.bond': 'Bond',
  'SpiderMultusConfig.spec.macvlan.ippools': 'PoolNames',
}

/** Below `spec.coordinator` of one kind and `spec` of the other. */
const COORDINATOR_READS: readonly string[] = ['hijackCIDR', 'policyRoutes[].dst']

/**
 * The guards, each with the fields that it checks: those that mutation reads. The schema checks the
 * rest, after mutation and with a sentence for each field.
 */
const GUARDS: Readonly<
  Record<string, { readonly kind: string; readonly doc: string; readonly reads: readonly string[] }>
> = {
  isPool: {
    kind: 'SpiderSubnet',
    doc: 'A SpiderIPPool has the same fields.',
    reads: ['spec.subnet', 'spec.ips', 'spec.excludeIPs', 'spec.routes[].dst'],
  },
  isReserved: { kind: 'SpiderReservedIP', doc: '', reads: ['spec.ips'] },
  isCoordinator: { kind: 'SpiderCoordinator', doc: '', reads: COORDINATOR_READS.map(path => `spec.${path}`) },
  isMultusConfig: {
    kind: 'SpiderMultusConfig',
    doc: 'The settings of each cniType are checked to be objects.',
    reads: [
      'spec.cniType',
      ...COORDINATOR_READS.map(path => `spec.coordinator.${path}`),
      ...['macvlan', 'ipvlan', 'vlan', 'sriov', 'ibsriov', 'ipoib', 'ovs'].map(name => `spec.${name}`),
    ],
  },
}

/** Defaults that admission sets too, by the name of the constant; all paths have the same. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  COORDINATOR_DEFAULTS: ['SpiderCoordinator.spec', 'SpiderMultusConfig.spec.coordinator'],
  MULTUS_DEFAULTS: ['SpiderMultusConfig.spec'],
}

/** `a.b[].c` as `a`, `b`, `[]`, `c`. */
const namesOf = (path: string): readonly string[] => path.replaceAll('[]', '.[]').split('.')

/**
 * The schema at `Kind.field.list[]`; @throws Error where a table above names a field that is gone.
 */
function schemaAt(schemas: CrdSchemas, path: string): CrdSchema {
  const [kind = '', ...names] = namesOf(path)
  return names.reduce(
    (schema, name) => existing(name === '[]' ? schema.items : schema.properties?.[name], path),
    existing(schemas[kind], path),
  )
}

function existing(schema: CrdSchema | undefined, path: string): CrdSchema {
  if (!schema) throw new Error(`scripts/crds.ts: no schema has ${path}`)
  return schema
}

const isRequired = ({ required: names = [] }: CrdSchema, name: string, path: string): boolean =>
  names.includes(name) || ALWAYS_PRESENT.includes(path)

/** A CRD may not say more of metadata than that it is an object. */
const isMetadata = (path: string): boolean => /^\w+\.metadata$/.test(path)

const commentOf = ({ description = '' }: CrdSchema): string => (description === '' ? '' : `/** ${description} */\n`)

/** Prints types; `nameOf` gives the name of an object type that has one. */
interface Printer {
  readonly nameOf: (schema: CrdSchema, path: string) => string | undefined
  readonly comments: boolean
}

function fieldsOf(schema: CrdSchema, path: string, printer: Printer): string {
  return Object.entries(schema.properties ?? {})
    .map(([name, value]) => {
      const at = `${path}.${name}`
      if (isMetadata(at)) return 'readonly metadata: ObjectMeta'
      const mark = isRequired(schema, name, at) ? '' : '?'
      return `${printer.comments ? commentOf(value) : ''}readonly ${name}${mark}: ${typeOf(value, at, printer)}`
    })
    .join('\n')
}

function typeOf(schema: CrdSchema, path: string, printer: Printer): string {
  switch (schema.type) {
    case 'integer':
      return schema.enum?.join(' | ') ?? 'number'
    case 'boolean':
      return 'boolean'
    case 'string':
      return schema.enum?.map(one => `'${one}'`).join(' | ') ?? 'string'
    case 'array':
      return `readonly (${typeOf(existing(schema.items, `${path}[]`), `${path}[]`, printer)})[]`
    default: {
      const values = schema.additionalProperties
      if (values) return `Readonly<Record<string, ${typeOf(values, `${path}[]`, printer)}>>`
      return printer.nameOf(schema, path) ?? `{ ${fieldsOf(schema, path, printer)} }`
    }
  }
}

/**
 * The text of the types of every kind; @throws Error where a table of this file names a field that
 * is gone.
 */
export function crdTypesOf(schemas: CrdSchemas): string {
  for (const path of ALWAYS_PRESENT) schemaAt(schemas, path)
  const plain: Printer = { nameOf: () => undefined, comments: false }
  const named = Object.entries(NAMES).map(([path, name]) => ({ path, name, schema: schemaAt(schemas, path) }))
  const byFields = new Map(named.map(({ path, name, schema }) => [fieldsOf(schema, path, plain), name]))
  const printer: Printer = { nameOf: (schema, path) => byFields.get(fieldsOf(schema, path, plain)), comments: true }
  const interfaceOf = (name: string, path: string, schema: CrdSchema): string =>
    `export interface ${name} {\n${fieldsOf(schema, path, printer)}\n}\n`
  const interfaces = [
    ...named.map(({ path, name, schema }) => interfaceOf(name, path, schema)),
    ...Object.entries(schemas).map(([kind, schema]) => commentOf(schema) + interfaceOf(kind, kind, schema)),
  ]
  return `import type { ObjectMeta } from '../../../lib/crd/meta.js'\n\n${interfaces.join('\n')}`
}

/** Fields by name that a guard checks, and those below them. */
type Reads = { [name: string]: Reads }

function readsOf(paths: readonly string[]): Reads {
  const reads: Reads = {}
  for (const path of paths) {
    let at = reads
    for (const name of namesOf(path)) at = at[name] ??= {}
  }
  return reads
}

function checkOf(schema: CrdSchema, path: string, reads: Reads): string {
  switch (schema.type) {
    case 'string':
      return schema.enum ? `oneOf(${schema.enum.map(one => `'${one}'`).join(', ')})` : 'isString'
    case 'array':
      return `listOf(${checkOf(existing(schema.items, `${path}[]`), `${path}[]`, reads['[]'] ?? {})})`
    case 'object':
      return Object.keys(reads).length === 0 ? 'isObject' : `hasFields({ ${checksOf(schema, path, reads)} })`
    default:
      throw new Error(`scripts/crds.ts: no guard for ${path}: ${schema.type}`)
  }
}

function checksOf(schema: CrdSchema, path: string, reads: Reads): string {
  return Object.entries(reads)
    .map(([name, below]) => {
      const at = `${path}.${name}`
      const check = checkOf(existing(schema.properties?.[name], at), at, below)
      return `${name}: ${isRequired(schema, name, at) ? check : `optional(${check})`}`
    })
    .join(', ')
}

/** The text of the guards; @throws Error where one names a field that is gone. */
export function crdGuardsOf(schemas: CrdSchemas): string {
  const guards = Object.entries(GUARDS).map(([name, { kind, doc, reads }]) => {
    const checks = checksOf(schemaAt(schemas, kind), kind, readsOf(reads))
    const comment = `/** Whether mutation can read it as a ${kind}. ${doc}`.trim()
    return `${comment} */\nexport const ${name} = guard<${kind}>({ ${checks} })\n`
  })
  const kinds = [...new Set(Object.values(GUARDS).map(({ kind }) => kind))].sort()
  return `import { guard, hasFields, isObject, isString, listOf, oneOf, optional } from '../../../lib/crd/guard.js'
import type { ${kinds.join(', ')} } from './types.js'

${guards.join('\n')}`
}

/** The text of the defaults; @throws Error where two schemas of one constant differ. */
export function crdDefaultsOf(schemas: CrdSchemas): string {
  const constants = Object.entries(DEFAULTS).map(([name, paths]) => {
    const texts = paths.map(path => defaultsText(schemaAt(schemas, path)))
    const [first = ''] = texts
    if (texts.some(text => text !== first))
      throw new Error(`scripts/crds.ts: ${paths.join(' and ')} have other defaults`)
    return `/** Defaults of ${paths.join(' and ')}. */\nexport const ${name} = ${first} as const\n`
  })
  return constants.join('\n')
}

const defaultsText = ({ properties = {} }: CrdSchema): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(properties).flatMap(([name, { default: value }]) => (value === undefined ? [] : [[name, value]])),
    ),
  )
