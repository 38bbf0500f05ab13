// Injects networks and resource requests into pods that select SpiderMultusConfigs by annotation.
import { invalid, type Fault } from './fault.js'
import { injectFaults, injectedOf } from './multusinject.js'
import type { SpiderMultusConfig } from './multusconfig.js'
import { ANNOTATION_MULTUS_NETWORKS, ANNOTATION_NETWORK_INJECT, ANNOTATION_RDMA_INJECT } from './names.js'
import type { ObjectMeta } from './types.js'

type Quantities = Readonly<Record<string, string | number>>

export interface PodContainer {
  readonly name?: string
  readonly resources?: { readonly limits?: Quantities; readonly requests?: Quantities }
}

export interface PodToCreate {
  readonly metadata: Partial<ObjectMeta>
  readonly spec: { readonly containers: readonly PodContainer[] }
}

/**
 * The injection that a pod or else its Namespace requests; the RDMA annotation takes precedence.
 */
export interface NetworkInjection {
  readonly annotation: typeof ANNOTATION_RDMA_INJECT | typeof ANNOTATION_NETWORK_INJECT
  readonly value: string
}

type Annotated = { readonly metadata: Pick<Partial<ObjectMeta>, 'annotations'> } | undefined

/** `undefined` where neither has an injection annotation. */
export function injectionOf(pod: Annotated, namespace: Annotated): NetworkInjection | undefined {
  for (const { metadata } of [pod, namespace].filter(one => one !== undefined))
    for (const annotation of [ANNOTATION_RDMA_INJECT, ANNOTATION_NETWORK_INJECT] as const) {
      const value = metadata.annotations?.[annotation]
      if (value !== undefined && value !== '') return { annotation, value }
    }
  return undefined
}

/** Why the injection fails. `configs`: those with the label of the injection. */
export function networkFaults(
  { annotation, value }: NetworkInjection,
  configs: readonly SpiderMultusConfig[],
): readonly Fault[] {
  const field = `metadata.annotations[${annotation}]`
  if (configs.length === 0) return [invalid(field, value, `no SpiderMultusConfig has the label ${annotation}=${value}`)]
  return configs.flatMap(config => {
    const [fault] = injectFaults({
      ...config,
      metadata: { ...config.metadata, annotations: { ...config.metadata.annotations, [annotation]: value } },
    })
    const { namespace = '', name } = config.metadata
    return fault
      ? [invalid(field, value, `SpiderMultusConfig ${namespace}/${name} cannot be used: ${fault.field}: ${fault.why}`)]
      : []
  })
}

/**
 * The pod with its networks, sorted; the first container requests the resources that no container
 * requests yet.
 */
export function attach<P extends PodToCreate>(pod: P, configs: readonly SpiderMultusConfig[]): P {
  const sorted = configs
    .map(config => ({
      injected: injectedOf(config),
      ref: `${config.metadata.namespace ?? ''}/${config.metadata.name}`,
    }))
    .sort((a, b) => compare(a.injected?.key ?? '', b.injected?.key ?? '') || compare(a.ref, b.ref))
  const resources = new Set(sorted.map(({ injected }) => injected?.resource ?? '').filter(name => name !== ''))
  const requested = new Set(pod.spec.containers.flatMap(({ resources: own }) => Object.keys(own?.limits ?? {})))
  const missing = [...resources].filter(name => !requested.has(name)).map(name => [name, '1'] as const)
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: {
        ...pod.metadata.annotations,
        [ANNOTATION_MULTUS_NETWORKS]: sorted.map(({ ref }) => ref).join(','),
      },
    },
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((one, at) => (at === 0 ? withLimits(one, missing) : one)),
    },
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function withLimits(container: PodContainer, more: readonly (readonly [string, string])[]): PodContainer {
  if (more.length === 0) return container
  const { resources = {} } = container
  return { ...container, resources: { ...resources, limits: { ...resources.limits, ...Object.fromEntries(more) } } }
}
