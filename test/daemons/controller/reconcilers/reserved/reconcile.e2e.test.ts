// Allocated addresses that a SpiderReservedIP covers, reported by the controller as a process.
import t from 'tap'
import { startApiserver } from '../../../../fixtures/apiserver.js'
import { SPIDER } from '../../../../fixtures/cluster.js'
import { eventually, startController } from '../../../../fixtures/controller.js'
import { openHoldings } from '../../../../fixtures/seed-allocations.js'
import { restOf } from '../../../../fixtures/rest.js'

const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller'] })
const rest = restOf(server.kubeconfig)
const { hold, must } = await openHoldings(rest, 'reserving')
const controller = await startController(server.kubeconfig, { name: 'c1' })
t.teardown(async () => {
  await controller.end('SIGTERM')
  rest.close()
  await server.stop()
})

interface Event {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly kind: string; readonly name: string }
}
const RESERVED = `${SPIDER}/spiderreservedips`
const reserve = (name: string, ips: readonly string[]): Promise<unknown> =>
  must('POST', RESERVED, {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderReservedIP', metadata: { name } },
    spec: { ips },
  })
const eventsOn = async (kind: string, name: string): Promise<readonly Event[]> =>
  ((await must('GET', '/api/v1/namespaces/default/events')) as { readonly items: readonly Event[] }).items.filter(
    ({ involvedObject, reason }) =>
      involvedObject.kind === kind && involvedObject.name === name && reason === 'ReservedAddressAllocated',
  )
const warned = (kind: string, name: string): Promise<Event | undefined> =>
  eventually(async () => (await eventsOn(kind, name))[0])
const gauge = (name: string, value: number): Promise<true | undefined> =>
  eventually(async () => {
    const text = await controller.metrics()
    return text.includes(`spiderpool_reserved_allocated_ip_counts{reservedip="${name}"} ${value}\n`) ? true : undefined
  })

t.test('an address reserved after its allocation is counted and gets a Warning Event on both objects', async t => {
  await hold({ name: 'early', address: '10.6.0.20' })
  await reserve('later', ['10.6.0.20-10.6.0.29'])
  const onReserved = await warned('SpiderReservedIP', 'later')
  t.equal(onReserved?.type, 'Warning')
  t.match(onReserved?.message, 'covers the allocated address 10.6.0.20 of pod default/early')
  t.match((await warned('Pod', 'early'))?.message, 'is reserved by SpiderReservedIP later')
  t.ok(await gauge('later', 1))
})

t.test('an ADD that missed the reservation gets the same Events, once', async t => {
  await reserve('before', ['10.6.0.40-10.6.0.49'])
  t.ok(await gauge('before', 0))
  await hold({ name: 'missed', address: '10.6.0.40' })
  t.match((await warned('SpiderReservedIP', 'before'))?.message, 'default/missed')
  t.match((await warned('Pod', 'missed'))?.message, '10.6.0.40/16')
  await hold({ name: 'missed-too', address: '10.6.0.41' })
  t.ok(await warned('Pod', 'missed-too'))
  t.ok(await gauge('before', 2))
  t.equal((await eventsOn('Pod', 'missed')).length, 1)
  await must('DELETE', `${SPIDER}/spideripaddresses/10.6.0.40`)
  await must('DELETE', `${RESERVED}/later`)
  t.ok(await gauge('before', 1), 'a released address counts no more')
  t.notOk((await controller.metrics()).includes('reservedip="later"'), 'nor does a deleted reservation')
})
