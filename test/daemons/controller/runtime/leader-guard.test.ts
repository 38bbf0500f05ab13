// The leader's client: every verb that writes is asked whether it may, before it is sent and before it is sent again.
import t from 'tap'
import { guarded } from '../../../../daemons/controller/runtime/leader-guard.js'
import type { Kube } from '../../../../lib/kube/client.js'
import { NODES } from '../../../../lib/kube/kinds.js'
import { failure, json, named, world } from '../../../lib/kube/world.js'

const busy = failure(429, 'TooManyRequests')
const node = { metadata: { name: 'n1' } }
const WRITES: readonly (readonly [verb: string, write: (kube: Kube) => Promise<unknown>])[] = [
  ['create', kube => kube.create(NODES, node)],
  ['update', kube => kube.replace(NODES, node)],
  ['update', kube => kube.replaceStatus(NODES, node)],
  ['patch', kube => kube.patch(NODES, { name: 'n1' }, {}, 'merge')],
  ['patch', kube => kube.patch(NODES, { name: 'n1' }, {}, 'apply')],
  ['delete', kube => kube.delete(NODES, { name: 'n1' }, { uid: 'u' })],
]

for (const [verb, write] of WRITES) {
  t.test(`${verb}: without the lease nothing is sent`, async t => {
    const w = await world([json(200, named('n1'))])
    t.teardown(() => w.close())
    const told: string[] = []
    const kube = guarded(w.kube, { isLeading: () => false, onWrite: verb => told.push(verb) })
    await t.rejects(write(kube), { message: /the lease is not held any more/ })
    t.strictSame([w.seen.length, told], [0, []])
  })

  t.test(`${verb}: whose lease ends while the server is busy does not try again`, async t => {
    const w = await world([busy])
    t.teardown(() => w.close())
    const told: string[] = []
    const kube = guarded(w.kube, { isLeading: () => w.seen.length < 2, onWrite: verb => told.push(verb) })
    await t.rejects(write(kube), { message: /TooManyRequests/ })
    t.strictSame([w.seen.length, told], [2, [verb]])
  })

  t.test(`${verb}: with the lease it is tried again`, async t => {
    const w = await world([busy, busy, json(200, named('n1'))])
    t.teardown(() => w.close())
    await write(guarded(w.kube, { isLeading: () => true, onWrite: () => undefined }))
    t.equal(w.seen.length, 3)
  })
}

t.test('reading needs no lease', async t => {
  const w = await world([busy, json(200, named('n1'))])
  t.teardown(() => w.close())
  t.match(await guarded(w.kube, { isLeading: () => false, onWrite: () => undefined }).get(NODES, { name: 'n1' }), node)
  t.equal(w.seen.length, 2)
})
