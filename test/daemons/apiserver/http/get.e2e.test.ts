// Lists and watches over HTTPS: selectors, consistent pages, forms, bookmarks, compaction.
import t from 'tap'
import { startApiserver } from '../../../fixtures/apiserver.js'
import { restOf, type Answer, type Body, type WatchEvent } from '../../../fixtures/rest.js'

const server = await startApiserver()
const api = restOf(server.kubeconfig)
const ns = `reading-${process.pid}`
const MAPS = `/api/v1/namespaces/${ns}/configmaps`
const PODS = `/api/v1/namespaces/${ns}/pods`
const MERGE = { 'content-type': 'application/merge-patch+json' }

await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: ns } } })
t.teardown(async () => {
  await api.ask('DELETE', `/api/v1/namespaces/${ns}`)
  api.close()
  await server.stop()
})

const itemsOf = ({ body }: Answer): readonly Body[] => (body['items'] ?? []) as unknown as readonly Body[]
const namesOf = (answer: Answer): readonly string[] => itemsOf(answer).map(item => String(item['metadata']?.['name']))
const versionOf = ({ body }: Answer): string => String(body['metadata']?.['resourceVersion'])
const eventText = (event: WatchEvent | undefined): string =>
  `${event?.type ?? 'nothing'} ${String(event?.object['metadata']?.['name'])}`

const create = (name: string, labels: object = {}): Promise<Answer> =>
  api.ask('POST', MAPS, { body: { metadata: { name, labels }, data: {} } })

t.test('LIST filters by label and field selectors', async t => {
  await create('a1', { app: 'a', tier: '1' })
  await create('a2', { app: 'a', tier: '2' })
  await create('b1', { app: 'b', tier: '1' })
  await create('none')
  const ours = ['a1', 'a2', 'b1', 'none']
  const CASES: readonly (readonly [query: string, names: readonly string[]])[] = [
    ['labelSelector=app=a', ['a1', 'a2']],
    ['labelSelector=app==a,tier=2', ['a2']],
    ['labelSelector=app!=a', ['b1', 'none']],
    ['labelSelector=app in (a,b),tier notin (2)', ['a1', 'b1']],
    ['labelSelector=app', ['a1', 'a2', 'b1']],
    ['labelSelector=!app', ['none']],
    ['labelSelector=tier>1', ['a2']],
    ['fieldSelector=metadata.name=b1', ['b1']],
    ['fieldSelector=metadata.name!=b1,metadata.namespace=' + ns, ['a1', 'a2', 'none']],
  ]
  for (const [query, names] of CASES) {
    const answer = await api.ask('GET', `${MAPS}?${query.replaceAll(' ', '%20').replaceAll('>', '%3E')}`)
    t.strictSame(
      namesOf(answer).filter(name => ours.includes(name)),
      names,
      query,
    )
  }
  t.equal((await api.ask('GET', `${MAPS}?fieldSelector=data.a=1`)).status, 400, 'a field that cannot be selected')
  t.equal((await api.ask('GET', `${MAPS}?labelSelector=a%20b%20c`)).status, 400, 'no selector')
})

t.test('LIST of pods filters by spec.nodeName and status.phase', async t => {
  for (const [name, nodeName] of [
    ['p1', 'n1'],
    ['p2', 'n2'],
  ])
    await api.ask('POST', PODS, {
      body: { metadata: { name }, spec: { nodeName, containers: [{ name: 'c', image: 'i' }] } },
    })
  t.strictSame(namesOf(await api.ask('GET', `${PODS}?fieldSelector=spec.nodeName=n1`)), ['p1'])
  t.strictSame(namesOf(await api.ask('GET', `${PODS}?fieldSelector=status.phase=Pending`)), ['p1', 'p2'])
  await api.ask('PATCH', `${PODS}/p2/status`, { headers: MERGE, body: { status: { phase: 'Running' } } })
  t.strictSame(namesOf(await api.ask('GET', `${PODS}?fieldSelector=status.phase!=Running`)), ['p1'])
  for (const name of ['p1', 'p2']) await api.ask('DELETE', `${PODS}/${name}?gracePeriodSeconds=0`)
})

