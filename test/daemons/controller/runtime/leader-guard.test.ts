// guarded(): every write is checked before it is sent and before each retry.
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
  t.test(`guarded() ${verb} sends nothing without the lease`, async t => {
    const w = await world([json(200, named('n1'))])
    t.teardown(() => w.close())
    const writes: string[] = []
    const kube = guarded(w.kube, { isLeading: () => false, onWrite: verb => writes.push(verb) })
    await t.rejects(write(kube), { message: /the lease is not held any more/ })
    t.strictSame([w.seen.length, writes], [0, []])
  })

  t.test(`guarded() ${verb} does not retry after the lease is lost`, async t => {
    const w = await world([busy])
    t.teardown(() => w.close())
    const writes: string[] = []
    const kube = guarded(w.kube, { isLeading: () => w.seen.length < 2, onWrite: verb => writes.push(verb) })
    await t.rejects(write(kube), { message: /TooManyRequests/ })
    t.strictSame([w.seen.length, writes], [2, [verb]])
  })

  t.test(`guarded() ${verb} retries with the lease`, async t => {
    const w = await world([busy, busy, json(200, named('n1'))])
    t.teardown(() => w.close())
    await write(guarded(w.kube, { isLeading: () => true, onWrite: () => undefined }))
    t.equal(w.seen.length, 3)
  })
}

t.test('guarded() reads without the lease', async t => {
  const w = await world([busy, json(200, named('n1'))])
  t.teardown(() => w.close())
  t.match(await guarded(w.kube, { isLeading: () => false, onWrite: () => undefined }).get(NODES, { name: 'n1' }), node)
  t.equal(w.seen.length, 2)
})
