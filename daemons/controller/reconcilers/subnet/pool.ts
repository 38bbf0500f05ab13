// Writes to the pools of a SpiderSubnet: what is made, and of what is there the difference to what shall be. Pure.
import { effectiveOf, familyOfSpec, mayBeNexthop } from '../../../../lib/crd/addressing.js'
import { ANNOTATION_IP_NUMBER, FINALIZER, LABEL_OWNER_SUBNET } from '../../../../lib/crd/names.js'
import type { SpiderIPPool, SpiderSubnet } from '../../../../lib/crd/types.js'
import { parseIp, toBigint } from '../../../../lib/ip/address.js'
import { formatRanges, includes, isSame, subtract, type Ranges } from '../../../../lib/ip/range.js'
import { controllerOf } from '../application/decide.js'
import { controllerReference, labelsForRequest, newAutoPool, type AutoPoolRequest } from './autopool.js'

export type PoolWrite =
  | { readonly verb: 'create'; readonly name: string; readonly pool: SpiderIPPool; readonly request: AutoPoolRequest }
  | {
      readonly verb: 'change'
      readonly name: string
      /** A merge patch, with the resourceVersion that it was made for. */
      readonly body: { readonly metadata: object; readonly spec?: object }
      /** It takes addresses away. */
      readonly shrinks: boolean
      readonly request?: AutoPoolRequest
    }
  | {
      readonly verb: 'delete'
      readonly name: string
      readonly uid: string
      readonly resourceVersion: string
      readonly why: 'gone' | 'unrequested'
    }

export const creationOf = (
  name: string,
  request: AutoPoolRequest,
  subnet: SpiderSubnet,
  ranges: Ranges,
): PoolWrite => ({
  verb: 'create',
  name,
  request,
  pool: newAutoPool(name, request, subnet, ranges),
})

/** `shall`: of a pool that was made for an application. The others only get an owner, and what they inherit. */
export function changeOf(
  pool: SpiderIPPool,
  subnet: SpiderSubnet,
  shall?: { readonly ranges: Ranges; readonly request?: AutoPoolRequest },
): PoolWrite | undefined {
  if (pool.metadata.deletionTimestamp !== undefined) return undefined
  const family = familyOfSpec(pool.spec)
  const has = effectiveOf(pool.spec, family)
  const isOther = shall !== undefined && !isSame(has, shall.ranges)
  const metadata = metadataOf(pool, subnet, shall?.request)
  const spec = {
    ...inherited(pool, subnet, has),
    ...(isOther && { ips: formatRanges(shall.ranges, family) }),
    ...(isOther && pool.spec.excludeIPs !== undefined && { excludeIPs: null }), // null takes it out
  }
  const hasSpec = Object.keys(spec).length > 0
  if (!hasSpec && Object.keys(metadata).length === 0) return undefined
  const { name, resourceVersion } = pool.metadata
  return {
    verb: 'change',
    name,
    body: { metadata: { ...metadata, resourceVersion }, ...(hasSpec && { spec }) },
    shrinks: isOther && subtract(has, shall.ranges).length > 0,
    ...(shall?.request && { request: shall.request }),
  }
}

function metadataOf({ metadata }: SpiderIPPool, subnet: SpiderSubnet, request: AutoPoolRequest | undefined): object {
  const { labels = {}, annotations = {}, ownerReferences = [], finalizers = [] } = metadata
  const shall = {
    [LABEL_OWNER_SUBNET]: subnet.metadata.name,
    ...(request && labelsForRequest(request, subnet.metadata.name)),
  }
  const news = Object.fromEntries(Object.entries(shall).filter(([key, value]) => labels[key] !== value))
  const number = request?.application.number
  return {
    ...(Object.keys(news).length > 0 && { labels: news }),
    ...(number !== undefined &&
      annotations[ANNOTATION_IP_NUMBER] !== number && { annotations: { [ANNOTATION_IP_NUMBER]: number } }),
    ...(!controllerOf(metadata) && { ownerReferences: [...ownerReferences, controllerReference(subnet)] }),
    ...(!finalizers.includes(FINALIZER) && { finalizers: [...finalizers, FINALIZER] }),
  }
}

/**
 * Gateway and routes, where the pool says nothing of them: an empty list is something. A gateway that the pool gives out it does not
 * inherit, and nothing that admission would refuse in it: a stored subnet may hold a next hop that is none.
 */
function inherited({ spec }: SpiderIPPool, subnet: SpiderSubnet, has: Ranges): object {
  const { gateway, routes } = subnet.spec
  const at = parseIp(gateway ?? '')
  const takesGateway = spec.gateway === undefined && at !== undefined && !includes(has, toBigint(at))
  const takesRoutes = spec.routes === undefined && routes?.every(({ gw }) => mayBeNexthop(gw, spec.subnet)) === true
  return {
    ...(takesGateway && mayBeNexthop(at, spec.subnet) && { gateway }),
    ...(takesRoutes && { routes }),
  }
}
