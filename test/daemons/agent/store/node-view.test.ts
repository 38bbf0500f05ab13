// What the agent believes: streams that are silent, own writes before and after their event, pods
// that are gone, what is kept of an object.
import t from 'tap'
import { SILENCE_MS_MAX, Streams } from '../../../../daemons/agent/store/cache.js'
import { slimPod, slimPool } from '../../../../daemons/agent/store/sources.js'
import { ECHO_MS_MAX, NodeView, OwnObjects } from '../../../../daemons/agent/store/node-view.js'
import { nodeLabelOf } from '../../../../lib/ipam/allocation/node-name-label.js'
import type { SpiderIPAddress } from '../../../../lib/crd/types.js'
import { poolObject } from '../../../fixtures/memory.js'

const clock = () => {
  let ms = 0
  return { now: (): number => ms, pass: (by: number): void => void (ms += by) }
}

t.test('Streams: a watch is believed while it is open and heard', async t => {
  const { now, pass } = clock()
  const streams = new Streams(now)
  const source = {}
  t.notOk(streams.isAlive(source), 'not before it is open')
  streams.note(source, 'open')
  pass(SILENCE_MS_MAX)
  t.ok(streams.isAlive(source), 'up to its bookmark interval and a half')
  pass(1)
  t.notOk(streams.isAlive(source), 'not when it is silent for longer')
  streams.note(source, 'heard')
  t.ok(streams.isAlive(source), 'again with an event')
  streams.note(source, 'broken')
  t.notOk(streams.isAlive(source), 'not while it is broken')
  streams.note(source, 'open')
  t.ok(streams.isAlive(source))
})

const address = (uid: string, resourceVersion: string, containerID = 'c1'): SpiderIPAddress => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPAddress',
  metadata: { name: '10.1.0.5', uid, resourceVersion },
  spec: {
    ...{ address: '10.1.0.5/24', ipVersion: 4, pool: 'p', nic: 'eth0', node: 'n1', containerID },
    ...{ pod: { namespace: 'default', name: 'a', uid: 'u1' }, owner: { apiVersion: 'v1', kind: 'Pod', name: 'a' } },
  },
})

t.test('OwnObjects: an own write is seen at once, and no older event undoes it', async t => {
  const { now, pass } = clock()
  const objects = new OwnObjects<SpiderIPAddress>(now)
  const container = (): string | undefined => objects.get('10.1.0.5')?.spec.containerID
  objects.wrote(address('x', '1', 'c1'))
  t.equal(container(), 'c1')
  objects.wrote(address('x', '2', 'c2'))
  objects.changed({ object: address('x', '1', 'c1'), previous: undefined })
  t.equal(container(), 'c2', 'the event of the first write is older than the second')
  pass(ECHO_MS_MAX)
  t.notOk(objects.isLagging())
  pass(1)
  t.ok(objects.isLagging(), 'the second write has not come back in time')
  objects.changed({ object: address('x', '2', 'c2'), previous: undefined })
  t.notOk(objects.isLagging())
  objects.deleted(address('x', '2', 'c2'))
  objects.changed({ object: address('x', '2', 'c2'), previous: undefined })
  t.equal(container(), undefined, 'a late event does not bring back what was deleted')
  objects.wrote(address('y', '3', 'c3'))
  objects.changed({ object: undefined, previous: address('x', '2', 'c2') })
  t.equal(container(), 'c3', 'the deletion is of the object before')
})

t.test('NodeView: what was found taken is passed over for half a minute', async t => {
  const { now, pass } = clock()
  const view = new NodeView(now)
  const { metadata, ...rest } = address('', '')
  view.taken({ ...rest, metadata: { ...metadata, labels: { 'ipam.spidernet.io/ippool-uid': 'pool' } } })
  t.strictSame(view.heldIn('pool'), [{ name: '10.1.0.5', podUid: '' }])
  t.strictSame(view.heldIn('other'), [])
  pass(30_001)
  t.strictSame(view.heldIn('pool'), [])
})

t.test('slimPool() keeps that there is a text, not the text', async t => {
  const status = { allocatedIPs: '{"10.1.0.1":{}}', allocatedIPsProjected: true, allocatedIPCount: 1 }
  t.match(slimPool(poolObject('p', {}, { status })).status, { ...status, allocatedIPs: '' })
  t.equal(slimPool(poolObject('p')).status?.allocatedIPs, undefined)
})

t.test('slimPod() keeps what decides, not containers nor the status of Multus', async t => {
  const pod = {
    metadata: {
      ...{ namespace: 'd', name: 'a', uid: 'u', resourceVersion: '1', managedFields: [1] },
      annotations: { 'k8s.v1.cni.cncf.io/network-status': 'long', 'ipam.spidernet.io/ippool': '{}' },
    },
    spec: { nodeName: 'n1', containers: [{ name: 'c' }] },
    status: { phase: 'Running', podIPs: [{ ip: '10.1.0.5' }], containerStatuses: [] },
  }
  t.strictSame(slimPod(pod), {
    metadata: {
      ...{ name: 'a', namespace: 'd', uid: 'u', resourceVersion: '1' },
      annotations: { 'ipam.spidernet.io/ippool': '{}' },
    },
    spec: { nodeName: 'n1' },
    status: { phase: 'Running', podIPs: [{ ip: '10.1.0.5' }] },
  })
})

t.test('nodeLabelOf(): a value of at most 63 characters, different for different names', async t => {
  t.equal(nodeLabelOf('n1'), 'n1')
  const [one, other] = [nodeLabelOf(`${'n'.repeat(63)}.a`), nodeLabelOf(`${'n'.repeat(63)}.b`)]
  t.equal(one.length, 63)
  t.not(one, other)
  t.match(one, /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)
})
