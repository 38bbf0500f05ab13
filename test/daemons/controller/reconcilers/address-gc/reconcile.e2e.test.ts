// Address GC by the controller as a process: what it releases, keeps and reports.
import t from 'tap'
import { startApiserver } from '../../../../fixtures/apiserver.js'
import { eventually, startController } from '../../../../fixtures/controller.js'
import { ENDPOINTS, openHoldings, PODS } from '../../../../fixtures/seed-allocations.js'
import { restOf } from '../../../../fixtures/rest.js'

const server = await startApiserver()
const rest = restOf(server.kubeconfig)
t.teardown(async () => {
  rest.close()
  await server.stop()
})

const SETS = '/apis/apps/v1/namespaces/default/statefulsets'
const setObject = (name: string, replicas: number): object => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name },
  spec: {
    replicas,
    serviceName: name,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
})

const holdings = await openHoldings(rest, 'reclaimed')
const { hold, must, addresses } = holdings
const isFree = (address: string) => async (): Promise<true | undefined> =>
  (await addresses()).includes(address) ? undefined : true
const gone = (name: string): Promise<unknown> => must('DELETE', `${PODS}/${name}?gracePeriodSeconds=0`)

t.test('address GC after a start releases what became due meanwhile, and nothing else', async t => {
  const set = (await must('POST', SETS, setObject('web', 2))) as { readonly metadata: { readonly uid: string } }
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: set.metadata.uid }
  const ended = { terminationGracePeriodSeconds: 1, restartPolicy: 'Never' }
  await hold({ name: 'lives', address: '10.6.0.1', status: { phase: 'Running', podIPs: [{ ip: '10.6.0.1' }] } })
  await hold({ name: 'pends', address: '10.6.0.2' })
  await hold({ name: 'gone', address: '10.6.0.3' })
  await hold({ name: 'done', address: '10.6.0.4', spec: ended, status: { phase: 'Succeeded' } })
  await hold({ name: 'evicted', address: '10.6.0.5', spec: ended, status: { phase: 'Failed', reason: 'Evicted' } })
  await hold({ name: 'web-0', address: '10.6.0.10', owner, isRetained: true })
  await hold({ name: 'web-1', address: '10.6.0.11', owner, isRetained: true })
  await hold({ name: 'web-2', address: '10.6.0.12', owner, isRetained: true })
  for (const name of ['gone', 'web-1', 'web-2']) await gone(name)
  await must('POST', PODS, { metadata: { name: 'replaced' }, spec: { containers: [{ name: 'c', image: 'i' }] } })

  const controller = await startController(server.kubeconfig, { name: 'c1' })
  t.teardown(() => controller.end('SIGTERM'))
  for (const address of ['10.6.0.3', '10.6.0.4', '10.6.0.5', '10.6.0.12'])
    t.ok(await eventually(isFree(address)), `${address} is free`)
  t.strictSame([...(await addresses())].sort(), ['10.6.0.1', '10.6.0.10', '10.6.0.11', '10.6.0.2'])
  const records = (): Promise<readonly string[]> =>
    must('GET', ENDPOINTS).then(list =>
      (list as { readonly items: readonly { metadata: { name: string } }[] }).items.map(
        ({ metadata }) => metadata.name,
      ),
    )
  t.ok(await eventually(async () => ((await records()).length === 4 ? true : undefined)))
  t.strictSame([...(await records())].sort(), ['lives', 'pends', 'web-0', 'web-1'], 'records go with what they name')
  t.match(
    await eventually(async () => ((await holdings.status()).allocatedIPCount === 4 ? holdings.status() : undefined)),
    {
      allocatedIPCount: 4,
      totalIPCount: 200,
    },
  )

  t.test('each released address has an Event, a log line and a count', async t => {
    const events = await eventually(async () => {
      const { items } = (await must('GET', '/api/v1/namespaces/default/events')) as {
        readonly items: readonly { reason: string; message: string; involvedObject: { name: string } }[]
      }
      return items.length >= 3 ? items : undefined
    })
    const of = (reason: string): string | undefined => events?.find(one => one.reason === reason)?.message
    t.match(of('ReclaimedPodGone'), /10\.6\.0\.3\/16 of pod default\/gone/)
    t.match(of('ReclaimedOwnerGone'), /10\.6\.0\.12\/16 of pod default\/web-2/)
    t.match(of('ReclaimedPodFinished'), /10\.6\.0\.4-10\.6\.0\.5/)
    t.match(await controller.metrics(), /^spiderpool_ip_gc_counts\{ippool="reclaimed"\} 4$/m)
    t.match(await controller.metrics(), /^spiderpool_debug_ippool_available_ip_counts\{ippool="reclaimed"\} 196$/m)
    t.equal(controller.log.filter(({ msg }) => msg.startsWith('reclaimed ')).length, 4)
  })

  t.test('address GC releases addresses of a StatefulSet that is scaled down or deleted', async t => {
    await must('PUT', `${SETS}/web`, setObject('web', 1))
    t.ok(await eventually(isFree('10.6.0.11')))
    await gone('web-0')
    await new Promise(resolve => setTimeout(resolve, 2_500))
    t.ok((await addresses()).includes('10.6.0.10'), 'kept for the next web-0')
    await must('DELETE', `${SETS}/web`)
    t.ok(await eventually(isFree('10.6.0.10')))
  })

  t.test('address GC releases a finished pod’s address soon after its grace period', async t => {
    await hold({ name: 'graced', address: '10.6.0.6', spec: { ...ended, terminationGracePeriodSeconds: 3 } })
    const pod = (await must('GET', `${PODS}/graced`)) as object
    await must('PUT', `${PODS}/graced/status`, { ...pod, status: { phase: 'Failed' } })
    const began = Date.now()
    await new Promise(resolve => setTimeout(resolve, 2_000))
    t.ok((await addresses()).includes('10.6.0.6'))
    t.ok(await eventually(isFree('10.6.0.6')))
    t.ok(Date.now() - began >= 2_900 && Date.now() - began < 5_500, `freed after ${Date.now() - began} ms`)
  })

  t.test('address GC keeps an address whose ADD may be running, its pod alive or gone', async t => {
    await hold({ name: 'young', address: '10.6.0.20', isRecorded: false })
    await hold({ name: 'orphan', address: '10.6.0.21', isRecorded: false })
    await gone('orphan')
    await new Promise(resolve => setTimeout(resolve, 3_000))
    t.strictSame([...(await addresses())].sort(), ['10.6.0.1', '10.6.0.2', '10.6.0.20', '10.6.0.21'])
  })
})

t.test('SPIDERPOOL_GC_IP_ENABLED=false releases nothing', async t => {
  const own = await openHoldings(rest, 'left', 1)
  const controller = await startController(server.kubeconfig, {
    name: 'c2',
    env: { SPIDERPOOL_GC_IP_ENABLED: 'false' },
  })
  t.teardown(() => controller.end('SIGTERM'))
  await controller.said('started leading', 20_000)
  await own.hold({ name: 'off', address: '10.6.1.150' })
  await gone('off')
  t.ok(await eventually(async () => ((await own.status()).allocatedIPCount === 1 ? true : undefined)))
  await new Promise(resolve => setTimeout(resolve, 3_000))
  t.strictSame(await own.addresses(), ['10.6.1.150'])
})
