// Whether release releases, by the holder and by its pod.
import t from 'tap'
import { releaseVerdict } from '../../../cmd/ctl/release/decide.js'
import { IPAM_LABEL_POD_UID, LABEL_CONFLICT } from '../../../lib/crd/names.js'
import type { Pod, SpiderIPAddress } from '../../../lib/crd/types.js'

const address = (owner: string, more: { readonly quarantined?: true } = {}): SpiderIPAddress => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPAddress',
  metadata: {
    name: '10.0.0.5',
    labels: more.quarantined ? { [IPAM_LABEL_POD_UID]: '', [LABEL_CONFLICT]: '0a-00-00-00-00-01' } : {},
  },
  spec: {
    ...{ address: '10.0.0.5/24', ipVersion: 4, pool: 'p', nic: 'eth0', node: 'n1', containerID: 'c' },
    pod: more.quarantined ? { namespace: '', name: '', uid: '' } : { namespace: 'default', name: 'a', uid: 'u1' },
    owner: { apiVersion: 'apps/v1', kind: owner, name: 'w' },
  },
})
const pod = (uid: string, phase: string, deletionTimestamp?: string): Pod => ({
  metadata: { name: 'a', namespace: 'default', uid, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
  spec: { restartPolicy: 'Never' },
  status: { phase },
})
const now = '2026-12-01T00:00:00Z'

const CASES = [
  ['no pod', address('Deployment'), undefined, 'released', 'released'],
  ['a newer pod of the name', address('Deployment'), pod('u2', 'Running'), 'released', 'released'],
  ['a running pod', address('Deployment'), pod('u1', 'Running'), 'refused', 'refused'],
  ['a pod that starts', address('Deployment'), pod('u1', 'Pending'), 'refused', 'refused'],
  ['a terminating pod', address('Deployment'), pod('u1', 'Running', now), 'refused', 'refused'],
  ['a pod that has ended', address('Job'), pod('u1', 'Succeeded'), 'refused', 'released'],
  ['a StatefulSet without the pod', address('StatefulSet'), undefined, 'refused', 'released'],
  ['a StatefulSet with the pod', address('StatefulSet'), pod('u1', 'Running'), 'refused', 'refused'],
  ['a quarantined address', address('Deployment', { quarantined: true }), undefined, 'refused', 'released'],
] as const

t.test('releaseVerdict() releases no address that a pod may use, with --force or without', async t => {
  const outcome = (object: SpiderIPAddress, of: Pod | undefined, force: boolean): string =>
    releaseVerdict(object, of, { force }).kind === 'release' ? 'released' : 'refused'
  for (const [name, object, of, without, forced] of CASES) {
    t.equal(outcome(object, of, false), without, name)
    t.equal(outcome(object, of, true), forced, `${name}, --force`)
  }
})
