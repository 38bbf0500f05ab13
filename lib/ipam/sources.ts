// Where a pod's pools are named: annotation, conf, defaults. Pure: the first level that exists is used alone.
import type { Pod } from '../crd/types.js'
import { ANNOTATION_IPPOOL, ANNOTATIONS_NOT_YET } from '../crd/names.js'
import type { Family } from '../ip/address.js'

/** Pool names per family, in the user's order, and the place that named them, for sentences. */
export interface Named {
  readonly from: string
  readonly names: ReadonlyMap<Family, readonly string[]>
}

export interface ConfPools {
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
}

export class WrongInput extends Error {
  override readonly name = 'WrongInput'
  constructor(message: string, options?: ErrorOptions) {
    super(`wrong input: ${message}`, options)
  }
}

/** `undefined`: nobody names a pool, so the cluster's default pools (spec.default) are asked. */
export function namedPools(pod: Pod, conf: ConfPools): Named | undefined {
  const annotations = pod.metadata.annotations ?? {}
  const refused = ANNOTATIONS_NOT_YET.find(key => annotations[key] !== undefined)
  if (refused !== undefined)
    throw new WrongInput(
      `annotation ${refused} is not understood by this version; name the pool with ${ANNOTATION_IPPOOL}`,
    )
  const text = annotations[ANNOTATION_IPPOOL]
  if (text !== undefined) return named(`annotation ${ANNOTATION_IPPOOL}`, fromAnnotation(text))
  if (conf.ipv4.length > 0 || conf.ipv6.length > 0)
    return named('default_ipv4_ippool/default_ipv6_ippool of the CNI conf', conf)
  return undefined
}

function named(from: string, { ipv4, ipv6 }: ConfPools): Named {
  for (const names of [ipv4, ipv6]) {
    const twice = names.find((name, at) => names.indexOf(name) !== at)
    if (twice !== undefined) throw new WrongInput(`${from} names pool "${twice}" twice; name it once`)
  }
  const names = new Map<Family, readonly string[]>()
  if (ipv4.length > 0) names.set(4, ipv4)
  if (ipv6.length > 0) names.set(6, ipv6)
  return { from, names }
}

/** `{"ipv4": ["a"], "ipv6": ["b"]}`; keys in any case, unknown keys ignored, null is an empty list, as Go's encoding/json reads it. */
function fromAnnotation(text: string): ConfPools {
  const where = `annotation ${ANNOTATION_IPPOOL}`
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new WrongInput(`${where} is not JSON: ${text}; write {"ipv4":["pool"],"ipv6":["pool"]}`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new WrongInput(`${where} is ${text}; write an object {"ipv4":["pool"],"ipv6":["pool"]}`)
  const lists = new Map(Object.entries(value).map(([key, list]) => [key.toLowerCase(), list as unknown]))
  return { ipv4: poolList(lists.get('ipv4'), 'ipv4', where), ipv6: poolList(lists.get('ipv6'), 'ipv6', where) }
}

function poolList(value: unknown, key: string, where: string): readonly string[] {
  if (value === undefined || value === null) return []
  const isList = Array.isArray(value) && value.every(name => typeof name === 'string' && name !== '')
  if (!isList) throw new WrongInput(`${where}: ${key} is ${JSON.stringify(value)}; write a list of pool names`)
  return value as readonly string[]
}
