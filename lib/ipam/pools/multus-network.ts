// Which NetworkAttachmentDefinition a NIC of a pod belongs to, from Multus' annotations. Pure.
import type { Pod } from '../../crd/types.js'
import { ANNOTATION_MULTUS_DEFAULT, ANNOTATION_MULTUS_NETWORKS, ANNOTATION_MULTUS_STATUS } from '../../crd/names.js'
import { keysOf } from '../json-keys.js'

export type Network = { readonly name: string } | { readonly unknown: string }

/** An interface by name or, before it has one, by index: 0 is the default interface. */
export type InterfaceRef = { readonly nic: string } | { readonly index: number }

/** Environment of the plugin: Multus' cluster-wide default network. */
const CLUSTER_NETWORK = 'MULTUS_CLUSTER_NETWORK'

/**
 * `clusterNetwork` is Multus' cluster-wide default (MULTUS_CLUSTER_NETWORK), `namespace/name` or a
 * bare name.
 */
export function networkOf(
  pod: Pod,
  which: InterfaceRef,
  { agentNamespace, clusterNetwork }: { readonly agentNamespace: string; readonly clusterNetwork: string },
): Network {
  const annotations = pod.metadata.annotations ?? {}
  if ('nic' in which ? which.nic === 'eth0' : which.index === 0) {
    const text = annotations[ANNOTATION_MULTUS_DEFAULT] ?? clusterNetwork
    if (text === '')
      return { unknown: `the pod has no annotation ${ANNOTATION_MULTUS_DEFAULT} that says which network eth0 is in` }
    const first = selectionsOf(text, agentNamespace)[0]
    if (first) return { name: first.name }
    const where = ANNOTATION_MULTUS_DEFAULT in annotations ? `annotation ${ANNOTATION_MULTUS_DEFAULT}` : CLUSTER_NETWORK
    return { unknown: `${where} is "${text}", which names no network` }
  }
  const text = annotations[ANNOTATION_MULTUS_NETWORKS]
  const selections = secondaryNetworks(pod)
  const found =
    'nic' in which
      ? selections.find(({ nic }, at) => (nic ?? `net${at + 1}`) === which.nic)
      : selections[which.index - 1]
  const what = 'nic' in which ? which.nic : `interface ${which.index} of the pod`
  if (found) return { name: found.name }
  return text === undefined
    ? { unknown: `the pod has no annotation ${ANNOTATION_MULTUS_NETWORKS} that says which network ${what} is in` }
    : { unknown: `annotation ${ANNOTATION_MULTUS_NETWORKS} is "${text}", which names no network for ${what}` }
}

const secondaryNetworks = (pod: Pod): Selection[] =>
  selectionsOf(pod.metadata.annotations?.[ANNOTATION_MULTUS_NETWORKS] ?? '', pod.metadata.namespace ?? 'default')

/** Names of the interfaces of the pod: the default one, then those of Multus' annotation. */
export const interfacesOf = (pod: Pod): readonly string[] => [
  'eth0',
  ...secondaryNetworks(pod).map(({ nic }, at) => nic ?? `net${at + 1}`),
]

/** Number of interfaces of the pod: the default one and those of Multus' annotation. */
export const interfaceCount = (pod: Pod): number => 1 + secondaryNetworks(pod).length

/**
 * True where Multus manages the pod and its annotation no longer names the interface: it was
 * unplugged while the pod runs. False for an annotation that does not parse, and for the default
 * interface.
 */
export function isUnplugged(pod: Pod, nic: string): boolean {
  const { annotations = {} } = pod.metadata
  const text = annotations[ANNOTATION_MULTUS_NETWORKS]
  if (nic === 'eth0' || (text === undefined && annotations[ANNOTATION_MULTUS_STATUS] === undefined)) return false
  const selections = secondaryNetworks(pod)
  if (selections.length === 0 && (text ?? '').trim() !== '' && (text ?? '').trim() !== '[]') return false
  return !selections.some(({ nic: name }, at) => (name ?? `net${at + 1}`) === nic)
}

interface Selection {
  /** `namespace/name` */
  readonly name: string
  readonly nic: string | undefined
}

/** Multus' two forms: a JSON list of objects, or comma-separated `ns/name@nic`. */
function selectionsOf(text: string, namespace: string): Selection[] {
  if (text.trim() === '') return []
  if (!/[[{"]/.test(text)) return text.split(',').flatMap(piece => fromShort(piece.trim(), namespace))
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.flatMap(item => fromElement(item, namespace)) : fromElement(value, namespace)
  } catch {
    return [] // not JSON: Multus rejects the pod; here the network is unknown
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
  const keys = keysOf(item)
  const text = (key: string): string | undefined => {
    const value = keys.get(key)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const name = text('name')
  return name === undefined ? [] : [{ name: `${text('namespace') ?? namespace}/${name}`, nic: text('interface') }]
}
