// Whose addresses outlive a pod.
import t from 'tap'
import {
  ALL_FEATURES,
  keeperOf,
  ordinalOf,
  statefulSetKeeps,
  virtualMachineKeeps,
  type StatefulSet,
} from '../../../lib/ipam/retention.js'

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
  t.test(`${says}: ${pod} ${keeps ? 'keeps its address' : 'does not'}`, async t =>
    t.equal(statefulSetKeeps(pod, object), keeps),
  )

t.test('an ordinal follows the last dash', async t => {
  t.strictSame(ordinalOf('a-1-02'), { set: 'a-1', ordinal: 2 })
  t.equal(ordinalOf('a-b'), undefined)
})

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
t.test('a virtual machine keeps its address while it lives or will be started again', async t => {
  t.equal(virtualMachineKeeps(vm, undefined), true, 'an instance alone')
  t.equal(virtualMachineKeeps(undefined, vm), true, 'a machine that is stopped')
  t.equal(virtualMachineKeeps(ofMachine, vm), true, 'a machine that restarts')
  t.equal(virtualMachineKeeps(ofMachine, gone), false, 'both going')
  t.equal(virtualMachineKeeps(ofSet, vm), false, 'an instance of something else')
  t.equal(virtualMachineKeeps(undefined, undefined), false, 'nothing there')
})

t.test('only StatefulSets and instances keep, and only where the feature is on', async t => {
  const sts = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }
  const foreign = { apiVersion: 'apps.kruise.io/v1', kind: 'StatefulSet', name: 'web' }
  const vmi = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'v' }
  t.equal(keeperOf(sts, ALL_FEATURES), 'StatefulSet')
  t.equal(keeperOf(sts, { ...ALL_FEATURES, statefulSet: false }), undefined)
  t.equal(keeperOf(foreign, ALL_FEATURES), undefined)
  t.equal(keeperOf(vmi, ALL_FEATURES), 'VirtualMachineInstance')
  t.equal(keeperOf(vmi, { ...ALL_FEATURES, kubevirt: false }), undefined)
})
