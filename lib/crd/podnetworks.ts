// Pods that choose their networks by one annotation: which SpiderMultusConfigs they get, and which resources they then ask for. Pure.
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

/** What a pod wants by its annotations, else by its Namespace's; of the two annotations one counts, RDMA first. */
export interface NetworkInjection {
  readonly annotation: typeof ANNOTATION_RDMA_INJECT | typeof ANNOTATION_NETWORK_INJECT
  readonly value: string
}

type Annotated = { readonly metadata: Pick<Partial<ObjectMeta>, 'annotations'> } | undefined

export function choiceOf(pod: Annotated, namespace: Annotated): NetworkInjection | undefined {
  for (const { metadata } of [pod, namespace].filter(one => one !== undefined))
    for (const annotation of [ANNOTATION_RDMA_INJECT, ANNOTATION_NETWORK_INJECT] as const) {
      const value = metadata.annotations?.[annotation]
      if (value !== undefined && value !== '') return { annotation, value }
    }
  return undefined
}

/** Why the pod cannot have what it chose. `configs`: those with the label that its choice is. */
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

/** The pod with its networks, in a fixed order, and with each resource that no container asks for yet asked for by the first one. */
export function attach<P extends PodToCreate>(pod: P, configs: readonly SpiderMultusConfig[]): P {
  const sorted = configs
    .map(config => ({
      injected: injectedOf(config),
      ref: `${config.metadata.namespace ?? ''}/${config.metadata.name}`,
    }))
    .sort((a, b) => compare(a.injected?.key ?? '', b.injected?.key ?? '') || compare(a.ref, b.ref))
  const resources = new Set(sorted.map(({ injected }) => injected?.resource ?? '').filter(name => name !== ''))
  const asked = new Set(pod.spec.containers.flatMap(({ resources: own }) => Object.keys(own?.limits ?? {})))
  const missing = [...resources].filter(name => !asked.has(name)).map(name => [name, '1'] as const)
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: {
        ...pod.metadata.annotations,
        [ANNOTATION_MULTUS_NETWORKS]: sorted.map(({ ref }) => ref).join(','),
      },
    },
    spec: { ...pod.spec, containers: pod.spec.containers.map((one, at) => (at === 0 ? asking(one, missing) : one)) },
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function asking(container: PodContainer, more: readonly (readonly [string, string])[]): PodContainer {
  if (more.length === 0) return container
  const { resources = {} } = container
  return { ...container, resources: { ...resources, limits: { ...resources.limits, ...Object.fromEntries(more) } } }
}