t.test('LIST with limit shows one revision on all pages', async t => {
  const names = Array.from({ length: 25 }, (_, i) => `page-${String(i).padStart(2, '0')}`)
  for (const name of names) await create(name, { pages: 'yes' })
  const first = await api.ask('GET', `${MAPS}?labelSelector=pages&limit=10`)
  t.equal(itemsOf(first).length, 10)
  await api.ask('DELETE', `${MAPS}/page-15`)
  await create('page-155', { pages: 'yes' })
  await api.ask('PATCH', `${MAPS}/page-16`, { headers: MERGE, body: { metadata: { labels: { pages: null } } } })
  const seen = [...namesOf(first)]
  let token = String(first.body['metadata']?.['continue'] ?? '')
  while (token !== '') {
    const next = await api.ask('GET', `${MAPS}?labelSelector=pages&limit=10&continue=${encodeURIComponent(token)}`)
    t.equal(versionOf(next), versionOf(first), 'the same resourceVersion on every page')
    seen.push(...namesOf(next))
    token = String(next.body['metadata']?.['continue'] ?? '')
  }
  t.strictSame(seen, names)
  const now = await api.ask('GET', `${MAPS}?labelSelector=pages`)
  t.strictSame(namesOf(now).includes('page-155') && !namesOf(now).includes('page-15'), true)
  const exactly = await api.ask(
    'GET',
    `${MAPS}?labelSelector=pages&resourceVersion=${versionOf(first)}&resourceVersionMatch=Exact`,
  )
  t.strictSame(namesOf(exactly), names, 'and so does a list of exactly that version')
  const counted = await api.ask('GET', `${MAPS}?limit=5`)
  t.type(counted.body['metadata']?.['remainingItemCount'], 'number', 'without selectors what is left is counted')
})

t.test('LIST rejects an invalid continue token', async t => {
  const answer = await api.ask('GET', `${MAPS}?limit=5&continue=nonsense`)
  t.ok(answer.status === 400 || answer.status === 410, String(answer.status))
})

t.test('LIST as PartialObjectMetadata and as Table', async t => {
  await create('form', { form: 'yes' })
  const partial = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
  const metadata = await api.ask('GET', `${MAPS}?labelSelector=form`, { headers: { accept: partial } })
  t.match(metadata.body, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
  t.strictSame(Object.keys(itemsOf(metadata)[0] ?? {}).sort(), ['apiVersion', 'kind', 'metadata'])
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  const table = await api.ask('GET', `${MAPS}?labelSelector=form`, { headers: { accept } })
  t.match(table.body, { kind: 'Table', apiVersion: 'meta.k8s.io/v1', columnDefinitions: [{ name: 'Name' }] })
  t.match(table.body['rows'], [
    { cells: ['form'], object: { kind: 'PartialObjectMetadata', metadata: { name: 'form' } } },
  ])
})

t.test('WATCH sends the events after its resourceVersion', async t => {
  const from = versionOf(await api.ask('GET', MAPS))
  await create('w1')
  const watch = await api.watch(`${MAPS}?watch=1&resourceVersion=${from}`)
  t.equal(eventText(await watch.next()), 'ADDED w1', 'what was before the watch was opened')
  await api.ask('PATCH', `${MAPS}/w1`, { headers: MERGE, body: { data: { a: '1' } } })
  const modified = await watch.next()
  t.match(modified, { type: 'MODIFIED', object: { kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } } })
  const deleted = await api.ask('DELETE', `${MAPS}/w1`)
  t.equal(deleted.status, 200)
  const gone = await watch.next()
  t.equal(eventText(gone), 'DELETED w1')
  t.ok(
    Number(gone?.object['metadata']?.['resourceVersion']) > Number(modified?.object['metadata']?.['resourceVersion']),
  )
  watch.close()
  const resumed = await api.watch(
    `${MAPS}?watch=1&resourceVersion=${String(modified?.object['metadata']?.['resourceVersion'])}`,
  )
  t.equal(eventText(await resumed.next()), 'DELETED w1', 'resumed behind the change')
  resumed.close()
})

t.test('WATCH without resourceVersion begins with ADDED for every object', async t => {
  await create('there', { begin: 'yes' })
  const watch = await api.watch(`${MAPS}?watch=1&labelSelector=begin`)
  t.equal(eventText(await watch.next()), 'ADDED there')
  watch.close()
})

