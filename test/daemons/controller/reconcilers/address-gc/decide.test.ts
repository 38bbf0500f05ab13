// gcVerdict(): a table of contexts and verdicts.
import t from 'tap'
import {
  addressesInUse,
  CONFLICT_MS,
  gcVerdict,
  SIGHTING_MS,
  type AddressContext,
  type GcVerdict,
  type GcRules,
} from '../../../../../daemons/controller/reconcilers/address-gc/decide.js'
import { quarantine } from '../../../../../lib/ipam/allocation/conflict-quarantine.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../../../../lib/crd/types.js'

const address = (uid = 'u1'): SpiderIPAddress => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPAddress',
  metadata: { name: '10.6.0.10' },
  spec: {
    address: '10.6.0.10/16',
    ipVersion: 4,
    pool: 'p',
    nic: 'eth0',
    node: 'n1',
    containerID: 'c',
    pod: { namespace: 'default', name: 'a', uid },
    owner: { apiVersion: 'v1', kind: 'Pod', name: 'a' },
  },
})

const pod = (status: Pod['status'] = {}, metadata: object = {}, spec: object = {}): Pod => ({
  metadata: { name: 'a', namespace: 'default', uid: 'u1', ...metadata },
  spec,
  status: { phase: 'Running', podIPs: [{ ip: '10.6.0.10' }], ...status },
})
const ending = (seconds?: number, status: Pod['status'] = {}): Pod =>
  pod(status, {
    deletionTimestamp: '2026-01-01T00:00:00Z',
    ...(seconds !== undefined && { deletionGracePeriodSeconds: seconds }),
  })

const endpoint = (uid: string, ...addresses: readonly string[]): SpiderEndpoint => ({
  metadata: { name: 'a', namespace: 'default' },
  status: {
    current: { uid, node: 'n1', ips: addresses.map((ipv4, at) => ({ interface: `net${at}`, ipv4, ipv4Pool: 'p' })) },
    ownerControllerType: 'Pod',
    ownerControllerName: 'a',
  },
})
const recorded = endpoint('u1', '10.6.0.10/16')
const ofOther = endpoint('u1', '10.6.0.99/16')

const HALF_WRITTEN_MS = 240_000
const RULES: GcRules = {
  onReadyNodes: true,
  onNotReadyNodes: true,
  runningWithoutAddress: false,
  delayMs: 0,
  unrecordedMs: HALF_WRITTEN_MS,
  releaseMs: 0,
}
const OLD = 10 * HALF_WRITTEN_MS
const AROUND: AddressContext = {
  pod: pod(),
  node: 'ready',
  endpoint: recorded,
  inUse: new Set(),
  retention: 'none',
  ageMs: OLD,
  isOfNode: false,
}

const keep: GcVerdict = { kind: 'keep' }
const free = (why: Extract<GcVerdict, { kind: 'free' }>['why'], graceMs: number): GcVerdict => ({
  kind: 'free',
  why,
  graceMs,
})

interface Case {
  readonly when: string
  readonly around?: Partial<AddressContext>
  readonly rules?: Partial<GcRules>
  readonly holder?: string
  readonly verdict: GcVerdict
}

const finished = (phase: string, more: object = {}): Pod =>
  pod({ phase, ...more }, {}, { terminationGracePeriodSeconds: 7 })

