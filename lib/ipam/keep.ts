// A NIC that the record already has: its addresses are the pod's if their objects still say so. On a port.
import { objectNameOf, toBigint, type Ip } from '../ip/address.js'
import { parsePrefix } from '../ip/cidr.js'
import { includes, subtract } from '../ip/range.js'
import type { EndpointNic, SpiderReservedIP } from '../crd/types.js'
import { takeOver, type Got, type Hands } from './allocate.js'
import { addressesOf } from './endpoint.js'
import { addressObject, type Asking, type Claimant } from './identity.js'
import { poolOf, familyOfPool, reservedRanges } from './pool.js'
import { placeName } from './sources.js'

/** An interface of the record, and what its objects may say of it still. */
export interface Recorded {
  readonly entry: EndpointNic
  /** Its place in the record: until an interface has a name its objects go by that. */
  readonly place: number
  /** UID of the pod before this one, where its addresses go over to this one. */
  readonly was?: string
  /** The name that the interface gets with this call. */
  readonly nic?: string
}

export interface Taker {
  readonly claimant: Claimant
  readonly reserved: readonly SpiderReservedIP[]
}

/**
 * True where every address of the record is held for this pod and NIC, taking again one whose object went missing. False where one of
 * them is somebody else's by now, or reserved for something else: then the record is wrong, the rest of it is given back, and the NIC gets new addresses.
 */
export async function retake(recorded: Recorded, { claimant, reserved }: Taker, hands: Hands): Promise<boolean> {
  const { entry, place, was, nic = entry.interface || placeName(place) } = recorded
  const asking: Asking = { claimant, nic, was: { ...(was !== undefined && { uid: was }), nic: placeName(place) } }
  const addresses = addressesOf(entry)
  const held: Got[] = []
  for (const { address, pool } of addresses) {
    const ip = parsePrefix(address)?.ip
    const got = ip && (await retakeOne({ ip, pool, reserved }, asking, hands))
    if (!got) {
      await Promise.all(held.map(({ object }) => hands.port.release(object)))
      return false
    }
    held.push(got)
  }
  return addresses.length > 0
}

async function retakeOne(
  { ip, pool, reserved }: { readonly ip: Ip; readonly pool: string } & Pick<Taker, 'reserved'>,
  asking: Asking,
  { port, journal }: Hands,
): Promise<Got | undefined> {
  const holder = await port.address(objectNameOf(ip))
  if (holder) return takeOver(holder, asking, port)
  const object = await port.pool(pool)
  const family = object && familyOfPool(object)
  if (!object || family === undefined) return undefined
  const own = poolOf(object, family)
  // The pool was edited, or the address reserved, while nobody held it.
  if (!includes(subtract(own.ranges, reservedRanges(reserved, family)), toBigint(ip))) return undefined
  journal.note(objectNameOf(ip))
  const outcome = await port.claim(addressObject({ ip, pool: own, ...asking }))
  return outcome.kind === 'held' ? { object: outcome.object, isNew: true } : undefined
}
