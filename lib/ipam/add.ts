// One ADD of the IPAM: pod, record, pools, addresses, record again. On a port; returns the record of the NIC and how to take the call back.
import type { EndpointNic, Pod, Route, SpiderEndpoint } from '../crd/types.js'
import { requireInjected } from './annotations.js'
import type { Hands } from './allocate.js'
import { networkRule, usablePools, type Named } from './choose.js'
import { grant, type Want } from './grant.js'
import { inherit, letGoOf, outdated, poolsIn, unusable } from './inherit.js'
import { retake } from './keep.js'
import { interfaceCount } from './network.js'
import { suspectsIn } from './podkeys.js'
import type { Port } from './port.js'
import { record, recordFirst, RecordExists, unrecord } from './record.js'
import { Refused, wrongInput } from './refusal.js'
import { forget, undoHalfDone } from './release.js'
import { hasAll, refuseFamily } from './requested.js'
import { homeless, withRoutes } from './routes.js'
import { isFresh, readAll, UNREAD, withRecord, type Ask, type Known, type Seen } from './seen.js'
import { routesOfPod, type Wish } from './sources.js'
import { wishesOf, type Wishes } from './wishes.js'

export interface Granted {
  readonly nic: EndpointNic
  /** Gives back what this call took; what the pod had before it keeps. */
  undo(): Promise<void>
}

export async function add(ask: Ask, hands: Hands): Promise<Granted> {
  const seen = await readAll(ask, hands.port)
  requireInjected(seen.pod)
  const keys = suspectsIn(seen.pod.metadata.annotations)
  if (keys.length === 0) return addSeen(seen, hands)
  const { withTypos } = await import('./typos.js')
  return withTypos({ keys, pod: seen.pod, port: hands.port }, () => addSeen(seen, hands))
}

async function addSeen(seen: Seen, hands: Hands): Promise<Granted> {
  const { ask } = seen
  if (seen.endpoint === UNREAD && isFresh(seen)) return addFirst(seen, hands)
  return addOnto(await withRecord(seen, hands.port), hands)
}

const addOnto = (known: Known, hands: Hands): Promise<Granted> =>
  known.endpoint && (known.keeper || isOfApiUid(known)) ? addKept(known, hands) : addAnew(known, hands)

/** A mirror pod whose record a Go agent made, under the UID of the mirror's object. */
const isOfApiUid = ({ endpoint, claimant }: Known): boolean =>
  claimant.apiUid !== undefined && endpoint?.status.current.uid === claimant.apiUid

/**
 * A fresh pod without reading its record: creating the record is what finds one. Then, and where anything was refused, what this call
 * took goes back and the record counts, as if it had been read first: a sandbox that is started again keeps its pod's addresses even
 * where the pool is full by now (docs/requests.md).
 */
async function addFirst(seen: Seen, hands: Hands): Promise<Granted> {
  const before = { endpoint: undefined, others: [], write: recordFirst }
  const { port, journal } = hands
  const noted = { ...journal, close: () => undefined } // until it is known that no record names something else
  try {
    return granted(await take({ ...seen, endpoint: undefined }, before, { ...hands, journal: noted }), hands)
  } catch (error) {
    if (!(error instanceof Refused || error instanceof RecordExists)) throw error
    const isThere = error instanceof RecordExists
    const known = isThere ? { ...seen, endpoint: error.record } : await withRecord(seen, port)
    if (!known.endpoint && !isThere) throw error
    await undoHalfDone(seen.ask, known.endpoint, { port, journal })
    return addOnto(known, hands)
  }
}

/** A pod that inherits nothing. A record of an earlier pod of the name is cleared away, with the addresses that pod held. */
async function addAnew(known: Known, hands: Hands): Promise<Granted> {
  const { endpoint, claimant, ask } = known
  if (endpoint && endpoint.status.current.uid !== claimant.uid) {
    await forget(endpoint, hands)
    return take(known, { endpoint: undefined, others: [] }, hands)
  }
  const recorded = endpoint?.status.current.ips ?? []
  const entry = recorded.find(({ interface: name }) => name === ask.nic)
  const others = recorded.filter(one => one !== entry)
  if (!endpoint || !entry) return take(known, { endpoint, others }, hands)
  const isAsked = hasAll(entry, ask.requested ?? [])
  const wishes = await (isAsked ? wishesOrNone(known, hands.port) : wishesFor(known, hands.port))
  const isMoved =
    wishes && (!isAsked || (wishes.scope !== 'places' && (await leavingOf([entry], known, wishes)).length > 0))
  if (isMoved) return takeInstead(known, { endpoint, others, leaving: [entry] }, hands, wishes)
  const taker = { ...known, ...(wishes && { pools: poolsIn(wishes) }) }
  if (await retake({ entry, place: recorded.indexOf(entry) }, taker, hands))
    return granted({ nic: entry, undo: keep }, hands)
  return take(known, { endpoint, others }, hands, wishes)
}

