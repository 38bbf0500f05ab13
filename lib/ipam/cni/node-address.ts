// An allocated address that the node has itself: quarantined as one of another host, and the next candidate is tried. Loaded lazily: only on a hit.
import { OwnError } from '../../cni/error.js'
import type { Ip } from '../../ip/address.js'
import type { Mac } from '../../ip/mac.js'
import { remedyOf, sentenceOf, type ProbeFinding } from '../../probe/finding.js'
import type { Result } from '../../cni/result.js'
import type { Granted } from '../pod/add.js'
import { refuse } from '../pod/conflict.js'
import { Refused } from '../errors.js'
import { messageOf, type StoreSession, type Session } from './session.js'

/** An address that interface `link` of the node has, and the MAC that the node has on the network. */
export interface NodeAddress {
  readonly ip: Ip
  readonly link: string
  readonly mac: Mac
}

/** Those of the addresses that an interface of this node has itself. */
export type NodeAddressLookup = (ips: readonly Ip[]) => Promise<readonly NodeAddress[]>

/** What one pass of an ADD has taken. */
export interface AllocatedByCall {
  readonly session: Session
  readonly reached: StoreSession
  readonly granted: Granted
  readonly result: Result
}

const findingOf = (owned: NodeAddress): ProbeFinding => ({ kind: 'conflict', ...owned })

/** A node whose pools hold more of its own addresses than this is refused; the runtime's next try goes on from there. */
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
 * @throws OwnError 108 for the first hit, where every further candidate is one too or nothing else can be allocated
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

/** Returns the refusal; what keeps an address from being quarantined is thrown: the next claim would get the same one. */
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

/** Why there is no other address is said beside the conflict. */
function withSecond(conflict: OwnError, second: unknown): OwnError {
  const details = [conflict.details, `no other address: ${messageOf(second)}`].filter(Boolean).join('; ')
  return new OwnError(conflict.code, conflict.message, details, { cause: second })
}

/** For CHECK: an address that came to the node after the pod had it. */
export function refusalOfOwned(nic: string, owned: NodeAddress): Refused {
  const finding = findingOf(owned)
  return new Refused('ipConflict', `${sentenceOf(finding, nic)}; ${remedyOf(finding)}`)
}
