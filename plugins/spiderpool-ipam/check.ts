// CHECK against the kernel: the interface has the addresses of prevResult.
// Loaded lazily: only for CHECK, since it opens netlink.
import { OwnError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import { formatPrefix } from '../../lib/ip/cidr.js'
import { REFUSALS } from '../../lib/ipam/errors.js'
import { addressesOf } from '../../lib/kernel/master-addresses.js'

/**
 * Ignores additional addresses.
 * @throws OwnError for a missing interface or the first missing address
 */
export function checkInterface({ netns, ifName, prevResult }: Call<unknown>): void {
  const observed = addressesOf({ netns, nic: ifName })
  const wrong = (what: string): OwnError =>
    new OwnError(REFUSALS.differs.code, `spiderpool IP check error: interface ${ifName} ${what}`)
  if (observed === undefined) throw wrong(`is not in ${netns}`)
  const texts = observed.map(formatPrefix)
  const missing = prevResult?.ips?.find(({ address }) => !texts.includes(address))
  if (missing) throw wrong(`has not ${missing.address}, which prevResult names`)
}