/** Where no pool is named any more at all, a pod that lives keeps what it has. */
const wishesOrNone = (known: Known, port: Port): Promise<Wishes | undefined> =>
  wishesFor(known, port).catch((error: unknown) => {
    if (error instanceof Refused && error.refusal === 'noPool') return undefined
    throw error
  })

async function leavingOf(
  recorded: readonly EndpointNic[],
  { ask, pod, owner }: Known,
  wishes: Wishes,
): Promise<readonly EndpointNic[]> {
  const moved = outdated(recorded, wishes, ask.nic, await networkRule(ask.nic, { ...ask, pod, owner }))
  const isAsked = (entry: EndpointNic): boolean => entry.interface !== ask.nic || hasAll(entry, ask.requested ?? [])
  return recorded.filter(entry => moved.includes(entry) || !isAsked(entry))
}

/**
 * The interface has another network than it had: it gets that network's address, and what it had goes back when the record no longer
 * names it. What then cannot be given back is no record's any more, and the controller reclaims it.
 */
async function takeInstead(
  known: Known,
  { endpoint, others, leaving }: Before & { readonly leaving: readonly EndpointNic[] },
  hands: Hands,
  wishes: Wishes,
): Promise<Granted> {
  const { claimant } = known
  const uids = [claimant.uid, endpoint?.status.current.uid ?? claimant.uid]
  const taken = await take(known, { endpoint, others }, hands, wishes)
  await letGoOf(leaving, { uids, staying: [...others, taken.nic] }, hands).catch(() => undefined)
  return taken
}

/** The record goes over to this pod, less what no longer belongs to it. */
async function addKept(known: Known, hands: Hands): Promise<Granted> {
  const { endpoint, claimant, ask } = known
  if (!endpoint) return take(known, { endpoint, others: [] }, hands)
  const wishes = await wishesFor(known, hands.port)
  const { uid, ips } = endpoint.status.current
  const moved = await leavingOf(ips, known, wishes)
  // A machine that moves keeps its address whatever it is: both of its pods are the same guest.
  const isSuccessor = uid !== claimant.uid && known.keeper === 'StatefulSet'
  const useless = isSuccessor ? unusable(ips, wishes).filter(entry => !moved.includes(entry)) : []
  const leaving = [...moved, ...useless]
  const entries = ips.filter(entry => !leaving.includes(entry))
  const staying = await inherit(endpoint, entries, { ...known, pools: poolsIn(wishes) }, hands)
  const entry = staying.find(({ interface: name }) => name === ask.nic)
  if (!entry) return takeInstead(known, { endpoint, others: staying, leaving }, hands, wishes)
  const isSame = uid === claimant.uid && staying.length === ips.length && endpoint.status.current.node === claimant.node
  if (!isSame) await record({ claimant, isKept: true, known: endpoint, others: staying, nics: [] }, hands.port)
  if (leaving.length > 0) await letGoOf(leaving, { uids: [uid, claimant.uid], staying }, hands).catch(() => undefined)
  return granted({ nic: entry, undo: keep }, hands)
}

const keep = (): Promise<void> => Promise.resolve()

/** Everything noted is in the record. */
function granted(answer: Granted, { journal }: Hands): Granted {
  journal.close()
  return answer
}

const wishesFor = ({ ask, pod, owner }: Known, port: Port): Promise<Wishes> =>
  wishesOf({ ...ask, pod, owner, subnets: ask.features.subnets }, port)

interface Before {
  readonly endpoint: SpiderEndpoint | undefined
  /** NICs of the record that stay as they are. */
  readonly others: readonly EndpointNic[]
  readonly write?: typeof record
}

