// Which NetworkAttachmentDefinition a NIC of a pod belongs to, from Multus' annotations. Pure.
import type { Pod } from '../crd/types.js'
import { ANNOTATION_MULTUS_DEFAULT, ANNOTATION_MULTUS_NETWORKS } from '../crd/names.js'

export type Network = { readonly name: string } | { readonly unknown: string }

/** `clusterNetwork` is Multus' cluster-wide default (MULTUS_CLUSTER_NETWORK), `namespace/name` or a bare name. */
export function networkOf(
  pod: Pod,
  nic: string,
  { agentNamespace, clusterNetwork }: { readonly agentNamespace: string; readonly clusterNetwork: string },
): Network {
  const annotations = pod.metadata.annotations ?? {}
  if (nic === 'eth0') {
    const text = annotations[ANNOTATION_MULTUS_DEFAULT] ?? clusterNetwork
    if (text === '')
      return { unknown: `the pod has no annotation ${ANNOTATION_MULTUS_DEFAULT} that says which network eth0 is in` }
    const first = selectionsOf(text, agentNamespace)[0]
    return first ? { name: first.name } : { unknown: `annotation ${ANNOTATION_MULTUS_DEFAULT} is "${text}"` }
  }
  const text = annotations[ANNOTATION_MULTUS_NETWORKS] ?? ''
  const found = selectionsOf(text, pod.metadata.namespace ?? 'default').find(
    ({ nic: named }, at) => (named ?? `net${at + 1}`) === nic,
  )
  return found
    ? { name: found.name }
    : { unknown: `annotation ${ANNOTATION_MULTUS_NETWORKS} names no network for ${nic}` }
}

interface Selection {
  /** `namespace/name` */
  readonly name: string
  readonly nic: string | undefined
}

/** Multus' two ways to write it: a JSON list of objects, or `ns/name@nic` with commas between. What is neither is no selection. */
function selectionsOf(text: string, namespace: string): Selection[] {
  if (!/[[{"]/.test(text)) return text.split(',').flatMap(piece => fromShort(piece.trim(), namespace))
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.flatMap(item => fromElement(item, namespace)) : fromElement(value, namespace)
  } catch {
    return [] // not JSON: Multus itself refuses the pod; here it means that no network is known
  }
}

function fromShort(piece: string, namespace: string): Selection[] {
  const match = /^(?:([^/@]+)\/)?([^/@]+)(?:@([^/@]+))?$/.exec(piece)
  if (!match) return []
  return [{ name: `${match[1] ?? namespace}/${match[2]}`, nic: match[3] }]
}

function fromElement(item: unknown, namespace: string): Selection[] {
  if (typeof item === 'string') return fromShort(item, namespace)
  if (typeof item !== 'object' || item === null) return []
  const keys = new Map(Object.entries(item).map(([key, value]) => [key.toLowerCase(), value as unknown]))
  const text = (key: string): string | undefined => {
    const value = keys.get(key)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const name = text('name')
  return name === undefined ? [] : [{ name: `${text('namespace') ?? namespace}/${name}`, nic: text('interface') }]
}
