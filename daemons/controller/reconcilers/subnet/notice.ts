// Events about SpiderSubnets as data, each with its remedy.
import { ANNOTATION_IP_NUMBER, LABEL_OWNER_SUBNET, SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import type { SpiderIPPool, SpiderSubnet } from '../../../../lib/crd/types.js'
import type { Family } from '../../../../lib/ip/address.js'
import type { ApplicationIdentity } from '../application/decide.js'
import type { AutoPoolRequest } from './autopool.js'

/** An Event of type Warning. */
export interface Notice {
  readonly about: {
    readonly apiVersion: string
    readonly kind: string
    readonly namespace?: string
    readonly name: string
    readonly uid?: string
  }
  readonly reason: 'SubnetNotUsable' | 'SubnetExhausted' | 'ApplicationSubnetChanged' | 'WrongInput' | 'PoolNotWritten'
  readonly message: string
}

export const aboutIdentity = ({ apiVersion, kind, namespace, name, uid }: ApplicationIdentity): Notice['about'] => ({
  ...{ apiVersion, kind, name, uid },
  ...(namespace !== '' && { namespace }),
})

/** Why the subnet cannot serve this request, if so. */
export function refusalOf(
  { metadata }: SpiderSubnet,
  request: AutoPoolRequest,
  { family, older }: { readonly family: Family; readonly older: string | undefined },
): Notice | undefined {
  const about = aboutIdentity(request.application)
  const subnet = `SpiderSubnet ${metadata.name}`
  if (request.family !== family) {
    const message = `wrong input: ${subnet} is IPv${family}, and an annotation names it under ipv${request.family}; move it to ipv${family}`
    return { about, reason: 'WrongInput', message }
  }
  if (metadata.deletionTimestamp !== undefined)
    return { about, reason: 'SubnetNotUsable', message: `${subnet} is being deleted; name another one` }
  if (older === undefined) return undefined
  const message = `${subnet} has addresses of SpiderSubnet ${older}, which was there before, so no pools are made of it; delete ${metadata.name} or give it another spec.subnet`
  return { about, reason: 'SubnetNotUsable', message }
}

export const notFound = (subnet: string, { application }: AutoPoolRequest): Notice => ({
  about: aboutIdentity(application),
  reason: 'SubnetNotUsable',
  message: `there is no SpiderSubnet ${subnet}; create it, or name another one`,
})

export const exhausted = (
  { metadata }: SpiderSubnet,
  { application, nic }: AutoPoolRequest,
  missing: bigint,
): Notice => ({
  about: aboutIdentity(application),
  reason: 'SubnetExhausted',
  message: `SpiderSubnet ${metadata.name} lacks ${missing} of the ${application.size} addresses that ${nic} is to have; add ranges to its spec.ips, or ask for fewer with annotation ${ANNOTATION_IP_NUMBER}`,
})

/** The name of the pool to create belongs to a pool of another subnet. */
export const taken = ({ metadata }: SpiderSubnet, { application }: AutoPoolRequest, pool: SpiderIPPool): Notice => ({
  about: {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderIPPool',
    name: pool.metadata.name,
    ...(pool.metadata.uid !== undefined && { uid: pool.metadata.uid }),
  },
  reason: 'ApplicationSubnetChanged',
  message: `${application.kind} ${application.namespace}/${application.name} asks for SpiderSubnet ${metadata.name}, and its pool is out of ${pool.metadata.labels?.[LABEL_OWNER_SUBNET] ?? pool.spec.subnet}; the new one is made when no pod holds an address of the old one`,
})

export const notWritten = ({ application }: AutoPoolRequest, pool: string, why: string): Notice => ({
  about: aboutIdentity(application),
  reason: 'PoolNotWritten',
  message: `SpiderIPPool ${pool} cannot be written: ${why}`,
})
