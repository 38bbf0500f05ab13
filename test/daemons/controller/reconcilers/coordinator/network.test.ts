// The cluster's default network over several reads of the CNI conf directory: a momentary state
// does not count.
import t from 'tap'
import {
  NETWORK_UNKNOWN,
  networkAfter,
  SETTLE_MS,
  type NetworkObservation,
} from '../../../../../daemons/controller/reconcilers/coordinator/network.js'

const GONE: NetworkObservation = { error: 'ENOENT' }
const found = (type: string): NetworkObservation => ({ type })
const [CALICO, NONE, CILIUM] = ['calico', 'none', 'cilium'].map(found) as [
  NetworkObservation,
  NetworkObservation,
  NetworkObservation,
]
const AGAIN = SETTLE_MS / 2

/** Reads, AGAIN apart, and the type in effect after each. */
const CASES: readonly (readonly [
  what: string,
  isSynced: boolean,
  looks: readonly NetworkObservation[],
  types: readonly (string | undefined)[],
])[] = [
  ['the first read takes effect at once', false, [CALICO, CALICO], ['calico', 'calico']],
  ['a deleted directory leaves the type unchanged', true, [CALICO, GONE, GONE, GONE, GONE], Array(5).fill('calico')],
  [
    'a directory that is emptied and filled again changes nothing',
    true,
    [CALICO, NONE, CALICO, NONE, CALICO],
    Array(5).fill('calico'),
  ],
  [
    'emptied, deleted, emptied: the delay restarts',
    true,
    [CALICO, NONE, GONE, NONE, NONE, NONE],
    ['calico', 'calico', 'calico', 'calico', 'calico', 'none'],
  ],
  [
    'another network takes effect once it has lasted',
    true,
    [CALICO, CILIUM, CILIUM, CILIUM],
    ['calico', 'calico', 'calico', 'cilium'],
  ],
  ['none at start takes effect at once where nothing was known', false, [NONE], ['none']],
  [
    'none at start is delayed where an earlier process knew CIDRs',
    true,
    [NONE, NONE, NONE],
    [undefined, undefined, 'none'],
  ],
  ['never read', false, [GONE, GONE, CALICO], [undefined, undefined, 'calico']],
]
for (const [what, isSynced, looks, types] of CASES)
  t.test(`networkAfter(): ${what}`, async t => {
    let known = NETWORK_UNKNOWN
    const is = looks.map((look, at) => {
      known = networkAfter(known, look, { nowMs: at * AGAIN, isSynced })
      return known.type
    })
    t.strictSame(is, types)
  })