/** Addresses for this call's NIC, and for all others where the annotation names them all. */
async function take(known: Known, before: Before, hands: Hands, had?: Wishes): Promise<Granted> {
  const { ask, claimant, keeper } = known
  const unnamed = before.others.findIndex(({ interface: name }) => name === '')
  if (unnamed >= 0) return nameOne(known, before, unnamed, hands)
  const wishes = had ?? (await wishesFor(known, hands.port))
  const wants = await wantsOf(known, wishes, before.others, hands.port)
  const routes = routesOfPod(known.pod)
  const granting = await grant(wants, { claimant, reserved: known.reserved, others: before.others }, hands)
  try {
    const nics = withRoutes({ nics: granting.nics, isOnly: interfaceCount(known.pod) === 1 }, routes)
    refuseHomeless([...before.others, ...nics], routes, known.pod, wishes)
    const nic = nics.find(({ interface: name }) => name === ask.nic)
    if (!nic) throw noAddress(ask.nic, wishes.from)
    const written = await (before.write ?? record)(
      { claimant, isKept: keeper !== undefined, known: before.endpoint, others: before.others, nics },
      hands.port,
    )
    return granted({ nic, undo: () => unrecord(written, nics, hands.port).then(() => granting.undo()) }, hands)
  } catch (error) {
    await granting.undo()
    throw error
  }
}

const noAddress = (nic: string, from: string): Refused =>
  new Refused('noAddress', `no Interface ${nic} IP allocation found: ${from} has no item left for it`)

/** An interface of a list without names is called as the call says: the first that nobody has named yet. */
async function nameOne(known: Known, { endpoint, others }: Before, place: number, hands: Hands): Promise<Granted> {
  const { ask, claimant, keeper } = known
  const entry = others[place]
  if (entry && !hasAll(entry, ask.requested ?? [])) throw unnamedRequest(ask)
  if (!entry || !(await retake({ entry, place, nic: ask.nic }, known, hands))) throw noAddress(ask.nic, 'the record')
  const nic = { ...entry, interface: ask.nic }
  const all = others.map(one => (one === entry ? nic : one))
  await record({ claimant, isKept: keeper !== undefined, known: endpoint, others: all, nics: [] }, hands.port)
  return granted({ nic, undo: keep }, hands)
}

const unnamedRequest = ({ requested = [], nic }: Known['ask']): Refused =>
  wrongInput(
    `${requested.map(({ from, ip }) => `${from} asks for ${ip}`).join(' and ')}, and annotation ipam.spidernet.io/ippools names no interfaces: ${nic} has got its address already; write "interface" in every item`,
  )

async function wantsOf(
  known: Known,
  { from, scope, named }: Wishes,
  others: readonly EndpointNic[],
  port: Port,
): Promise<readonly Want[]> {
  const { ask, pod, owner } = known
  if (scope === 'places' && others.length > 0)
    throw (ask.requested ?? []).length > 0 ? unnamedRequest(ask) : noAddress(ask.nic, from)
  const missing = named.filter(({ wish }) => !others.some(one => one.interface === wish.nic))
  return Promise.all(
    missing.map(async (one: Named) => {
      const pools = await usablePools(one, from, { ...ask, pod, owner }, port)
      const want = { ...namesOf(one.wish, ask.nic), cleanGateway: one.wish.cleanGateway, pools }
      if (want.nic !== ask.nic || !ask.requested) return want
      refuseFamily(ask.requested, pools, ask.nic)
      return { ...want, requested: ask.requested }
    }),
  )
}

/** The first of a list without names is this call's; the others get theirs from their own calls. */
function namesOf({ nic, place }: Wish, called: string): Pick<Want, 'nic' | 'interface'> {
  if (place === undefined) return { nic, interface: nic }
  return place === 0 ? { nic: called, interface: called } : { nic, interface: '' }
}

/** Said once every interface of the pod is known: until then a further one may have the subnet that a gateway is in. */
function refuseHomeless(nics: readonly EndpointNic[], routes: readonly Route[], pod: Pod, { scope }: Wishes): void {
  if (scope === 'call' && nics.length < interfaceCount(pod)) return
  const [first] = homeless({ nics, isOnly: nics.length === 1 }, routes)
  if (!first) return
  const subnets = nics.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].filter(text => text !== undefined)).join(', ')
  throw new Refused(
    'routeFitsNothing',
    `wrong input: annotation ipam.spidernet.io/routes of pod ${pod.metadata.namespace}/${pod.metadata.name}: gw ${first.gw} of route ${first.dst} is in the subnet of no interface (${subnets}); correct it or take the route out`,
  )
}
