// Which pods keep their addresses beyond their life.
import t from 'tap'
import {
  ALL_FEATURES,
  retainingKindOf,
  retainingKindNamed,
  machineOf,
  ordinalOf,
  statefulSetKeeps,
  virtualMachineKeeps,
  type Features,
} from '../../../../lib/ipam/store/retention.js'
import type { StatefulSet } from '../../../../lib/ipam/store/store.js'

const set = (spec: StatefulSet['spec'], metadata: object = {}): StatefulSet => ({
  metadata: { name: 'web', ...metadata },
  ...(spec && { spec }),
})

const SETS: readonly [says: string, pod: string, set: StatefulSet | undefined, keeps: boolean][] = [
  ['the last of three', 'web-2', set({ replicas: 3 }), true],
  ['one beyond the last', 'web-3', set({ replicas: 3 }), false],
  ['replicas left out is one', 'web-0', set({}), true],
  ['replicas left out is one', 'web-1', set({}), false],
  ['no spec at all', 'web-0', set(undefined), true],
  ['scaled to nothing', 'web-0', set({ replicas: 0 }), false],
  ['ordinals that start at 5', 'web-5', set({ replicas: 2, ordinals: { start: 5 } }), true],
  ['ordinals that start at 5', 'web-7', set({ replicas: 2, ordinals: { start: 5 } }), false],
  ['ordinals that start at 5', 'web-0', set({ replicas: 2, ordinals: { start: 5 } }), false],
  ['no set', 'web-0', undefined, false],
  ['a set being deleted', 'web-0', set({ replicas: 3 }, { deletionTimestamp: 'now' }), false],
  ['a name without an ordinal', 'web', set({ replicas: 3 }), false],
  ['a set of another name', 'db-0', set({ replicas: 3 }), false],
  ['an ordinal beyond all numbers', 'web-99999999999999999999', set({ replicas: 3 }), false],
]
for (const [says, pod, object, keeps] of SETS)
  t.test(`statefulSetKeeps() ${pod}, ${says}: ${keeps}`, async t => t.equal(statefulSetKeeps(pod, object), keeps))

const ORDINALS: readonly (readonly [pod: string, is: object | undefined])[] = [
  ['web-0', { set: 'web', ordinal: 0 }],
  ['a-1-02', { set: 'a-1', ordinal: 2 }],
  ['web-9007199254740991', { set: 'web', ordinal: Number.MAX_SAFE_INTEGER }],
  ['web-9007199254740992', undefined],
  ['a-b', undefined],
  ['web-', undefined],
  ['web', undefined],
  ['7', undefined],
]
for (const [pod, is] of ORDINALS)
  t.test(`ordinalOf() of ${pod}`, async t => {
    t.strictSame(ordinalOf(pod), is)
  })

const MACHINES: readonly (readonly [pod: string, machine: string | undefined])[] = [
  ['virt-launcher-vm-ab12z', 'vm'],
  ['virt-launcher-my-vm-2-ab12z', 'my-vm-2'],
  ['virt-launcher-vm-ab12', undefined],
  ['virt-launcher-vm-ab12zz', undefined],
  ['virt-launcher-vm-AB12Z', undefined],
  ['virt-launcher-ab12z', undefined],
  ['my-virt-launcher-vm-ab12z', undefined],
  ['web-0', undefined],
]
for (const [pod, machine] of MACHINES)
  t.test(`machineOf() ${pod} is ${machine}`, async t => t.strictSame(machineOf(pod), machine))

const vm = { metadata: { name: 'v' } }
const gone = { metadata: { name: 'v', deletionTimestamp: 'now' } }
const ofMachine = {
  metadata: {
    ...gone.metadata,
    ownerReferences: [{ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name: 'v', uid: 'u', controller: true }],
  },
}
const ofSet = {
  metadata: {
    ...gone.metadata,
    ownerReferences: [
      { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstanceReplicaSet', name: 'r', uid: 'u', controller: true },
    ],
  },
}
const ofBoth = {
  metadata: {
    ...gone.metadata,
    ownerReferences: [...ofSet.metadata.ownerReferences, ...ofMachine.metadata.ownerReferences],
  },
}
const ofNotControlling = {
  metadata: {
    ...gone.metadata,
    ownerReferences: ofMachine.metadata.ownerReferences.map(reference => ({ ...reference, controller: false })),
  },
}
type Machine = typeof vm | typeof gone | undefined
const KEEPING: readonly (readonly [of: string, instance: Machine, machine: Machine, keeps: boolean])[] = [
  ['an instance alone', vm, undefined, true],
  ['an instance that lives, of a machine that goes', vm, gone, true],
  ['a machine that is stopped', undefined, vm, true],
  ['a machine that restarts', ofMachine, vm, true],
  ['an instance that has another owner besides', ofBoth, vm, true],
  ['both going', ofMachine, gone, false],
  ['an instance of something else', ofSet, vm, false],
  ['an instance that a machine only refers to', ofNotControlling, vm, false],
  ['an instance that goes, without a machine', gone, undefined, false],
  ['a machine that goes', undefined, gone, false],
  ['nothing there', undefined, undefined, false],
]
for (const [of, instance, machine, keeps] of KEEPING)
  t.test(`virtualMachineKeeps() of ${of} is ${keeps}`, async t =>
    t.strictSame(virtualMachineKeeps(instance, machine), keeps),
  )

const owner = (apiVersion: string, kind: string) => ({ apiVersion, kind, name: 'x' })
const NO_SETS = { ...ALL_FEATURES, statefulSet: false }
const NO_MACHINES = { ...ALL_FEATURES, kubevirt: false }
const [SET, INSTANCE] = ['StatefulSet', 'VirtualMachineInstance'] as const
const RETAINING_KINDS: readonly (readonly [
  apiVersion: string,
  kind: string,
  features: Features,
  retainedBy: string | undefined,
])[] = [
  ['apps/v1', SET, ALL_FEATURES, SET],
  ['apps/v1', SET, NO_MACHINES, SET],
  ['apps/v1', SET, NO_SETS, undefined],
  ['apps.kruise.io/v1', SET, ALL_FEATURES, undefined],
  ['kubevirt.io/v1', INSTANCE, ALL_FEATURES, INSTANCE],
  ['kubevirt.io/v1', INSTANCE, NO_SETS, INSTANCE],
  ['kubevirt.io/v1', INSTANCE, NO_MACHINES, undefined],
  ['apps/v1', 'Deployment', ALL_FEATURES, undefined],
]
for (const [apiVersion, kind, features, retainedBy] of RETAINING_KINDS) {
  const { statefulSet, kubevirt } = features
  const where = `${statefulSet ? '' : ' without StatefulSets'}${kubevirt ? '' : ' without machines'}`
  t.test(`retainingKindOf() ${apiVersion} ${kind}${where} is ${retainedBy}`, async t =>
    t.strictSame(retainingKindOf(owner(apiVersion, kind), features), retainedBy),
  )
  t.test(`retainingKindNamed() ${kind} of ${apiVersion}${where}`, async t =>
    // A record has only the kind; the API server knows whether there is such a StatefulSet.
    t.strictSame(retainingKindNamed(kind, features), apiVersion.includes('kruise') ? SET : retainedBy),
  )
}
