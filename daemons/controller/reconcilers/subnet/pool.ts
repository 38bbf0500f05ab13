// Writes to the pools of a SpiderSubnet: creations, and the difference between current and desired
// state.
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
      /** A merge patch, with the resourceVersion that it is based on. */
      readonly body: { readonly metadata: object; readonly spec?: object }
      /** Whether it removes addresses. */
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

/**
 * The patch for an existing pool, if it differs. `desired`: for a pool that was created for an
 * application; other pools only get an owner and what they inherit.
 */
export function changeOf(
  pool: SpiderIPPool,
  subnet: SpiderSubnet,
  desired?: { readonly ranges: Ranges; readonly request?: AutoPoolRequest },
): PoolWrite | undefined {
  if (pool.metadata.deletionTimestamp !== undefined) return undefined
  const family = familyOfSpec(pool.spec)
  const current = effectiveOf(pool.spec, family)
  const isChanged = desired !== undefined && !isSame(current, desired.ranges)
  const metadata = metadataOf(pool, subnet, desired?.request)
  const spec = {
    ...inherited(pool, subnet, current),
    ...(isChanged && { ips: formatRanges(desired.ranges, family) }),
    ...(isChanged && pool.spec.excludeIPs !== undefined && { excludeIPs: null }), // null removes it
  }
  const hasSpec = Object.keys(spec).length > 0
  if (!hasSpec && Object.keys(metadata).length === 0) return undefined
  const { name, resourceVersion } = pool.metadata
  return {
    verb: 'change',
    name,
    body: { metadata: { ...metadata, resourceVersion }, ...(hasSpec && { spec }) },
    shrinks: isChanged && subtract(current, desired.ranges).length > 0,
    ...(desired?.request && { request: desired.request }),
  }
}

function metadataOf({ metadata }: SpiderIPPool, subnet: SpiderSubnet, request: AutoPoolRequest | undefined): object {
  const { labels = {}, annotations = {}, ownerReferences = [], finalizers = [] } = metadata
  const desired = {
    [LABEL_OWNER_SUBNET]: subnet.metadata.name,
    ...(request && labelsForRequest(request, subnet.metadata.name)),
  }
  const changed = Object.fromEntries(Object.entries(desired).filter(([key, value]) => labels[key] !== value))
  const number = request?.application.number
  return {
    ...(Object.keys(changed).length > 0 && { labels: changed }),
    ...(number !== undefined &&
      annotations[ANNOTATION_IP_NUMBER] !== number && { annotations: { [ANNOTATION_IP_NUMBER]: number } }),
    ...(!controllerOf(metadata) && { ownerReferences: [...ownerReferences, controllerReference(subnet)] }),
    ...(!finalizers.includes(FINALIZER) && { finalizers: [...finalizers, FINALIZER] }),
  }
}

/**
 * Gateway and routes of the subnet, where the pool has none of its own; an empty list is a value.
 * Not inherited: a gateway that the pool gives out, and what admission would reject in the pool,
 * since a stored subnet may have an unusable next hop.
 */
function inherited({ spec }: SpiderIPPool, subnet: SpiderSubnet, current: Ranges): object {
  const { gateway, routes } = subnet.spec
  const at = parseIp(gateway ?? '')
  const takesGateway = spec.gateway === undefined && at !== undefined && !includes(current, toBigint(at))
  const takesRoutes = spec.routes === undefined && routes?.every(({ gw }) => mayBeNexthop(gw, spec.subnet)) === true
  return {
    ...(takesGateway && mayBeNexthop(at, spec.subnet) && { gateway }),
    ...(takesRoutes && { routes }),
  }
}
