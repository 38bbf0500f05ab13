// Identity, liveness and top controller of a pod.
import t from 'tap'
import type { OwnerReference, Pod } from '../../../../lib/crd/types.js'
import { isAlive, isMirror, isOfPod, topController, uidOf } from '../../../../lib/ipam/store/pod.js'
import { Memory } from '../../../fixtures/memory.js'

const MIRROR = 'kubernetes.io/config.mirror'
const pod = (metadata: Partial<Pod['metadata']> = {}, rest: Omit<Pod, 'metadata'> = {}): Pod => ({
  metadata: { namespace: 'default', name: 'p', uid: 'uid-p', ...metadata },
  ...rest,
})
const mirror = pod({ annotations: { [MIRROR]: 'uid-static' } })
const uids: readonly (readonly [of: string, pod: Pod | undefined, uid: string, isMirror: boolean])[] = [
  ['a pod', pod(), 'uid-p', false],
  ['a mirror pod', mirror, 'uid-static', true],
  ['a pod without a UID', { metadata: { name: 'p' } }, '', false],
  ['no pod', undefined, '', false],
]
for (const [of, object, uid, is] of uids)
  t.test(`uidOf() and isMirror() of ${of}`, async t => {
    t.strictSame([uidOf(object), object !== undefined && isMirror(object)], [uid, is])
  })

t.test('isOfPod() accepts both UIDs of a mirror pod', async t => {
  t.strictSame(
    ['uid-p', 'uid-static', 'x', ''].map(uid => isOfPod(uid, mirror)),
    [true, true, false, false],
  )
  t.strictSame(
    ['uid-p', 'uid-static'].map(uid => isOfPod(uid, pod())),
    [true, false],
  )
})

type Rest = Omit<Pod, 'metadata'>
const ended = (phase: string, restartPolicy?: string, reason?: string): Rest => ({
  spec: { ...(restartPolicy !== undefined && { restartPolicy }) },
  status: { phase, ...(reason !== undefined && { reason }) },
})
const lives: readonly (readonly [of: string, metadata: Partial<Pod['metadata']>, rest: Rest, is: boolean])[] = [
  ['a pod without a status', {}, {}, true],
  ['a pod that runs', {}, ended('Running', 'Never'), true],
  ['a pod that is being deleted', { deletionTimestamp: 'x' }, ended('Running'), false],
  ['a pod that succeeded, restarted always', {}, ended('Succeeded', 'Always'), true],
  ['a pod that succeeded, restarted by default', {}, ended('Succeeded'), true],
  ['a pod that succeeded, restarted on failure', {}, ended('Succeeded', 'OnFailure'), false],
  ['a pod that succeeded, never restarted', {}, ended('Succeeded', 'Never'), false],
  ['a pod that failed, restarted on failure', {}, ended('Failed', 'OnFailure'), true],
  ['a pod that failed, restarted by default', {}, ended('Failed'), true],
  ['a pod that failed, never restarted', {}, ended('Failed', 'Never'), false],
  ['a pod that was evicted', {}, ended('Failed', 'Always', 'Evicted'), false],
  ['a pod that fails without a spec', {}, { status: { phase: 'Failed' } }, true],
]
for (const [of, metadata, rest, is] of lives)
  t.test(`isAlive() of ${of} is ${is}`, async t => t.strictSame(isAlive(pod(metadata, rest)), is))

const ref = (apiVersion: string, kind: string, name: string, controller = true): OwnerReference => ({
  ...{ apiVersion, kind, name, uid: `uid-${name}`, controller },
})
const HASH = { labels: { 'pod-template-hash': 'abc' } }
const SET = ref('apps/v1', 'ReplicaSet', 'web-abc')
interface Row {
  readonly of: string
  readonly refs: readonly OwnerReference[]
  readonly metadata?: Partial<Pod['metadata']>
  readonly withUid?: boolean
  /** The controller of the ReplicaSet or Job. */
  readonly above?: OwnerReference
  /** `apiVersion kind name uid` */
  readonly is: string
  readonly reads: number
}
const rows: readonly Row[] = [
  { of: 'a bare pod', refs: [], is: 'v1 Pod p uid-p', reads: 0 },
  {
    of: 'a pod with an owner that does not control it',
    refs: [ref('v1', 'ConfigMap', 'c', false)],
    is: 'v1 Pod p uid-p',
    reads: 0,
  },
  {
    of: 'a StatefulSet pod',
    refs: [ref('apps/v1', 'StatefulSet', 'db')],
    is: 'apps/v1 StatefulSet db uid-db',
    reads: 0,
  },
  { of: "a Deployment's pod", refs: [SET], metadata: HASH, is: 'apps/v1 Deployment web ', reads: 0 },
  {
    ...{ of: "a Deployment's pod whose UID is asked for", refs: [SET], metadata: HASH, withUid: true },
    ...{ above: ref('apps/v1', 'Deployment', 'web'), is: 'apps/v1 Deployment web uid-web', reads: 1 },
  },
  {
    ...{ of: "a Deployment's pod without the hash", refs: [SET], above: ref('apps/v1', 'Deployment', 'web') },
    ...{ is: 'apps/v1 Deployment web uid-web', reads: 1 },
  },
  {
    ...{
      of: 'a ReplicaSet of another name than its hash',
      refs: [ref('apps/v1', 'ReplicaSet', 'own')],
      metadata: HASH,
    },
    ...{ is: 'apps/v1 ReplicaSet own uid-own', reads: 1 },
  },
  {
    ...{ of: 'a ReplicaSet of a foreign controller', refs: [SET], above: ref('argoproj.io/v1', 'Rollout', 'web') },
    ...{ is: 'apps/v1 ReplicaSet web-abc uid-web-abc', reads: 1 },
  },
  {
    ...{ of: 'a Job of a CronJob', refs: [ref('batch/v1', 'Job', 'j-1')], above: ref('batch/v1', 'CronJob', 'j') },
    ...{ is: 'batch/v1 CronJob j uid-j', reads: 1 },
  },
  {
    of: 'a Job whose name ends in the hash',
    refs: [ref('batch/v1', 'Job', 'j-abc')],
    metadata: HASH,
    is: 'batch/v1 Job j-abc uid-j-abc',
    reads: 1,
  },
  { of: 'a Job of another group', refs: [ref('x/v1', 'Job', 'j')], is: 'x/v1 Job j uid-j', reads: 0 },
]
for (const { of, refs, metadata, withUid = false, above, is, reads } of rows)
  t.test(`topController() of ${of}`, async t => {
    const memory = new Memory()
    const [first] = refs
    if (above && first) memory.owners.set(`${first.kind} default/${first.name}`, above)
    const { apiVersion, kind, name, uid } = await topController(
      pod({ ownerReferences: refs, ...metadata }),
      memory.direct(),
      { withUid },
    )
    t.strictSame([`${apiVersion} ${kind} ${name} ${uid}`, memory.calls.length], [is, reads])
  })
