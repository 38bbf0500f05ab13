// Sources of pool names: annotations, Namespace, conf; only the first that exists is used. Pure.
import {
  ANNOTATION_IPPOOL,
  ANNOTATION_IPPOOLS,
  ANNOTATION_NAMESPACE_IPV4,
  ANNOTATION_NAMESPACE_IPV6,
  ANNOTATION_ROUTES,
  ANNOTATION_SUBNET,
  ANNOTATION_SUBNETS,
} from '../../crd/names.js'
import type { Pod, PoolRoute } from '../../crd/types.js'
import type { Family } from '../../ip/address.js'
import {
  namesAnnotation,
  POOL_EXAMPLE,
  POOLS_EXAMPLE,
  poolAnnotation,
  poolsAnnotation,
  routesAnnotation,
  subnetAnnotation,
  subnetsAnnotation,
  type Item,
  type PoolNamesByFamily,
  type SubnetItem,
} from './annotations.js'
import { wrongInput } from '../errors.js'

/** The requested pools of one interface. */
export interface PoolRequest {
  /**
   * Interface name; `#1` for the second item of a list without names, until its ADD has the name.
   */
  readonly nic: string
  /** Its index among the pod's interfaces, where it has no name yet. */
  readonly index: number | undefined
  readonly names: PoolNamesByFamily
  readonly cleanGateway: boolean
}

export interface PoolSource {
  /** The source, for messages. */
  readonly from: string
  /** Its value, and a valid example. */
  readonly says: string
  readonly example: string
  /**
   * `call`: only the interface of this call. `all`: every interface of the pod at its first ADD.
   * `byIndex`: the same by index, without names.
   */
  readonly scope: 'call' | 'all' | 'byIndex'
  readonly requests: readonly PoolRequest[]
}

export interface ConfPools {
  /** `name` of the CNI conf, for messages. */
  readonly network?: string
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
}

interface RequestingCall {
  readonly nic: string
  /** clean_gateway of the conf; `ippools` has its own in every item. */
  readonly cleanGateway: boolean
}

const nameOf = ({ metadata }: Pod): string => `${metadata.namespace ?? 'default'}/${metadata.name}`
const whereIs = (key: string, pod: Pod): string => `annotation ${key} of pod ${nameOf(pod)}`

/** The pod's annotations; `undefined` where they name no pool. */
export function fromPod(pod: Pod, call: RequestingCall): PoolSource | undefined {
  const { annotations = {} } = pod.metadata
  const many = annotations[ANNOTATION_IPPOOLS]
  if (many !== undefined) {
    const where = whereIs(ANNOTATION_IPPOOLS, pod)
    return { ...fromItems(poolsAnnotation(many, where), where, call), says: many, example: POOLS_EXAMPLE }
  }
  const one = annotations[ANNOTATION_IPPOOL]
  if (one === undefined) return undefined
  const where = whereIs(ANNOTATION_IPPOOL, pod)
  return forCall({ from: where, says: one, example: POOL_EXAMPLE }, poolAnnotation(one, where), call)
}

function fromItems(
  items: readonly Item[],
  from: string,
  { nic }: RequestingCall,
): Omit<PoolSource, 'says' | 'example'> {
  if (items.every(item => item.nic === ''))
    return { from, scope: 'byIndex', requests: items.map((item, index) => ({ ...item, nic: indexName(index), index })) }
  if (!items.some(item => item.nic === nic))
    throw wrongInput(`${from} has no item for interface ${nic}; add {"interface":"${nic}","ipv4":["pool"]}`)
  return { from, scope: 'all', requests: items.map(item => ({ ...item, index: undefined })) }
}

/** The NIC of an interface without a name, in address objects. */
export const indexName = (index: number): string => `#${index}`

const forCall = (
  source: Pick<PoolSource, 'from' | 'says' | 'example'>,
  names: PoolNamesByFamily,
  { nic, cleanGateway }: RequestingCall,
): PoolSource => ({
  ...source,
  scope: 'call',
  requests: [{ nic, index: undefined, names, cleanGateway }],
})

/** The annotations of the pod's Namespace; one of the two is enough. */
export function fromNamespace(
  name: string,
  annotations: Readonly<Record<string, string>>,
  call: RequestingCall,
): PoolSource | undefined {
  const names = new Map<Family, readonly string[]>()
  const keys: string[] = []
  for (const [key, family] of [
    [ANNOTATION_NAMESPACE_IPV4, 4],
    [ANNOTATION_NAMESPACE_IPV6, 6],
  ] as const) {
    const text = annotations[key]
    if (text === undefined) continue
    keys.push(key)
    const list = namesAnnotation(text, `annotation ${key} of Namespace ${name}`)
    if (list.length > 0) names.set(family, list)
  }
  const from = `annotation ${keys.join(' and ')} of Namespace ${name}`
  const says = keys.map(key => annotations[key] ?? '').join(' and ')
  return keys.length > 0 ? forCall({ from, says, example: '["pool"]' }, names, call) : undefined
}

/** default_ipv4_ippool and default_ipv6_ippool of the conf; `undefined` where both are empty. */
export function fromConf({ ipv4, ipv6, network }: ConfPools, call: RequestingCall): PoolSource | undefined {
  if (ipv4.length === 0 && ipv6.length === 0) return undefined
  const names = new Map<Family, readonly string[]>()
  if (ipv4.length > 0) names.set(4, ipv4)
  if (ipv6.length > 0) names.set(6, ipv6)
  const says = `${JSON.stringify(ipv4)}/${JSON.stringify(ipv6)}`
  const conf = network === undefined ? 'the CNI conf' : `CNI conf "${network}"`
  const from = `default_ipv4_ippool/default_ipv6_ippool of ${conf}`
  return forCall({ from, says, example: '["pool"]' }, names, call)
}

export interface SubnetRequest extends SubnetItem {
  readonly from: string
}

/** True where an annotation of the pod names a SpiderSubnet. */
export const asksForSubnet = ({ metadata: { annotations = {} } }: Pod): boolean =>
  annotations[ANNOTATION_SUBNETS] !== undefined || annotations[ANNOTATION_SUBNET] !== undefined

/**
 * The SpiderSubnet of this interface, which precedes all other sources; `undefined` without one.
 */
export function fromSubnets(pod: Pod, nic: string): SubnetRequest | undefined {
  const { annotations = {} } = pod.metadata
  const many = annotations[ANNOTATION_SUBNETS]
  if (many !== undefined) {
    const from = whereIs(ANNOTATION_SUBNETS, pod)
    const item = subnetsAnnotation(many, from).find(one => one.nic === nic)
    if (!item)
      throw wrongInput(`${from} has no item for interface ${nic}; add {"interface":"${nic}","ipv4":["subnet"]}`)
    return { ...item, from }
  }
  const one = annotations[ANNOTATION_SUBNET]
  if (one === undefined) return undefined
  const from = whereIs(ANNOTATION_SUBNET, pod)
  const item = subnetAnnotation(one, from)
  if (item.nic !== nic)
    throw wrongInput(
      `${from} is for interface ${item.nic}, not ${nic}; write ${ANNOTATION_SUBNETS} with an item for each`,
    )
  return { ...item, from }
}

/** The pod's own routes, for the interfaces whose subnet contains their gateway. */
export function routesOfPod(pod: Pod): readonly PoolRoute[] {
  const text = pod.metadata.annotations?.[ANNOTATION_ROUTES]
  return text === undefined ? [] : routesAnnotation(text, whereIs(ANNOTATION_ROUTES, pod))
}
