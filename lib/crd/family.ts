// The address family of a SpiderIPPool. Pure; on the hot path, so without the rules of admission.
import type { Family } from '../ip/address.js'
import type { SpiderIPPool } from './types.js'

/** spec.ipVersion, which admission sets; without admission, the family of spec.subnet. */
export const familyOfPool = (pool: SpiderIPPool): Family | undefined => {
  if (pool.spec.ipVersion === 4 || pool.spec.ipVersion === 6) return pool.spec.ipVersion
  if (pool.spec.ipVersion !== undefined) return undefined
  return pool.spec.subnet.includes(':') ? 6 : 4
}
