// Whether a CRD of the cluster is replaced by the one of this build. Pure.
import { SPIDERPOOL_GROUP } from '../../../lib/crd/names.js'
import type { ObjectMeta } from '../../../lib/crd/types.js'

export interface CrdVersion {
  readonly name: string
  readonly schema?: unknown
  readonly additionalPrinterColumns?: unknown
}

export interface Crd {
  readonly metadata: ObjectMeta
  readonly spec: { readonly group: string; readonly versions: readonly CrdVersion[] }
  readonly status?: {
    readonly storedVersions?: readonly string[]
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

/** On a CRD: the version of the build that wrote it. */
export const ANNOTATION_CRD_VERSION = 'spiderpool.spidernet.io/crd-version'

export type CrdPlan =
  | { readonly kind: 'create'; readonly crd: Crd }
  | { readonly kind: 'replace'; readonly crd: Crd }
  | { readonly kind: 'current' }
  | { readonly kind: 'left'; readonly reason: string }

/**
 * Creates what is missing and updates what is older. A CRD of another project is only created; one
 * of a newer build, or with a stored version that this build does not have, is left unchanged.
 */
export function crdPlan(own: Crd, existing: Crd | undefined, version: string): CrdPlan {
  const annotations = { ...existing?.metadata.annotations, ...own.metadata.annotations }
  const metadata = { ...own.metadata, annotations: { ...annotations, [ANNOTATION_CRD_VERSION]: version } }
  if (!existing) return { kind: 'create', crd: { ...own, metadata } }
  if (own.spec.group !== SPIDERPOOL_GROUP) return { kind: 'current' }
  const writer = existing.metadata.annotations?.[ANNOTATION_CRD_VERSION]
  if (writer !== undefined && isNewer(writer, version))
    return { kind: 'left', reason: `version ${writer} of Spiderpool wrote it, this is ${version}` }
  const names = own.spec.versions.map(({ name }) => name)
  const missing = (existing.status?.storedVersions ?? []).filter(name => !names.includes(name))
  if (missing.length > 0)
    return {
      kind: 'left',
      reason: `it stores objects of version ${missing.join(', ')}, which this build does not have`,
    }
  if (hasSameSpec(own, existing)) return { kind: 'current' }
  const { labels, resourceVersion } = existing.metadata
  return {
    kind: 'replace',
    crd: {
      ...own,
      metadata: {
        ...metadata,
        labels: { ...labels, ...own.metadata.labels },
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
    },
  }
}

/** Compares `1.2.3`; a version of another form, as of a build from sources, is not newer. */
function isNewer(one: string, other: string): boolean {
  const [a, b] = [one, other].map(numbersOf)
  if (!a || !b) return false
  const at = a.findIndex((number, index) => number !== b[index])
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0)
}

const numbersOf = (version: string): readonly number[] | undefined =>
  /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number)

/** Schemas are equal; elsewhere the API server may have added defaults. */
function hasSameSpec({ spec }: Crd, existing: Crd): boolean {
  const others = new Map(existing.spec.versions.map(version => [version.name, version]))
  return (
    includes(existing.spec, { ...spec, versions: undefined }) &&
    spec.versions.length === others.size &&
    spec.versions.every(version => {
      const other = others.get(version.name)
      return (
        includes(other, version) &&
        includes(version.schema, other?.schema) &&
        includes(version.additionalPrinterColumns ?? [], other?.additionalPrinterColumns ?? [])
      )
    })
  )
}

/** Whether every field of `part` is in `whole` with that value. */
function includes(whole: unknown, part: unknown): boolean {
  if (part === undefined) return true
  if (typeof part !== 'object' || part === null) return whole === part
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole) !== Array.isArray(part)) return false
  if (Array.isArray(part) && Array.isArray(whole) && part.length !== whole.length) return false
  const fields = whole as Readonly<Record<string, unknown>>
  return Object.entries(part).every(([key, value]) => includes(fields[key], value))
}
