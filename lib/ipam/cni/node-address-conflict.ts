// Loaded lazily: an allocated address that the node itself has is quarantined, and the next
// candidate is tried.
import { OwnError } from '../../cni/error.js'
import { messageOf } from '../../errors.js'
import type { Ip } from '../../ip/address.js'
import type { Mac } from '../../ip/mac.js'
import { remedyOf, sentenceOf, type ProbeFinding } from '../../probe/finding.js'
import type { Result } from '../../cni/result.js'
import type { Granted } from '../pod/add.js'
import { refuse } from '../pod/conflict-detection.js'
import { Refused } from '../errors.js'
import type { StoreSession } from './connect.js'
import type { Session } from './session.js'

/** An address on interface `link` of the node, and the node's MAC on the network. */
export interface NodeAddress {
  readonly ip: Ip
  readonly link: string
  readonly mac: Mac
}

/** Finds the addresses that an interface of this node has. */
export type NodeAddressLookup = (ips: readonly Ip[]) => Promise<readonly NodeAddress[]>

/** What one allocation of an ADD has taken. */
export interface AllocatedByCall {
  readonly session: Session
  readonly reached: StoreSession
  readonly granted: Granted
  readonly result: Result
}

const findingOf = (owned: NodeAddress): ProbeFinding => ({ kind: 'conflict', ...owned })

/** After this many hits ADD fails; the runtime's retry continues from there. */
const CLAIMS_MAX = 8

interface Hit {
  readonly nic: string
  readonly first: AllocatedByCall
  readonly owned: readonly NodeAddress[]
}

interface Again {
  claim(): Promise<AllocatedByCall>
  ownedAmong(allocated: AllocatedByCall): Promise<readonly NodeAddress[]>
}

/**
 * An allocation without addresses of the node.
 * @throws OwnError 108 for the first hit, where no other candidate can be allocated
 */
export async function claimOther({ nic, first, owned }: Hit, { claim, ownedAmong }: Again): Promise<AllocatedByCall> {
  const conflict = await quarantine(nic, first, owned)
  for (let claims = 1; claims < CLAIMS_MAX; claims++) {
    const next = await claim().catch((error: unknown) => {
      throw withSecond(conflict, error)
    })
    const again = await ownedAmong(next)
    if (again.length === 0) return next
    await quarantine(nic, next, again)
  }
  throw conflict
}

/**
 * Returns the refusal. Throws where quarantine fails: the next claim would get the same address.
 */
async function quarantine(
  nic: string,
  { granted, reached, session }: AllocatedByCall,
  owned: readonly NodeAddress[],
): Promise<OwnError> {
  try {
    await refuse({ ...session, nic, granted, store: reached.store }, owned.map(findingOf))
  } catch (error) {
    if (!(error instanceof OwnError)) throw error
    session.log.warn('the node has the address itself', { ...session.fields, error: error.message })
    return error
  }
  throw new RangeError('an allocation without an address of the node was refused')
}

/** Adds to the details of the conflict why no other address was allocated. */
function withSecond(conflict: OwnError, second: unknown): OwnError {
  const details = [conflict.details, `no other address: ${messageOf(second)}`].filter(Boolean).join('; ')
  return new OwnError(conflict.code, conflict.message, details, { cause: second })
}

/** For CHECK: an address that was added to the node after the pod got it. */
export function refusalOfOwned(nic: string, owned: NodeAddress): Refused {
  const finding = findingOf(owned)
  return new Refused('ipConflict', `${sentenceOf(finding, nic)}; ${remedyOf(finding)}`)
}
