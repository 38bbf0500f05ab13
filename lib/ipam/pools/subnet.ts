// The pool that the controller creates for an application from a SpiderSubnet. On a Store.
import {
  LABEL_APPLICATION_GV,
  LABEL_APPLICATION_KIND,
  LABEL_APPLICATION_NAME,
  LABEL_APPLICATION_NAMESPACE,
  LABEL_APPLICATION_UID,
  LABEL_INTERFACE,
  LABEL_IP_VERSION,
  LABEL_OWNER_SUBNET,
} from '../../crd/names.js'
import type { SpiderIPPool } from '../../crd/types.js'
import type { Family } from '../../ip/address.js'
import type { TopController, Labels, Store } from '../store/store.js'
import { Refused, wrongInput } from '../errors.js'
import type { SubnetRequest } from './sources.js'

export interface SubnetApplication {
  readonly namespace: string
  readonly owner: TopController
}

/** Labels of the pool; `apps/v1` is written as apps_v1. */
export const labelsOfPool = (
  subnet: string,
  nic: string,
  family: Family,
  { namespace, owner }: SubnetApplication,
): Labels => ({
  [LABEL_OWNER_SUBNET]: subnet,
  [LABEL_APPLICATION_GV]: owner.apiVersion.replace('/', '_'),
  [LABEL_APPLICATION_KIND]: owner.kind,
  [LABEL_APPLICATION_NAMESPACE]: namespace,
  [LABEL_APPLICATION_NAME]: owner.name,
  [LABEL_APPLICATION_UID]: owner.uid,
  [LABEL_INTERFACE]: nic,
  [LABEL_IP_VERSION]: `IPv${family}`,
})

const isReady = (pools: readonly SpiderIPPool[]): boolean =>
  pools.length > 1 || pools.some(({ spec }) => (spec.ips ?? []).length > 0)

/**
 * Waits for one pool of each family; a pool that is still too small is used, and the runtime
 * retries.
 * @throws Refused `poolNotMade`, `wrongInput`
 */
export async function poolsOfSubnets(
  { nic, subnets, from }: SubnetRequest,
  application: SubnetApplication,
  store: Store,
): Promise<ReadonlyMap<Family, readonly SpiderIPPool[]>> {
  const { owner } = application
  if (owner.apiVersion === 'v1' && owner.kind === 'Pod')
    throw wrongInput(`${from}: a pod without a controller gets no pool of its own; name a SpiderIPPool instead`)
  const found = await Promise.all(
    [...subnets].map(async ([family, subnet]) => {
      const pools = await store.waitForPools(labelsOfPool(subnet, nic, family, application), isReady)
      const whose = `${owner.kind} ${application.namespace}/${owner.name}, ${nic}, out of SpiderSubnet ${subnet}`
      if (pools.length === 0)
        throw new Refused('poolNotMade', `no IPPool available: ${from}: no pool was made for ${whose}`)
      if (pools.length > 1) {
        const names = pools.map(({ metadata }) => metadata.name).join(', ')
        throw new Refused(
          'poolNotMade',
          `no IPPool available: ${from}: several pools are there for ${whose}: ${names}; delete all but one`,
        )
      }
      return [family, pools] as const
    }),
  )
  return new Map(found)
}
