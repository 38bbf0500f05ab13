// The Event of a pod that gets no address: name, length, rate limit.
import t from 'tap'
import { eventOf, repeatEvent, type PodEventSpec } from '../../../../lib/ipam/store/event.js'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const spec: PodEventSpec = {
  ...{ pod: { namespace: 'default', name: 'p', uid: 'uid-p' }, node: 'n1', reason: 'FailedIPAllocation' },
  ...{ message: 'no address', about: 'no address', now: NOW },
}

t.test('eventOf() is a Warning of the pod, with seconds', async t => {
  const { metadata, ...event } = eventOf(spec)
  t.strictSame(event, {
    ...{ apiVersion: 'v1', kind: 'Event', type: 'Warning', reason: 'FailedIPAllocation', message: 'no address' },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'p', uid: 'uid-p' },
    source: { component: 'spiderpool', host: 'n1' },
    ...{ firstTimestamp: '2026-01-02T03:04:05Z', lastTimestamp: '2026-01-02T03:04:05Z', count: 1 },
  })
  t.strictSame(metadata.namespace, 'default')
  t.match(metadata.name, /^p\.[0-9a-f]{16}$/)
})

t.test('eventOf() omits an unknown node and UID', async t => {
  const { source, involvedObject } = eventOf({ ...spec, node: '', pod: { ...spec.pod, uid: '' } })
  t.strictSame([Object.keys(source), 'uid' in involvedObject], [['component'], false])
})

const names: readonly (readonly [of: string, more: Partial<PodEventSpec>, isSame: boolean])[] = [
  ['another message of one matter', { message: 'another' }, true],
  ['another time', { now: NOW + 1 }, true],
  ['another node', { node: 'n2' }, true],
  ['another matter', { about: 'another' }, false],
  ['another reason', { reason: 'IPConflict' }, false],
  ['another pod of the name', { pod: { ...spec.pod, uid: 'uid-new' } }, false],
]
for (const [of, more, isSame] of names)
  t.test(`eventOf() has ${isSame ? 'one name' : 'two names'} for ${of}`, async t =>
    t.strictSame(eventOf({ ...spec, ...more }).metadata.name === eventOf(spec).metadata.name, isSame),
  )

for (const [length, is] of [
  [235, 252],
  [236, 253],
  [253, 253],
] as const)
  t.test(`eventOf() has a name of ${is} for a pod whose name has ${length}`, async t => {
    const { name } = eventOf({ ...spec, pod: { ...spec.pod, name: 'x'.repeat(length) } }).metadata
    t.strictSame([name.length, /^x+\.[0-9a-f]{16}$/.test(name)], [is, true])
  })

for (const length of [1023, 1024, 1025, 5000])
  t.test(`eventOf() truncates a message of ${length} characters to 1024`, async t => {
    const { message } = eventOf({ ...spec, message: 'x'.repeat(length) })
    t.strictSame([message.length, message.endsWith('…')], [Math.min(length, 1024), length > 1024])
  })

const again: readonly (readonly [afterMs: number, isUpdated: boolean])[] = [
  [0, false],
  [59_000, false],
  [60_000, true],
  [3_600_000, true],
  [-59_000, false],
  [-60_000, true],
]
for (const [afterMs, isUpdated] of again)
  t.test(`repeatEvent() after ${afterMs / 1000} s: ${isUpdated}`, async t => {
    const now = eventOf({ ...spec, message: 'now', now: NOW + afterMs })
    const is = isUpdated ? { count: 8, lastTimestamp: now.lastTimestamp, message: 'now' } : undefined
    t.strictSame(repeatEvent({ ...eventOf(spec), count: 7 }, now), is)
  })
