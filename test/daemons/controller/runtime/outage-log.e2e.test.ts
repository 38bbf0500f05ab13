// Two replicas and an API server that goes away: who acts and when; nothing is done twice or
// missed.
import t from 'tap'
import { startApiserver } from '../../../fixtures/apiserver.js'
import { eventually, startController } from '../../../fixtures/controller.js'
import { openHoldings, PODS } from '../../../fixtures/seed-allocations.js'
import { restOf } from '../../../fixtures/rest.js'

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/spiderpool-controller-leases'

interface RecordedEvent {
  readonly message: string
  readonly reportingInstance: string
}

t.test('the other replica takes over within twenty seconds of the leader’s kill and catches up', async t => {
  const server = await startApiserver({ args: ['--no-embedded-controller'] })
  const rest = restOf(server.kubeconfig)
  const a = await startController(server.kubeconfig, { name: 'a' })
  await a.said('started leading')
  const b = await startController(server.kubeconfig, { name: 'b' })
  t.teardown(async () => {
    await Promise.all([a.end('SIGKILL'), b.end('SIGKILL')])
    rest.close()
    await server.stop()
  })
  const { hold, must, addresses, status } = await openHoldings(rest, 'p')
  for (let at = 1; at <= 20; at++) await hold({ name: `pod-${at}`, address: `10.6.0.${at}` })
  t.ok(await eventually(async () => ((await status()).allocatedIPCount === 20 ? true : undefined)))
  t.equal((await b.health('readiness')).status, 200, 'who waits is ready too')
  t.match((await b.health('liveness')).text, /ok/)

  await a.end('SIGKILL')
  const began = Date.now()
  for (let at = 1; at <= 20; at++) await must('DELETE', `${PODS}/pod-${at}?gracePeriodSeconds=0`)
  const freed = await eventually(async () => ((await addresses()).length === 0 ? true : undefined), 25_000)
  t.ok(freed)
  t.ok(Date.now() - began < 22_000, `all free ${Date.now() - began} ms after the leader died`)
  await b.said('started leading', 1)
  const events = await eventually(async () => {
    const { items } = (await must('GET', '/api/v1/namespaces/default/events')) as {
      readonly items: readonly RecordedEvent[]
    }
    const found = items.filter(({ message }) => message.startsWith('reclaimed '))
    return found.length > 0 ? found : undefined
  })
  t.ok(
    events && events.length < 20 && events.every(({ reportingInstance }) => reportingInstance === 'b'),
    'recorded by one replica',
  )
  t.match(await b.metrics(), /^spiderpool_ip_gc_counts\{ippool="p"\} 20$/m)

  const c = await startController(server.kubeconfig, { name: 'c' })
  t.equal(await b.end('SIGTERM'), 0)
  await c.said('started leading', 5_000)
  t.match(await must('GET', LEASE), { spec: { holderIdentity: 'c' } }, 'given back, so taken at once')
  t.equal(await c.end('SIGTERM'), 0)
})

t.test('the controller catches up after an API server outage with lost history, without a restart', async t => {
  const server = await startApiserver({ killed: true, args: ['--no-embedded-controller', '--watch-history-max=5'] })
  const controller = await startController(server.kubeconfig, { name: 'a' })
  let rest = restOf(server.kubeconfig)
  t.teardown(async () => {
    await controller.end('SIGKILL')
    rest.close()
    await server.stop()
  })
  await controller.said('started leading')
  const { hold, must, addresses, status } = await openHoldings(rest, 'p')
  for (let at = 1; at <= 10; at++) await hold({ name: `pod-${at}`, address: `10.6.0.${at}` })
  t.ok(await eventually(async () => ((await status()).allocatedIPCount === 10 ? true : undefined)))

  await server.kill9()
  await controller.said('stopped leading', 15_000)
  t.equal((await controller.health('liveness')).status, 200, 'a restart would not help')
  await server.restart()
  rest = restOf(server.kubeconfig)
  const open = restOf(server.kubeconfig)
  // More events than the history holds, before the watches reconnect: they are answered 410 and
  // list again.
  for (let at = 1; at <= 4; at++) await open.ask('DELETE', `${PODS}/pod-${at}?gracePeriodSeconds=0`)
  for (let at = 0; at < 10; at++)
    await open.ask('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: `noise-${at}` } } })
  open.close()
  t.ok(await eventually(async () => ((await addresses()).length === 6 ? true : undefined), 30_000))
  t.ok(await eventually(async () => ((await status()).allocatedIPCount === 6 ? true : undefined)))
  await must('DELETE', `${PODS}/pod-5?gracePeriodSeconds=0`)
  t.ok(await eventually(async () => ((await addresses()).length === 5 ? true : undefined)))
  t.strictSame(
    controller.log.filter(({ level }) => level === 'ERROR'),
    [],
  )
})
