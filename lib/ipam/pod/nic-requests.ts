// What a call allocates: the interfaces without addresses, each with its usable pools. On a Store.
import type { EndpointNic } from '../../crd/types.js'
import { Refused, wrongInput } from '../errors.js'
import type { RequestedPools } from '../pools/requested.js'
import type { PoolRequest } from '../pools/sources.js'
import { usablePools, type CandidatePools, type SelectionContext } from '../pools/usable.js'
import type { Store } from '../store/store.js'
import type { NicRequest } from './allocate-all.js'
import type { AddRequest } from './pod-context.js'
import { refuseFamily } from './take-requested.js'

type NicSelection = SelectionContext & Pick<AddRequest, 'nic' | 'requested'>

/**
 * The request of each interface that has no address yet.
 * @throws Refused `noPool`, `noAddress`, `wrongInput`
 */
export async function nicRequests(
  selection: NicSelection,
  { from, scope, named }: RequestedPools,
  others: readonly EndpointNic[],
  store: Store,
): Promise<readonly NicRequest[]> {
  const { nic, requested = [] } = selection
  if (scope === 'byIndex' && others.length > 0)
    throw requested.length > 0 ? unnamedRequest(selection) : noAddress(nic, from)
  const missing = named.filter(({ request }) => !others.some(one => one.interface === request.nic))
  return Promise.all(
    missing.map(async (candidates: CandidatePools) => {
      const names = namesOf(candidates.request, nic)
      const pools = await usablePools(candidates, from, selection, store)
      const nicRequest = { ...names, cleanGateway: candidates.request.cleanGateway, pools }
      if (nicRequest.nic !== nic || requested.length === 0) return nicRequest
      refuseFamily(requested, pools, nic)
      return { ...nicRequest, requested }
    }),
  )
}

/** The first item of a list without names is this call's; later calls name the others. */
function namesOf({ nic, index }: PoolRequest, ifName: string): Pick<NicRequest, 'nic' | 'interface'> {
  if (index === undefined) return { nic, interface: nic }
  return index === 0 ? { nic: ifName, interface: ifName } : { nic, interface: '' }
}

/** The refusal where no address is left for the interface. */
export const noAddress = (nic: string, from: string): Refused =>
  new Refused('noAddress', `no Interface ${nic} IP allocation found: ${from} has no item left for it`)

/** The refusal of requested addresses for an interface that the annotation does not name. */
export const unnamedRequest = ({ requested = [], nic }: Pick<AddRequest, 'nic' | 'requested'>): Refused =>
  wrongInput(
    `${requested.map(({ from, ip }) => `${from} asks for ${ip}`).join(' and ')}, and annotation ipam.spidernet.io/ippools names no interfaces: ${nic} has got its address already; write "interface" in every item`,
  )
