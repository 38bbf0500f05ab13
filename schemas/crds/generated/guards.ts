// Made by scripts/generate.ts from schemas/crds. Not edited.
import { guard, hasFields, isObject, isString, listOf, oneOf, optional } from '../../../lib/crd/guard.js'
import type { SpiderCoordinator, SpiderMultusConfig, SpiderReservedIP, SpiderSubnet } from './types.js'

/** Whether mutation can read it as a SpiderSubnet. A SpiderIPPool has the same fields. */
export const isPool = guard<SpiderSubnet>({
  spec: hasFields({
    subnet: isString,
    ips: optional(listOf(isString)),
    excludeIPs: optional(listOf(isString)),
    routes: optional(listOf(hasFields({ dst: isString }))),
  }),
})

/** Whether mutation can read it as a SpiderReservedIP. */
export const isReserved = guard<SpiderReservedIP>({ spec: hasFields({ ips: optional(listOf(isString)) }) })

/** Whether mutation can read it as a SpiderCoordinator. */
export const isCoordinator = guard<SpiderCoordinator>({
  spec: optional(
    hasFields({ hijackCIDR: optional(listOf(isString)), policyRoutes: optional(listOf(hasFields({ dst: isString }))) }),
  ),
})

/** Whether mutation can read it as a SpiderMultusConfig. The settings of each cniType are checked to be objects. */
export const isMultusConfig = guard<SpiderMultusConfig>({
  spec: optional(
    hasFields({
      cniType: optional(oneOf('macvlan', 'ipvlan', 'vlan', 'sriov', 'ovs', 'ib-sriov', 'ipoib', 'custom')),
      coordinator: optional(
        hasFields({
          hijackCIDR: optional(listOf(isString)),
          policyRoutes: optional(listOf(hasFields({ dst: isString }))),
        }),
      ),
      macvlan: optional(isObject),
      ipvlan: optional(isObject),
      vlan: optional(isObject),
      sriov: optional(isObject),
      ibsriov: optional(isObject),
      ipoib: optional(isObject),
      ovs: optional(isObject),
    }),
  ),
})
