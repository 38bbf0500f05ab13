// What DEL releases and what it keeps. On objects in memory.
import t from 'tap'
import type { EndpointNic, Pod, SpiderEndpoint } from '../../../../lib/crd/types.js'
import { newEndpoint } from '../../../../lib/ipam/allocation/endpoint.js'
import { readRecord } from '../../../../lib/ipam/pod/record.js'
import { release, type ReleaseRequest } from '../../../../lib/ipam/pod/release.js'
import { releaseIfHeldBy, releaseRecorded, undoIncompleteAdd } from '../../../../lib/ipam/pod/release-address.js'
import { ALL_FEATURES } from '../../../../lib/ipam/store/retention.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { claimantOf, Memory, outcomeOf, poolObject } from '../../../fixtures/memory.js'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const LIVES = 'the pod lives: its next sandbox keeps the addresses'
const nic = (name: string, last: number): EndpointNic => ({
  ...{ interface: name, vlan: 0, ipv4: `10.1.0.${last}/24`, ipv4Pool: 'a' },
})
const podOf = (name: string, more: Partial<Pod['metadata']> = {}, rest: Omit<Pod, 'metadata'> = {}): Pod => ({
  metadata: { namespace: 'default', name, uid: `uid-${name}`, ...more },
  ...rest,
})
const set = claimantOf('web-0', { owner: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' } })
const launcher = 'virt-launcher-vm-ab12z'
const machine = claimantOf(launcher, {
  ...{ record: 'vm', owner: { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'vm' } },
})

interface Scene {
  readonly claimant?: Claimant
  readonly pod?: Pod
  readonly nics?: readonly EndpointNic[]
  /** Holder of the addresses, where it is not the container of the record's pod. */
  readonly holder?: Partial<Claimant>
  readonly replicas?: number
  readonly instance?: boolean
  readonly machine?: boolean
}

/** One record, its addresses and its pod. */
function sceneOf({ claimant = claimantOf('p'), pod, nics, holder, ...there }: Scene): Memory {
  const memory = new Memory([poolObject('a', { ips: ['10.1.0.1-10.1.0.9'] })])
  const own = nics ?? [nic('eth0', 1)]
  if (own.length > 0) memory.endpoints.create(newEndpoint(claimant, own, false))
  for (const { interface: name, ipv4 = '' } of own)
    memory.hold(ipv4.split('/')[0] ?? '', { pool: 'a', nic: name, claimant: { ...claimant, ...holder } })
  if (pod) memory.pods.create(pod)
  const metadata = { namespace: 'default', name: 'vm' }
  if (there.replicas !== undefined)
    memory.sets.create({ metadata: { namespace: 'default', name: 'web' }, spec: { replicas: there.replicas } })
  if (there.instance === true) memory.instances.create({ metadata })
  if (there.machine === true) memory.machines.create({ metadata })
  return memory
}

interface Row extends Scene {
  readonly does: string
  readonly leaving?: Partial<ReleaseRequest>
  readonly is: string
  readonly left?: readonly string[]
  /** Whether the record still exists; by default as long as an address does. */
  readonly hasRecord?: boolean
}
const HELD = ['10.1.0.1/24 p eth0 c-p']
const LET_GO = ['10.1.0.1/24 p eth0 ']
const FREED = 'released 10.1.0.1/24'
const OTHER_UID = 'kept: the record is of pod UID uid-p'
const OF_SET = ['10.1.0.1/24 web-0 eth0 ']
const OF_MACHINE = [`10.1.0.1/24 ${launcher} eth0 `]
const SET_KEEPS = 'kept: StatefulSet default/web starts this pod again'
const ended = (phase: string): Pod => podOf('p', {}, { spec: { restartPolicy: 'Never' }, status: { phase } })
const two = [nic('eth0', 1), nic('net1', 2)]
const multus = (networks: string): Pod => podOf('p', { annotations: { [NETWORKS]: networks } })

const rows: readonly Row[] = [
  { does: 'frees what a pod that is gone held', is: FREED },
  { does: 'frees all interfaces of the pod', nics: two, is: 'released 10.1.0.1/24 10.1.0.2/24' },
  {
    does: 'frees what a pod held that is being deleted, and leaves its record to the garbage collector',
    ...{ pod: podOf('p', { deletionTimestamp: 'x' }), is: FREED, hasRecord: true },
  },
  { does: 'frees what a pod held that has ended', pod: ended('Succeeded'), is: FREED },
  { does: 'frees what an earlier pod of the name held', pod: podOf('p', { uid: 'uid-new' }), is: FREED },
  { does: 'frees without K8S_POD_UID what a pod that is gone held', leaving: { podUid: '' }, is: FREED },
  { does: 'frees nothing where there is no record', nics: [], is: 'released' },
  {
    ...{ does: 'keeps what a pod that lives has, without this container', pod: podOf('p'), left: LET_GO },
    is: `kept: ${LIVES}`,
  },
  {
    ...{ does: 'keeps it without K8S_POD_UID', pod: podOf('p'), leaving: { podUid: '' }, left: LET_GO },
    is: `kept: ${LIVES}`,
  },
  {
    does: 'keeps, without K8S_POD_UID, what a pod of the name has that lives',
    ...{ pod: podOf('p', { uid: 'uid-new' }), leaving: { podUid: '' }, left: LET_GO, is: `kept: ${LIVES}` },
  },
  {
    does: 'leaves the ID of another container of a pod that lives',
    ...{ pod: podOf('p'), holder: { containerID: 'later' }, left: ['10.1.0.1/24 p eth0 later'], is: `kept: ${LIVES}` },
  },
  {
    does: 'leaves what another container of the pod took over, and the record',
    ...{ holder: { containerID: 'later' }, left: ['10.1.0.1/24 p eth0 later'], is: 'released' },
  },
  { does: 'frees what no container has', holder: { containerID: '' }, is: FREED },
  {
    does: 'leaves an address that another pod has by now, and drops the record',
    ...{ holder: claimantOf('other'), left: ['10.1.0.1/24 other eth0 c-other'], hasRecord: false, is: FREED },
  },
  {
    ...{ does: 'keeps the record of another UID', leaving: { podUid: 'uid-old' }, left: HELD, is: OTHER_UID },
  },
  {
    ...{ does: 'keeps all where no one says which pod it was', nics: [], leaving: { podUid: '' } },
    is: 'kept: the pod is unknown (no K8S_POD_UID, no SpiderEndpoint)',
  },
  { does: "keeps a StatefulSet pod's", claimant: set, replicas: 1, left: OF_SET, is: SET_KEEPS },
  { does: "frees a StatefulSet pod's beyond its replicas", claimant: set, replicas: 0, is: FREED },
  { does: "frees a StatefulSet pod's whose set is gone", claimant: set, is: FREED },
  {
    does: "frees a StatefulSet pod's where the feature is off",
    ...{ claimant: set, replicas: 1, leaving: { features: { ...ALL_FEATURES, statefulSet: false } }, is: FREED },
  },
  {
    does: 'frees what an ADD that was killed while it inherited had taken over, and leaves the record',
    ...{ claimant: set, replicas: 0, holder: { uid: 'uid-new' }, leaving: { podUid: 'uid-new' } },
    ...{ is: FREED, hasRecord: true },
  },
  {
    does: "keeps a virtual machine's that is stopped",
    ...{ claimant: machine, machine: true, left: OF_MACHINE },
    is: 'kept: virtual machine default/vm runs elsewhere',
  },
  {
    does: "keeps a virtual machine's whose pod has ended",
    ...{ claimant: machine, instance: true, left: OF_MACHINE },
    pod: podOf(launcher, { deletionTimestamp: 'x' }),
    is: 'kept: virtual machine default/vm starts again',
  },
  { does: "frees a virtual machine's that is gone", claimant: machine, is: FREED },
  {
    does: 'frees the interface that was unplugged while its pod lives',
    ...{ nics: two, pod: multus('[]'), leaving: { nic: 'net1' }, is: 'released 10.1.0.2/24', left: HELD },
  },
  {
    does: 'drops the record with the last interface that was unplugged',
    ...{ nics: [nic('net1', 1)], pod: multus(''), leaving: { nic: 'net1' }, is: FREED },
  },
  {
    does: 'frees no unplugged interface that the record does not have',
    ...{ pod: multus('[]'), leaving: { nic: 'net1' }, is: `kept: ${LIVES}`, left: LET_GO },
  },
  {
    does: 'frees no unplugged interface of a record of another UID',
    ...{ claimant: claimantOf('p', { uid: 'uid-old' }), nics: two, pod: multus('[]') },
    ...{ leaving: { nic: 'net1', podUid: 'uid-p' }, is: `kept: ${LIVES}` },
    left: ['10.1.0.1/24 p eth0 c-p', '10.1.0.2/24 p net1 c-p'],
  },
  {
    does: 'keeps an interface that the annotation names',
    ...{ nics: two, pod: multus('a'), leaving: { nic: 'net1' }, is: `kept: ${LIVES}` },
    left: ['10.1.0.1/24 p eth0 ', '10.1.0.2/24 p net1 '],
  },
]
for (const { does, leaving, is, left = [], hasRecord = left.length > 0, ...scene } of rows)
  t.test(`release() ${does}`, async t => {
    const memory = sceneOf(scene)
    const { name, uid, containerID } = scene.claimant ?? claimantOf('p')
    const { store, journal } = memory.hands()
    const pod = { namespace: 'default', name }
    const call = { pod, podUid: uid, containerID, features: ALL_FEATURES, ...leaving }
    const released = await release(call, { store, journal })
    const said = released.kind === 'kept' ? `kept: ${released.why}` : ['released', ...released.addresses].join(' ')
    t.strictSame(said, is)
    t.strictSame(memory.holders(), left)
    t.strictSame(memory.endpoints.objects.size > 0, hasRecord)
  })

/** What a DEL asks of the Store, without a journal. */
const terminating = podOf('p', { deletionTimestamp: 'x' })
const costs: readonly (readonly [of: string, pod: Pod | undefined, calls: readonly string[]])[] = [
  ['that is being deleted', terminating, ['endpoint p', 'pod p', 'release 10.1.0.1', 'clearEndpoint p']],
  ['that was replaced', podOf('p', { uid: 'new' }), ['endpoint p', 'pod p', 'release 10.1.0.1', 'removeEndpoint p']],
  ['that is gone', undefined, ['endpoint p', 'pod p', 'pod p', 'release 10.1.0.1', 'removeEndpoint p']],
  ['that has ended', ended('Failed'), ['endpoint p', 'pod p', 'pod p', 'release 10.1.0.1', 'removeEndpoint p']],
]
/** A pod as after its ADD: the record says how its address object was created. */
function allocated(pod?: Pod): Memory {
  const memory = new Memory([poolObject('a', { ips: ['10.1.0.1-10.1.0.9'] })])
  const claimant = claimantOf('p')
  const object = memory.hold('10.1.0.1', { pool: 'a', claimant })
  memory.endpoints.create(newEndpoint(claimant, [nic('eth0', 1)], false, [object]))
  if (pod) memory.pods.create(pod)
  return memory
}
const OF_P = {
  pod: { namespace: 'default', name: 'p' },
  ...{ podUid: 'uid-p', containerID: 'c-p', features: ALL_FEATURES },
}
for (const [of, pod, calls] of costs)
  t.test(`release() of a pod ${of} asks for ${calls.length} things`, async t => {
    const memory = allocated(pod)
    const { store, journal } = memory.hands()
    t.strictSame(await release(OF_P, { store, journal }), { kind: 'released', addresses: ['10.1.0.1/24'] })
    t.strictSame(memory.calls, calls)
    t.strictSame(memory.holders(), [])
    const left = [...memory.endpoints.objects.values()].map(({ status, metadata }) => [
      status.current.ips,
      metadata.finalizers,
    ])
    t.strictSame(left, pod === terminating ? [[[], []]] : [])
    memory.calls.length = 0
    await release(OF_P, { store, journal })
    t.strictSame(memory.holders(), [])
  })

t.test(
  'release() reads an address that has changed since its ADD, and leaves it to the container that has it',
  async t => {
    const memory = allocated(terminating)
    const { store, journal } = memory.hands()
    const object = memory.holderOf('10.1.0.1')
    if (object) memory.addresses.replace({ ...object, spec: { ...object.spec, containerID: 'later' } })
    t.strictSame(await release(OF_P, { store, journal }), { kind: 'released', addresses: [] })
    t.strictSame(memory.calls, ['endpoint p', 'pod p', 'release 10.1.0.1', 'address 10.1.0.1'])
    t.strictSame(memory.holders(), ['10.1.0.1/24 p eth0 later'])
  },
)

t.test('release() reads the address where the record says of another pod how it was created', async t => {
  const memory = allocated(terminating)
  const [record] = [...memory.endpoints.objects.values()]
  const { status, metadata } = record ?? newEndpoint(claimantOf('p'), [], false)
  const annotations = { 'ipam.spidernet.io/created-addresses': '{"pod":"uid-old","10.1.0.1/24":["a","b"]}' }
  if (record) memory.endpoints.replace({ ...record, status, metadata: { ...metadata, annotations } })
  const { store, journal } = memory.hands()
  await release(OF_P, { store, journal })
  t.strictSame(memory.calls, ['endpoint p', 'pod p', 'address 10.1.0.1', 'release 10.1.0.1', 'clearEndpoint p'])
})

t.test('release() reads a mirror pod that is being deleted twice', async t => {
  const annotations = { 'kubernetes.io/config.mirror': 'uid-p' }
  const memory = allocated(podOf('p', { uid: 'uid-mirror', deletionTimestamp: 'x', annotations }))
  const { store, journal } = memory.hands()
  await release(OF_P, { store, journal })
  t.strictSame(memory.calls.slice(0, 3), ['endpoint p', 'pod p', 'pod p'])
})

t.test('release() releases nothing where the second read finds the pod', async t => {
  const memory = sceneOf({})
  const direct = memory.direct()
  let looks = 0
  const store = { ...direct, pod: () => Promise.resolve(++looks > 1 ? podOf('p') : undefined) }
  const leaving = {
    pod: { namespace: 'default', name: 'p' },
    podUid: 'uid-p',
    containerID: 'c-p',
    features: ALL_FEATURES,
  }
  const released = await release(leaving, { store, journal: memory.journal('c') })
  t.strictSame([released, memory.holders()], [{ kind: 'kept', why: LIVES }, HELD])
})

const written: readonly (readonly [of: string, conflicts: number, left: readonly string[]])[] = [
  ['seven times', 7, HELD],
  ['eight times', 8, ['10.1.0.1/24 p eth0 ', '10.1.0.2/24 p net1 ']],
]
for (const [of, conflicts, left] of written)
  t.test(`release() of an unplugged interface, record written concurrently: ${of}`, async t => {
    const memory = sceneOf({ nics: two, pod: multus('[]') })
    const direct = memory.direct()
    let more = conflicts
    const store: typeof direct = {
      ...direct,
      replaceEndpoint: endpoint => (more-- > 0 ? Promise.resolve('conflict') : direct.replaceEndpoint(endpoint)),
    }
    const pod = { namespace: 'default', name: 'p' }
    const call = { pod, podUid: 'uid-p', containerID: 'c-p', features: ALL_FEATURES, nic: 'net1' }
    await release(call, { store, journal: memory.journal('c') })
    t.strictSame(memory.holders(), left)
  })

const ofMachine: readonly (readonly [of: string, pod: string, kubevirt: boolean, record: string | undefined])[] = [
  ['of a machine by the name of its launcher', launcher, true, 'vm'],
  ['of the launcher where the feature is off', launcher, false, launcher],
  ['of a pod', 'p', true, 'p'],
  ['of a launcher whose machine has none', 'virt-launcher-other-ab12z', true, 'virt-launcher-other-ab12z'],
  ['of a pod that has none', 'none', true, undefined],
]
for (const [of, pod, kubevirt, is] of ofMachine)
  t.test(`readRecord() ${of}`, async t => {
    const memory = new Memory()
    for (const name of ['vm', launcher, 'p', 'virt-launcher-other-ab12z'])
      memory.endpoints.create(newEndpoint(claimantOf(name), [], false))
    const found = await readRecord(
      { pod: { namespace: 'default', name: pod }, features: { statefulSet: true, kubevirt } },
      memory.direct(),
    )
    t.strictSame(found?.metadata.name, is)
  })

const ifOf: readonly (readonly [
  of: string,
  address: string,
  uid: string,
  container: string | undefined,
  is: boolean,
  left: boolean,
])[] = [
  ['an address of the pod and the container', '10.1.0.1/24', 'uid-p', 'c-p', true, false],
  ['an address of the pod, whatever the container', '10.1.0.1/24', 'uid-p', undefined, true, false],
  ['an address of another container', '10.1.0.1/24', 'uid-p', 'c-old', false, true],
  ['an address of another pod', '10.1.0.1/24', 'uid-old', 'c-p', true, true],
  ['an address without an object', '10.1.0.2/24', 'uid-p', 'c-p', true, true],
  ['what is no address', 'x', 'uid-p', 'c-p', true, true],
]
for (const [of, address, uid, containerID, is, left] of ifOf)
  t.test(`releaseIfHeldBy() of ${of} is ${is}`, async t => {
    const memory = sceneOf({})
    t.strictSame(await releaseIfHeldBy({ uid, containerID }, address, memory.direct()), is)
    t.strictSame(memory.holders(), left ? HELD : [])
  })

const SHARED = { 'ipam.spidernet.io/allocated-ips': 'shared' }

t.test('releaseIfHeldBy() removes the Go record of an address without an object', async t => {
  const text = '{"10.1.0.2":{"pod":"default/p","podUid":"uid-p"},"10.1.0.3":{"pod":"default/q","podUid":"uid-q"}}'
  for (const [address, count] of [
    ['10.1.0.2/24', 1],
    ['10.1.0.3/24', 2],
  ] as const) {
    const memory = new Memory([poolObject('a', {}, { status: { allocatedIPs: text, allocatedIPCount: 2 } })])
    await releaseIfHeldBy({ uid: 'uid-p', containerID: 'c-p', pool: 'a' }, address, memory.direct())
    t.strictSame(memory.pools[0]?.status?.allocatedIPCount, count, address)
  }
})

const OWN_TEXT = '{"10.1.0.1":{"pod":"default/p","podUid":"uid-p"}}'
const OTHER_TEXT = '{"10.1.0.1":{"pod":"default/q","podUid":"uid-q"}}'
const records: readonly (readonly [
  of: string,
  text: string,
  pool: object,
  isShared: boolean,
  left: string | undefined,
])[] = [
  ['deletes the record that its ADD wrote', OWN_TEXT, {}, true, undefined],
  ['keeps the record of another pod', OTHER_TEXT, {}, true, OTHER_TEXT],
  ['leaves the record to the controller that leads', OWN_TEXT, { annotations: SHARED }, true, OWN_TEXT],
  ['reads no pool for an address whose ADD wrote none', OWN_TEXT, {}, false, OWN_TEXT],
]
for (const [of, text, metadata, isShared, left] of records)
  t.test(`releaseIfHeldBy() of an address with an object ${of}`, async t => {
    const marked = new Memory([poolObject('a')])
    const status = { allocatedIPs: text, allocatedIPCount: 1 }
    const memory = new Memory([poolObject('a', {}, { metadata, status })])
    const claimant = claimantOf('p')
    if (isShared) memory.hold('10.1.0.1', { pool: 'a', claimant })
    else memory.addresses.create(marked.hold('10.1.0.1', { pool: 'a', claimant }))
    await releaseIfHeldBy({ uid: 'uid-p', containerID: 'c-p', pool: 'a' }, '10.1.0.1/24', memory.direct())
    t.strictSame([memory.holders(), memory.pools[0]?.status?.allocatedIPs], [[], left])
    t.strictSame(memory.calls.includes('pool a'), isShared)
  })

t.test('releaseRecorded() continues past a failure, throws it and keeps the record', async t => {
  const memory = sceneOf({ nics: two })
  const [endpoint] = memory.endpoints.objects.values()
  const direct = memory.direct()
  const store = {
    ...direct,
    address: (name: string) => (name === '10.1.0.1' ? Promise.reject(new Error('busy')) : direct.address(name)),
  }
  t.strictSame(
    await outcomeOf(releaseRecorded(endpoint as SpiderEndpoint, { store })),
    '1 of 2 addresses not released: Error: busy',
  )
  t.strictSame([memory.holders(), memory.endpoints.objects.size], [HELD, 1])
})

const halfDone: readonly (readonly [
  of: string,
  noted: readonly string[],
  container: string,
  nics: readonly EndpointNic[],
  left: number,
])[] = [
  ['what no record names', ['10.1.0.1'], 'c-p', [], 0],
  ['nothing that the record names', ['10.1.0.1'], 'c-p', [nic('eth0', 1)], 1],
  ['nothing that it names of two families', ['10.1.0.1'], 'c-p', [{ ...nic('eth0', 1), ipv6: 'fd00::1/64' }], 1],
  ['nothing of another container', ['10.1.0.1'], 'c-later', [], 1],
  ['nothing that was not noted', ['10.1.0.2'], 'c-p', [], 1],
]
for (const [of, noted, containerID, nics, left] of halfDone)
  t.test(`undoIncompleteAdd() releases ${of}`, async t => {
    const memory = sceneOf({ nics: [] })
    memory.hold('10.1.0.1', { pool: 'a', claimant: claimantOf('p') })
    const { store, journal } = memory.hands()
    for (const name of noted) journal.note(name)
    await undoIncompleteAdd({ containerID }, newEndpoint(claimantOf('p'), nics, false), { store, journal })
    t.strictSame([memory.addresses.objects.size, journal.read()], [left, []])
  })

const other = { namespace: 'default', name: 'other' }
interface ViewRow {
  readonly does: string
  readonly claimant?: Claimant
  readonly pod?: Pod
  /** The pod at the second read. */
  readonly later?: Pod
  readonly holder?: Partial<Claimant>
  readonly nics?: readonly EndpointNic[]
  readonly is: string
  readonly reads: number
}
const viewRows: readonly ViewRow[] = [
  { does: 'releases what no record has, of a pod that is gone', is: FREED, reads: 2 },
  { does: 'reads a pod once that is being deleted', pod: terminating, is: FREED, reads: 1 },
  { does: 'keeps what a pod has that is there at the second read', later: podOf('p'), is: `kept: ${LIVES}`, reads: 2 },
  { does: 'leaves those of a StatefulSet to the controller', claimant: set, is: 'released', reads: 2 },
  { does: 'leaves what another container took over', holder: { containerID: 'later' }, is: 'released', reads: 2 },
  {
    does: 'releases what the record does not have',
    ...{ pod: terminating, nics: [nic('net1', 2)], is: 'released 10.1.0.2/24 10.1.0.1/24', reads: 1 },
  },
]
for (const { does, claimant = claimantOf('p'), pod, later, holder, nics = [], is, reads } of viewRows)
  t.test(`release() with a view ${does}`, async t => {
    const memory = sceneOf({ claimant, nics, ...(pod && { pod }) })
    memory.hold('10.1.0.1', { pool: 'a', nic: 'eth0', claimant: { ...claimant, ...holder } })
    const { store, journal } = memory.hands()
    const heldBy = (uid: string) => [...memory.addresses.objects.values()].filter(({ spec }) => spec.pod.uid === uid)
    const view = { heldIn: () => [], heldBy, endpoint: () => undefined }
    let count = 0
    const readPod: typeof store.pod = async ref => (++count > 1 && later ? later : store.pod(ref))
    const { name, uid, containerID } = claimant
    const call = { pod: { ...other, name }, podUid: uid, containerID, features: ALL_FEATURES }
    const released = await release(call, { store: { ...store, view, pod: readPod }, journal })
    const said = released.kind === 'kept' ? `kept: ${released.why}` : ['released', ...released.addresses].join(' ')
    t.strictSame([said, count], [is, reads])
    t.strictSame(memory.holders().length, is.startsWith(FREED) || nics.length > 0 ? 0 : 1)
  })