const CASES: readonly Case[] = [
  { when: 'the pod runs', verdict: keep },
  {
    when: 'the pod is pending',
    around: { pod: pod({ phase: 'Pending', podIPs: [] }), endpoint: undefined },
    verdict: keep,
  },
  { when: 'it has no pod UID', holder: '', around: { pod: undefined, endpoint: undefined }, verdict: keep },

  { when: 'the pod is gone', around: { pod: undefined }, verdict: free('PodGone', SIGHTING_MS) },
  {
    when: 'the pod is gone, with a delay',
    around: { pod: undefined },
    rules: { delayMs: 9000 },
    verdict: free('PodGone', 9000),
  },
  {
    when: 'the pod is gone and an old address has no record',
    around: { pod: undefined, endpoint: undefined },
    verdict: free('PodGone', SIGHTING_MS),
  },
  {
    when: 'the pod is gone and a new address has no record: its ADD may be running',
    around: { pod: undefined, endpoint: undefined, ageMs: 1000 },
    verdict: free('PodGone', HALF_WRITTEN_MS),
  },
  {
    when: 'the pod is gone and its unrecorded address became old while it was observed',
    around: { pod: undefined, endpoint: undefined, ageMs: HALF_WRITTEN_MS - 1 },
    verdict: free('PodGone', HALF_WRITTEN_MS),
  },
  {
    when: 'the pod is gone and its record names another address than this new one',
    around: { pod: undefined, endpoint: ofOther, ageMs: 0 },
    verdict: free('PodGone', HALF_WRITTEN_MS),
  },
  {
    when: 'the pod is gone and its node is ready: the DEL has its grace period',
    around: { pod: undefined },
    rules: { releaseMs: 10_000 },
    verdict: free('PodGone', 10_000),
  },
  {
    when: 'the pod is gone and its node is not ready: no DEL will run',
    around: { pod: undefined, node: 'notReady' },
    rules: { releaseMs: 10_000 },
    verdict: free('PodGone', SIGHTING_MS),
  },
  {
    when: 'the pod terminates on a node that is ready: the kubelet ends it first, then runs its DEL',
    around: { pod: ending(30) },
    rules: { releaseMs: 10_000 },
    verdict: free('PodTerminating', 40_000),
  },
  {
    when: 'the pod has ended on a node that is ready',
    around: { pod: finished('Succeeded') },
    rules: { releaseMs: 10_000, delayMs: 1_000 },
    verdict: free('PodFinished', 18_000),
  },
  {
    when: 'a newer pod has its name',
    around: { pod: pod({}, { uid: 'u2' }) },
    verdict: free('PodReplaced', SIGHTING_MS),
  },

  { when: 'its set will start the pod again', around: { pod: undefined, retention: 'kept' }, verdict: keep },
  {
    when: 'its set will start the pod again, and its own record does not name it',
    around: { pod: undefined, retention: 'kept', endpoint: endpoint('u1', '10.6.0.99/16') },
    verdict: free('NotRecorded', HALF_WRITTEN_MS),
  },
  {
    when: 'its set has started the pod again, and ADD has not run',
    around: { pod: pod({}, { uid: 'u2' }), retention: 'kept' },
    verdict: keep,
  },
  {
    when: 'its set has started the pod again, and the new record leaves it out',
    around: { pod: pod({}, { uid: 'u2' }), retention: 'kept', endpoint: endpoint('u2', '10.6.0.99/16') },
    verdict: free('NotRecorded', HALF_WRITTEN_MS),
  },
  {
    when: 'its set was scaled down or deleted',
    around: { pod: undefined, retention: 'ended' },
    verdict: free('OwnerGone', SIGHTING_MS),
  },
  {
    when: 'the pod of a set terminates and comes again',
    around: { pod: ending(30), retention: 'kept' },
    verdict: keep,
  },
  {
    when: 'the pod of a set terminates for good',
    around: { pod: ending(30), retention: 'ended' },
    verdict: free('PodTerminating', 30_000),
  },
  {
    when: 'the pod of a set terminates for good, whatever the switches of stateless pods',
    around: { pod: ending(30), retention: 'ended' },
    rules: { onReadyNodes: false },
    verdict: free('PodTerminating', 30_000),
  },
  {
    when: 'the pod of a set has ended and comes again',
    around: { pod: finished('Failed'), retention: 'kept' },
    verdict: keep,
  },

  { when: 'the pod terminates', around: { pod: ending(5) }, verdict: free('PodTerminating', 5000) },
  {
    when: 'the pod terminates without a grace period',
    around: { pod: ending() },
    verdict: free('PodTerminating', 30_000),
  },
  {
    when: 'the pod terminates, with a delay',
    around: { pod: ending(5) },
    rules: { delayMs: 2000 },
    verdict: free('PodTerminating', 7000),
  },
  { when: 'the pod is forced to end', around: { pod: ending(0) }, verdict: free('PodTerminating', SIGHTING_MS) },
  {
    when: 'it terminates on a ready node, and that is switched off',
    around: { pod: ending(5) },
    rules: { onReadyNodes: false },
    verdict: keep,
  },
  {
    when: 'it terminates on a node that is not ready',
    around: { pod: ending(5), node: 'notReady' },
    rules: { onReadyNodes: false },
    verdict: free('PodTerminating', 5000),
  },
  {
    when: 'it terminates on a node that is not ready, and that is switched off',
    around: { pod: ending(5), node: 'notReady' },
    rules: { onNotReadyNodes: false },
    verdict: keep,
  },
  {
    when: 'it terminates, never had an address, and the switch is off',
    around: { pod: ending(5, { podIPs: [] }) },
    rules: { onReadyNodes: false },
    verdict: free('PodTerminating', 5000),
  },
  {
    when: 'it terminates on a node out of service: nothing runs there, no grace period',
    around: { pod: ending(300), node: 'outOfService' },
    rules: { onReadyNodes: false, onNotReadyNodes: false },
    verdict: free('PodTerminating', SIGHTING_MS),
  },

  { when: 'the pod has succeeded', around: { pod: finished('Succeeded') }, verdict: free('PodFinished', 7000) },
  { when: 'the pod has failed', around: { pod: finished('Failed') }, verdict: free('PodFinished', 7000) },
  {
    when: 'the pod was evicted',
    around: { pod: finished('Failed', { reason: 'Evicted' }) },
    verdict: free('PodFinished', 7000),
  },
  {
    when: 'it has failed without a grace period',
    around: { pod: pod({ phase: 'Failed' }) },
    verdict: free('PodFinished', 30_000),
  },
  {
    when: 'it has failed on a ready node, and that is switched off',
    around: { pod: finished('Failed') },
    rules: { onReadyNodes: false },
    verdict: keep,
  },

  { when: 'it runs without an address', around: { pod: pod({ podIPs: [] }) }, verdict: keep },
  {
    when: 'it runs without an address, and that is switched on',
    around: { pod: pod({ podIPs: [] }) },
    rules: { runningWithoutAddress: true },
    verdict: free('NoPodIPs', HALF_WRITTEN_MS),
  },
  {
    when: 'a pod of a set runs without an address, and that is switched on',
    around: { pod: pod({ podIPs: [] }), retention: 'kept' },
    rules: { runningWithoutAddress: true },
    verdict: keep,
  },

  {
    when: 'it runs with another address, and its record leaves this one out',
    around: { pod: pod({ podIPs: [{ ip: '10.6.0.99' }] }), endpoint: ofOther },
    verdict: free('NotRecorded', HALF_WRITTEN_MS),
  },
  { when: 'its record leaves it out, and its status shows it', around: { endpoint: ofOther }, verdict: keep },
  {
    when: 'its record leaves it out, and Multus shows it',
    around: { pod: pod({ podIPs: [{ ip: '10.6.0.99' }] }), endpoint: ofOther, inUse: new Set(['10.6.0.10']) },
    verdict: keep,
  },
  {
    when: 'it has no record at all',
    around: { pod: pod({ podIPs: [{ ip: '10.6.0.99' }] }), endpoint: undefined },
    verdict: keep,
  },
  {
    when: 'its record is still of another pod',
    around: { pod: pod({ podIPs: [{ ip: '10.6.0.99' }] }), endpoint: endpoint('u0', '10.6.0.99/16') },
    verdict: keep,
  },
]

