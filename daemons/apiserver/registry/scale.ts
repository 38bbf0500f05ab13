// The `scale` subresource of workloads (autoscaling/v1 Scale). Pure.
import { badRequest, conflict, fault, invalid } from '../schema/status-error.js'
import type { KindInfo } from '../schema/kinds.js'
import { at, fieldsOf, isFields, type JsonObject, type Stored } from '../schema/stored-object.js'

export const SCALE_VERBS = ['get', 'patch', 'update'] as const

/** The kind Scale, for discovery and tables. */
export const SCALE: KindInfo = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  listKind: 'ScaleList',
  plural: 'scales',
  singular: 'scale',
  shortNames: [],
  categories: [],
  namespaced: true,
  hasStatus: false,
  columns: [
    { name: 'Desired', type: 'integer', jsonPath: '.spec.replicas' },
    { name: 'Available', type: 'integer', jsonPath: '.status.replicas' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  custom: true,
}

const SCALED = new Set(['Deployment', 'ReplicaSet', 'StatefulSet'])
/** Whether a kind has the scale subresource. */
export const hasScale = ({ group, kind, custom }: KindInfo): boolean => group === 'apps' && SCALED.has(kind) && !custom

/** metav1.LabelSelector as text, sorted by key as in k8s.io/apimachinery/pkg/labels. */
function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = fieldsOf(selector)
  const labels = Object.entries(fieldsOf(matchLabels)).map(([key, value]) => [key, `${key}=${String(value)}`] as const)
  const more = (Array.isArray(matchExpressions) ? matchExpressions : []).filter(isFields).map(one => {
    const key = String(one['key'])
    const values = Array.isArray(one['values']) ? one['values'].map(String).sort().join(',') : ''
    const texts: Readonly<Record<string, string>> = {
      In: `${key} in (${values})`,
      NotIn: `${key} notin (${values})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    }
    return [key, texts[String(one['operator'])] ?? key] as const
  })
  const byKey = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1)
  return [...labels, ...more]
    .sort(byKey)
    .map(([, text]) => text)
    .join(',')
}

const countAt = (object: Stored, part: string, otherwise: number): number => {
  const count = at(object, part, 'replicas')
  return typeof count === 'number' ? count : otherwise
}

/** The Scale of a workload. */
export function scaleOf(object: Stored): Stored {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const selector = selectorText(at(object, 'spec', 'selector'))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: countAt(object, 'spec', 1) },
    status: { replicas: countAt(object, 'status', 0), ...(selector !== '' && { selector }) },
  }
}

/**
 * The object with the replicas of a Scale.
 * @throws 400 for a Scale of another object, 409 for another UID or resourceVersion, 422 for
 *   invalid
 *   replicas
 */
export function withScale(old: Stored, scale: unknown, of: KindInfo): JsonObject {
  if (!isFields(scale)) throw badRequest('the body is not a JSON object')
  const { name, uid, resourceVersion } = old.metadata
  const metadata = fieldsOf(scale['metadata'])
  if ((scale['kind'] ?? 'Scale') !== 'Scale')
    throw badRequest(`the kind in the data (${String(scale['kind'])}) does not match the expected (Scale)`)
  if ((metadata['name'] ?? name) !== name)
    throw badRequest(
      `the name of the object (${String(metadata['name'])}) does not match the name on the URL (${name})`,
    )
  const isOther = (given: unknown, own: string): boolean => given !== undefined && given !== '' && given !== own
  if (isOther(metadata['uid'], uid) || isOther(metadata['resourceVersion'], resourceVersion)) throw conflict(of, name)
  const replicas = at(scale, 'spec', 'replicas') ?? 0
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0 || replicas >= 2 ** 31)
    throw invalid(SCALE, name, [
      fault.invalid('spec.replicas', replicas, 'must be a whole number greater than or equal to 0'),
    ])
  return { ...old, spec: { ...fieldsOf(old['spec']), replicas } }
}
