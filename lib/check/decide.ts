// The checker: what differs among address objects, records, pods, pools and the kernel of a node.
// `spiderpoolctl check`, e2e and the schedules of the tests use this one. Pure.
import { objectNameOf } from '../ip/address.js'
import { addressDifferences } from './addresses.js'
import { kindOf } from './kinds.js'
import { nodeDifferences } from './node.js'
import { countsOf, poolDifferences } from './pools.js'
import { podDifferences, recordDifferences } from './records.js'
import {
  keyOf,
  lookupOf,
  reportedIps,
  versionOf,
  mayUse,
  type CheckState,
  type CheckDifference,
  type Lookup,
} from './state.js'

/** Every difference of the state, in the order in which they are repaired. */
export function differencesOf(state: CheckState): readonly CheckDifference[] {
  const at = lookupOf(state)
  const counts = countsOf(state.addresses)
  const unsorted = [
    ...state.addresses.flatMap(one => addressDifferences(one, at)),
    ...usedTwice(at),
    ...state.endpoints.flatMap(one => recordDifferences(one, at)),
    ...(state.unread.has('pods') ? [] : state.pods.flatMap(pod => podDifferences(pod, at))),
    ...(state.unread.has('spideripaddresses') ? [] : state.pools.flatMap(pool => poolDifferences(pool, counts, at))),
    ...(state.kernel ? nodeDifferences(state.kernel, at) : []),
  ]
  return unsorted.filter(one => !needs(one, state.unread)).sort((a, b) => placeOf(a) - placeOf(b))
}

/** Differences that depend on a kind that could not be read are not known to be ones. */
const needs = ({ kind }: CheckDifference, unread: ReadonlySet<string>): boolean =>
  (kind.startsWith('record-') && unread.has('spideripaddresses') && kind !== 'record-pod-gone') ||
  (kind.startsWith('address-') && unread.has('spiderendpoints') && kind === 'address-not-recorded') ||
  (kind.startsWith('address-pool') && unread.has('spiderippools')) ||
  (kind === 'record-missing' && unread.has('spiderendpoints'))

/** What an address is held by comes before what is released, and counts come last. */
const ORDER = [
  'createAddress',
  'replaceAddress',
  'deleteAddress',
  'createRecord',
  'replaceRecord',
  'deleteRecord',
] as const
const placeOf = ({ repair }: CheckDifference): number => {
  const place = ORDER.findIndex(verb => verb === repair?.verb)
  return place < 0 ? ORDER.length : place
}

/** Two pods that report one address, whatever the objects say. */
function usedTwice(at: Lookup): readonly CheckDifference[] {
  const seen = new Map<string, CheckDifference>()
  for (const pod of at.state.pods) {
    if (!mayUse(pod) || pod.metadata.deletionTimestamp !== undefined) continue
    for (const ip of reportedIps(pod)) {
      const users = at
        .usersOf(ip)
        .filter(one => one.by === 'status' && one.pod.metadata.deletionTimestamp === undefined)
      const object = at.address(ip)
      // An address that a pod holds and another uses is found with its object.
      if (users.length < 2 || seen.has(ip)) continue
      const what = `${ip} is used by ${users.map(one => keyOf(one.pod.metadata)).join(' and ')}`
      const name = objectNameOf(ip)
      const versions = versionOf(...users.map(one => one.pod))
      seen.set(ip, {
        kind: 'address-used-twice',
        object: `spideripaddress/${name}`,
        what,
        reads: { address: name },
        seen: `${versions} ${versionOf(object)}`,
      })
    }
  }
  return [...seen.values()]
}

/** One difference, as two looks find it again. */
const identityOf = ({ kind, object, what, seen }: CheckDifference): string => `${kind} ${object} ${what} ${seen}`

/** Those of the second look that the first look has found on the same versions of the objects. */
export function lasting(
  first: readonly CheckDifference[],
  second: readonly CheckDifference[],
): readonly CheckDifference[] {
  const known = new Set(first.map(identityOf))
  const found = new Set<string>()
  return second.filter(one => {
    const identity = identityOf(one)
    if (!known.has(identity) || found.has(identity)) return false
    found.add(identity)
    return true
  })
}

/** False for a note, which needs no repair. */
export const isWrong = ({ kind }: CheckDifference): boolean => kindOf(kind).isNote !== true

/** The sentences of what is wrong, as tests print them. */
export const sentencesOf = (found: readonly CheckDifference[]): readonly string[] =>
  found.filter(isWrong).map(({ kind, object, what }) => `${object}: ${what} (${kind})`)

/** The state with these objects in the place of those of the same name; undefined: it is gone. */
export function withFresh(state: CheckState, fresh: FreshObjects): CheckState {
  const replace = <T extends { readonly metadata: { readonly name: string; readonly namespace?: string } }>(
    items: readonly T[],
    read: Readonly<Record<string, T | undefined>>,
  ): readonly T[] => [
    ...items.filter(({ metadata }) => !(keyOf(metadata) in read)),
    ...Object.values(read).flatMap(one => (one === undefined ? [] : [one])),
  ]
  return {
    ...state,
    addresses: replace(state.addresses, fresh.addresses),
    pods: replace(state.pods, fresh.pods),
    endpoints: replace(state.endpoints, fresh.records),
    pools: replace(state.pools, fresh.pools),
  }
}

/** By namespace/name, `default` for kinds without namespaces; undefined where there is none. */
export interface FreshObjects {
  readonly addresses: Readonly<Record<string, CheckState['addresses'][number] | undefined>>
  readonly pods: Readonly<Record<string, CheckState['pods'][number] | undefined>>
  readonly records: Readonly<Record<string, CheckState['endpoints'][number] | undefined>>
  readonly pools: Readonly<Record<string, CheckState['pools'][number] | undefined>>
}
