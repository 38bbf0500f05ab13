// The served kinds: built-in ones and those of stored CRDs.
import { BUILTIN_KINDS, type Column, type KindInfo, type Schema } from './kinds.js'
import { at, fieldsOf, isFields, type JsonObject, type Stored } from './stored-object.js'

export const CRDS = 'apiextensions.k8s.io/customresourcedefinitions'

/** The resource under which objects of a kind are stored in any version: `group/plural`. */
export const storedAt = ({ group, plural }: Pick<KindInfo, 'group' | 'plural'>): string => `${group}/${plural}`

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
const list = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isFields) : [])

function columnOf(column: JsonObject): Column {
  const { name, type, jsonPath, format, description, priority } = column
  return {
    name: text(name),
    type: text(type),
    jsonPath: text(jsonPath),
    ...(typeof format === 'string' && { format }),
    ...(typeof description === 'string' && { description }),
    ...(typeof priority === 'number' && { priority }),
  }
}

const isSchema = (value: unknown): value is Schema => isFields(value)

/** The kinds of a CRD, one per served version, in its order. */
export function kindsOfCrd(crd: Stored): readonly KindInfo[] {
  const spec = fieldsOf(crd['spec'])
  const names = fieldsOf(spec['names'])
  const kind = text(names['kind'])
  return list(spec['versions'])
    .filter(version => version['served'] === true)
    .map(version => {
      const schema = at(version, 'schema', 'openAPIV3Schema')
      return {
        group: text(spec['group']),
        version: text(version['name']),
        kind,
        listKind: text(names['listKind']) || `${kind}List`,
        plural: text(names['plural']),
        singular: text(names['singular']) || kind.toLowerCase(),
        shortNames: texts(names['shortNames']),
        categories: texts(names['categories']),
        namespaced: spec['scope'] === 'Namespaced',
        hasStatus: isFields(at(version, 'subresources', 'status')),
        columns: list(version['additionalPrinterColumns']).map(columnOf),
        ...(isSchema(schema) && { schema }),
        custom: true,
      }
    })
}

/** The registry of served kinds. */
export class Registry {
  #kinds = new Map<string, KindInfo>()
  #byCrd = new Map<string, readonly KindInfo[]>()
  /** Increases with every change, so that discovery and OpenAPI can be cached. */
  revision = 0

  /** False with --no-admission: Spiderpool’s kinds are stored without its rules. */
  readonly #admits: boolean

  constructor(crds: readonly Stored[], { admits = true } = {}) {
    this.#admits = admits
    for (const crd of crds) this.#byCrd.set(crd.metadata.name, kindsOfCrd(crd))
    this.#index()
  }

  all(): readonly KindInfo[] {
    return [...this.#kinds.values()]
  }

  find({ group, version, plural }: Pick<KindInfo, 'group' | 'version' | 'plural'>): KindInfo | undefined {
    return this.#kinds.get(`${group}/${version}/${plural}`)
  }

  /** The kind of an apiVersion and kind, as ownerReferences and manifests have them. */
  ofKind(apiVersion: string, kind: string): KindInfo | undefined {
    return this.all().find(
      k => k.kind === kind && (k.group === '' ? k.version : `${k.group}/${k.version}`) === apiVersion,
    )
  }

  /** One kind per resource, whatever its versions. */
  resources(): readonly KindInfo[] {
    return [...new Map(this.all().map(kind => [storedAt(kind), kind])).values()]
  }

  put(crd: Stored): void {
    this.#byCrd.set(crd.metadata.name, kindsOfCrd(crd))
    this.#index()
  }

  remove(name: string): void {
    this.#byCrd.delete(name)
    this.#index()
  }

  #index(): void {
    const custom = [...this.#byCrd.values()].flat().map(kind => (this.#admits ? kind : { ...kind, unadmitted: true }))
    const builtin = new Set(BUILTIN_KINDS.map(storedAt))
    const kinds = [...BUILTIN_KINDS, ...custom.filter(kind => !builtin.has(storedAt(kind)))]
    this.#kinds = new Map(kinds.map(kind => [`${kind.group}/${kind.version}/${kind.plural}`, kind]))
    this.revision++
  }
}
