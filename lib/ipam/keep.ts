// A NIC that the record already has: its addresses are the pod's if their objects still say so. On a port.
import { objectNameOf, type Ip } from '../ip/address.js'
import { parsePrefix } from '../ip/cidr.js'
import type { EndpointNic, SpiderIPAddress } from '../crd/types.js'
import { takeOver, type Hands } from './allocate.js'
import { addressesOf } from './endpoint.js'
import { addressObject, type Claimant } from './identity.js'
import { poolOf, familyOfPool } from './pool.js'

/**
 * True where every address of the record is held for this pod and NIC, taking again one whose object went missing. False where one of
 * them is somebody else's by now: then the record is wrong, the rest of it is given back, and the NIC gets new addresses.
 */
export async function retake(nic: EndpointNic, claimant: Claimant, hands: Hands): Promise<boolean> {
  const recorded = addressesOf(nic)
  const held: SpiderIPAddress[] = []
  for (const { address, pool } of recorded) {
    const ip = parsePrefix(address)?.ip
    const object = ip && (await retakeOne({ ip, pool, nic: nic.interface }, claimant, hands))
    if (!object) {
      await Promise.all(held.map(one => hands.port.release(one)))
      return false
    }
    held.push(object)
  }
  return recorded.length > 0
}

async function retakeOne(
  { ip, pool, nic }: { readonly ip: Ip; readonly pool: string; readonly nic: string },
  claimant: Claimant,
  { port, journal }: Hands,
): Promise<SpiderIPAddress | undefined> {
  const holder = await port.address(objectNameOf(ip))
  if (holder) return (await takeOver(holder, { claimant, nic }, port))?.object
  const object = await port.pool(pool)
  const family = object && familyOfPool(object)
  if (!object || family === undefined) return undefined
  journal.note(objectNameOf(ip))
  const outcome = await port.claim(addressObject({ ip, pool: poolOf(object, family), nic, claimant }))
  return outcome.kind === 'held' ? outcome.object : undefined
}