t.test(
  'WATCH with sendInitialEvents ends them with an annotated bookmark',
  { skip: server.lacks('sendInitialEvents') },
  async t => {
    await create('first', { initial: 'yes' })
    const query =
      'watch=1&labelSelector=initial&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'
    const watch = await api.watch(`${MAPS}?${query}`)
    t.equal(eventText(await watch.next()), 'ADDED first')
    t.match(await watch.next(), {
      type: 'BOOKMARK',
      object: {
        kind: 'ConfigMap',
        metadata: { resourceVersion: /^\d+$/, annotations: { 'k8s.io/initial-events-end': 'true' } },
      },
    })
    watch.close()
  },
)

t.test('WATCH with a selector sends ADDED on entering and DELETED on leaving it', async t => {
  await create('mover', { side: 'left' })
  const from = versionOf(await api.ask('GET', MAPS))
  const watch = await api.watch(`${MAPS}?watch=1&resourceVersion=${from}&labelSelector=side%3Dright`)
  const side = (to: string): Promise<Answer> =>
    api.ask('PATCH', `${MAPS}/mover`, { headers: MERGE, body: { metadata: { labels: { side: to } } } })
  await side('right')
  t.equal(eventText(await watch.next()), 'ADDED mover')
  await side('left')
  t.equal(eventText(await watch.next()), 'DELETED mover')
  await api.ask('DELETE', `${MAPS}/mover`)
  t.equal(eventText(await watch.next(300)), 'nothing undefined', 'no event outside the selector')
  watch.close()
})

t.test('WATCH ends after timeoutSeconds', async t => {
  const from = versionOf(await api.ask('GET', MAPS))
  const began = Date.now()
  const watch = await api.watch(`${MAPS}?watch=1&resourceVersion=${from}&timeoutSeconds=1`)
  t.equal(await watch.next(10_000), undefined)
  t.ok(Date.now() - began < 5_000)
})

t.test('WATCH of a compacted revision fails with 410, and the history survives a restart', async t => {
  const own = await startApiserver({ standalone: true, args: ['--watch-history-max', '50'] })
  const near = restOf(own.kubeconfig)
  t.teardown(async () => {
    near.close()
    await own.stop()
  })
  const MAPS = '/api/v1/namespaces/default/configmaps'
  const first = await near.ask('POST', MAPS, { body: { metadata: { name: 'first' } } })
  const page = await near.ask('GET', '/api/v1/namespaces?limit=1')
  const old = String(first.body['metadata']?.['resourceVersion'])
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => near.ask('POST', MAPS, { body: { metadata: { name: `m${i}` } } })),
  )
  const watch = await near.watch(`${MAPS}?watch=1&resourceVersion=${old}`)
  t.match(await watch.next(), {
    type: 'ERROR',
    object: {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: new RegExp(`too old resource version: ${old} \\(\\d+\\)`),
    },
  })
  const token = encodeURIComponent(String(page.body['metadata']?.['continue']))
  t.match(await near.ask('GET', `/api/v1/namespaces?limit=1&continue=${token}`), {
    status: 410,
    body: { reason: 'Expired' },
  })
  const before = versionOf(await near.ask('GET', MAPS))
  const last = await near.ask('POST', MAPS, { body: { metadata: { name: 'last' } } })
  await own.kill9()
  await own.restart()
  const again = restOf(own.kubeconfig)
  const resumed = await again.watch(`${MAPS}?watch=1&resourceVersion=${before}`)
  t.equal(eventText(await resumed.next()), 'ADDED last')
  resumed.close()
  const next = await again.ask('POST', MAPS, { body: { metadata: { name: 'next' } } })
  t.ok(Number(next.body['metadata']?.['resourceVersion']) > Number(last.body['metadata']?.['resourceVersion']))
  again.close()
})

t.test('LIST of a future resourceVersion fails', async t => {
  const answer = await api.ask('GET', `${MAPS}?resourceVersion=999999999`)
  t.match(answer, { status: 504, body: { reason: 'Timeout', message: /Too large resource version/ } })
})
