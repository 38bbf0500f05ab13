// CustomResourceDefinitions: defaults, status and validation. Pure.
import { fault, type Cause } from '../schema/status-error.js'
import { at, fieldsOf, isFields, type JsonObject, type Stored } from '../schema/stored-object.js'

const list = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isFields) : [])

/** Held by a CRD until its objects are deleted; garbage-collector.ts removes it. */
export const CRD_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

/**
 * Defaults of apiextensions.k8s.io/v1 and the conditions: a CRD is Established by the write that
 * creates it.
 */
export function establish(crd: Stored, old: Stored | undefined): Stored {
  const spec = fieldsOf(crd['spec'])
  const names = fieldsOf(spec['names'])
  const kind = String(names['kind'] ?? '')
  const full = { listKind: `${kind}List`, singular: kind.toLowerCase(), ...names }
  const storage = list(spec['versions']).find(version => version['storage'] === true)
  const since = old?.metadata.creationTimestamp ?? crd.metadata.creationTimestamp
  const condition = (type: string, reason: string, message: string): object => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: since,
  })
  const before = at(old, 'status', 'storedVersions')
  const storedVersions = new Set([...(Array.isArray(before) ? before : []), ...(storage ? [storage['name']] : [])])
  const { finalizers = [], deletionTimestamp } = crd.metadata
  const held = finalizers.includes(CRD_FINALIZER) || deletionTimestamp !== undefined
  return {
    ...crd,
    metadata: { ...crd.metadata, ...(!held && { finalizers: [...finalizers, CRD_FINALIZER] }) },
    spec: { conversion: { strategy: 'None' }, ...spec, names: full },
    status: {
      acceptedNames: full,
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
      storedVersions: [...storedVersions],
    },
  }
}

/** Causes for which a CRD is rejected: those without which it could not be served. */
export function crdFaults(crd: Stored): readonly Cause[] {
  const spec = fieldsOf(crd['spec'])
  const names = fieldsOf(spec['names'])
  const versions = list(spec['versions'])
  const wanted = `${String(names['plural'])}.${String(spec['group'])}`
  const missing = (['group', 'scope'] as const).filter(key => typeof spec[key] !== 'string' || spec[key] === '')
  const unnamed = (['plural', 'kind'] as const).filter(key => typeof names[key] !== 'string' || names[key] === '')
  const stored = versions.filter(version => version['storage'] === true)
  return [
    ...missing.map(key => fault.required(`spec.${key}`)),
    ...unnamed.map(key => fault.required(`spec.names.${key}`)),
    ...(crd.metadata.name === wanted
      ? []
      : [fault.invalid('metadata.name', crd.metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...(stored.length === 1
      ? []
      : [
          fault.invalid(
            'spec.versions',
            versions.map(v => v['name']),
            'must have exactly one version marked as storage version',
          ),
        ]),
    ...versions.flatMap((version, i) =>
      isFields(at(version, 'schema', 'openAPIV3Schema'))
        ? []
        : [fault.required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required')],
    ),
    ...(spec['scope'] === undefined || spec['scope'] === 'Cluster' || spec['scope'] === 'Namespaced'
      ? []
      : [fault.notSupported('spec.scope', spec['scope'], ['Cluster', 'Namespaced'])]),
  ]
}
