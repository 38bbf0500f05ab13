// An allocated address that the node has itself: quarantined as one of another host, and the next candidate is tried. Loaded lazily: only on a hit.
import { OwnError } from '../cni/error.js'
import type { Ip } from '../ip/address.js'
import type { Mac } from '../ip/mac.js'
import { remedyOf, sentenceOf, type Finding } from '../probe/finding.js'
import type { Result } from '../cni/result.js'
import type { Granted } from './add.js'
import { refuse } from './inspect.js'
import { Refused } from './refusal.js'
import { messageOf, type Reach, type Session } from './session.js'

/** An address that interface `link` of the node has, and the MAC that the node has on the network. */
export interface Owned {
  readonly ip: Ip
  readonly link: string
  readonly mac: Mac
}

/** Those of the addresses that an interface of this node has itself. */
export type OwnedBy = (ips: readonly Ip[]) => Promise<readonly Owned[]>

/** What one pass of an ADD has taken. */
export interface Allocated {
  readonly session: Session
  readonly reached: Reach
  readonly granted: Granted
  readonly result: Result
}

const findingOf = (owned: Owned): Finding => ({ kind: 'conflict', ...owned })

/** A node whose pools hold more of its own addresses than this is refused; the runtime's next try goes on from there. */
const CLAIMS_MAX = 8

interface Hit {
  readonly nic: string
  readonly first: Allocated
  readonly owned: readonly Owned[]
}

interface Again {
  claim(): Promise<Allocated>
  ownedAmong(allocated: Allocated): Promise<readonly Owned[]>
}

/**
 * An allocation without addresses of the node.
 * @throws OwnError 108 for the first hit, where every further candidate is one too or nothing else can be allocated
 */
export async function claimOther({ nic, first, owned }: Hit, { claim, ownedAmong }: Again): Promise<Allocated> {
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
  { granted, reached, session }: Allocated,
  owned: readonly Owned[],
): Promise<OwnError> {
  try {
    await refuse({ ...session, nic, granted, port: reached.port }, owned.map(findingOf))
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
export function refusalOfOwned(nic: string, owned: Owned): Refused {
  const finding = findingOf(owned)
  return new Refused('ipConflict', `${sentenceOf(finding, nic)}; ${remedyOf(finding)}`)
}