for (const { when, around, rules, holder, verdict } of CASES)
  t.test(`gcVerdict() ${verdict.kind === 'keep' ? 'keeps' : 'releases'} the address when ${when}`, async t =>
    t.strictSame(gcVerdict(address(holder), { ...AROUND, ...around }, { ...RULES, ...rules }), verdict),
  )

const STATUS: readonly (readonly [of: string, text: string | undefined, found: readonly string[]])[] = [
  ['none', undefined, []],
  ['invalid JSON', '[{', []],
  ['an object', '{"ips":["10.0.0.1"]}', []],
  [
    'two interfaces',
    '[{"name":"a","ips":["10.0.0.1"]},{"name":"b","interface":"net1","ips":["10.0.0.2","fd00:0::1"]}]',
    ['10.0.0.1', '10.0.0.2', 'fd00::1'],
  ],
  ['malformed entries', '[null, 3, {"ips":"10.0.0.1"}, {"ips":[4, "word"]}]', []],
]
for (const [of, text, found] of STATUS)
  t.test(`addressesInUse() of ${of} has ${found.length} addresses`, async t =>
    t.strictSame([...addressesInUse(text)], found),
  )

t.test('gcVerdict() releases a quarantined address after ten minutes', async t => {
  const aside = quarantine(address(), { mac: '0a:00:00:00:00:01', now: 0 })
  t.match(aside, {
    metadata: { labels: { 'ipam.spidernet.io/conflict': '0a-00-00-00-00-01' } },
    spec: { address: '10.6.0.10/16', pool: 'p', containerID: '', pod: { uid: '' } },
  })
  t.strictSame(gcVerdict(aside, AROUND, RULES), free('ConflictOver', CONFLICT_MS))
  t.strictSame(gcVerdict(aside, { ...AROUND, isOfNode: true }, RULES), keep, 'an address of a node, which has it still')
  t.strictSame(
    gcVerdict({ ...aside, metadata: { name: '10.6.0.10' } }, AROUND, RULES),
    keep,
    'without the mark it is a user’s own',
  )
})

t.test('gcVerdict() keeps the address of a container without a pod', async t => {
  const { spec, ...rest } = address('0123456789ab')
  const owner = { apiVersion: 'spiderpool.spidernet.io', kind: 'Container', name: 'web' }
  const without = { ...AROUND, pod: undefined, endpoint: undefined }
  t.strictSame(gcVerdict({ ...rest, spec: { ...spec, owner } }, without, RULES), keep)
  t.strictSame(gcVerdict({ ...rest, spec }, without, RULES), free('PodGone', SIGHTING_MS), 'of a pod it would go')
})
