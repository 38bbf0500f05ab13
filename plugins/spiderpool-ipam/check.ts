// CHECK, the half that the kernel knows: the interface has the addresses of prevResult.
import { OwnError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import { formatPrefix } from '../../lib/ip/cidr.js'
import { REFUSALS } from '../../lib/ipam/errors.js'
import { addressesOf } from '../../lib/kernel/master-addresses.js'

/** Throws for the first address that is missing; addresses that others added are fine. */
export function checkInterface({ netns, ifName, prevResult }: Call<unknown>): void {
  const there = addressesOf({ netns, nic: ifName })
  const wrong = (what: string): OwnError =>
    new OwnError(REFUSALS.differs.code, `spiderpool IP check error: interface ${ifName} ${what}`)
  if (there === undefined) throw wrong(`is not in ${netns}`)
  const texts = there.map(formatPrefix)
  const missing = prevResult?.ips?.find(({ address }) => !texts.includes(address))
  if (missing) throw wrong(`has not ${missing.address}, which prevResult names`)
}
