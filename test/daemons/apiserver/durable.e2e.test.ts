// Concurrent writers and kill -9: acknowledged writes are durable, names are unique.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { restOf, type Answer, type Body } from '../../fixtures/rest.js'

const MAPS = '/api/v1/namespaces/default/configmaps'
const WRITERS = 50
const ROUNDS = 4

const body = (name: string, writer: number): object => ({
  metadata: { name },
  data: { writer: String(writer), filler: 'x'.repeat(500) },
})
const namesOf = ({ body }: Answer): readonly string[] =>
  ((body['items'] ?? []) as unknown as readonly Body[]).map(item => String(item['metadata']?.['name']))
const countOf = (answers: readonly Answer[], status: number): number =>
  answers.filter(answer => answer.status === status).length

t.test('1,000 concurrent creates of distinct names succeed with distinct resourceVersions', async t => {
  const server = await startApiserver({ standalone: true })
  const api = restOf(server.kubeconfig, { sockets: 100 })
  t.teardown(async () => {
    api.close()
    await server.stop()
  })
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => api.ask('POST', MAPS, { body: body(`distinct-${i}`, i) })),
  )
  t.equal(countOf(answers, 201), 1000)
  t.equal(new Set(answers.map(answer => answer.body['metadata']?.['resourceVersion'])).size, 1000)
  t.equal(namesOf(await api.ask('GET', MAPS)).filter(name => name.startsWith('distinct-')).length, 1000)
})

t.test('of 1,000 concurrent creates of one name exactly one succeeds', async t => {
  const server = await startApiserver({ standalone: true })
  const api = restOf(server.kubeconfig, { sockets: 100 })
  t.teardown(async () => {
    api.close()
    await server.stop()
  })
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => api.ask('POST', MAPS, { body: body('one', i) })),
  )
  t.strictSame([countOf(answers, 201), countOf(answers, 409)], [1, 999])
  const winner = answers.find(({ status }) => status === 201)
  const kept = await api.ask('GET', `${MAPS}/one`)
  t.strictSame(kept.body, winner?.body, 'and it is the winner that is kept')
})

t.test('of 100 concurrent updates of one resourceVersion exactly one succeeds', async t => {
  const server = await startApiserver({ standalone: true })
  const api = restOf(server.kubeconfig, { sockets: 100 })
  t.teardown(async () => {
    api.close()
    await server.stop()
  })
  const made = await api.ask('POST', MAPS, { body: body('counter', 0) })
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      api.ask('PUT', `${MAPS}/counter`, { body: { ...made.body, data: { writer: String(i + 1) } } }),
    ),
  )
  t.strictSame([countOf(answers, 200), countOf(answers, 409)], [1, 99])
})

/** Writes until the server is killed; returns acknowledged values by name, undefined if deleted. */
async function writeUntilDeath(
  kubeconfig: string,
  writer: number,
  { round, onWritten }: { readonly round: number; readonly onWritten: () => void },
): Promise<Map<string, string | undefined>> {
  const api = restOf(kubeconfig, { sockets: 1 })
  const acknowledged = new Map<string, string | undefined>()
  try {
    for (let i = 0; ; i++) {
      const name = `w${round}-${writer}-${i}`
      const made = await api.ask('POST', MAPS, { body: body(name, writer) })
      if (made.status !== 201) throw new Error(`create ${name}: ${made.status} ${JSON.stringify(made.body)}`)
      acknowledged.set(name, String(writer))
      onWritten()
      if (i % 3 === 1) {
        const put = await api.ask('PUT', `${MAPS}/${name}`, { body: { ...made.body, data: { writer: 'changed' } } })
        if (put.status === 200) acknowledged.set(name, 'changed')
      }
      if (i % 3 === 2) {
        const gone = await api.ask('DELETE', `${MAPS}/${name}`)
        if (gone.status === 200) acknowledged.set(name, undefined)
      }
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return acknowledged // the connection broke: the server was killed
    throw error
  } finally {
    api.close()
  }
}

t.test('kill -9 under 50 writers loses no acknowledged write', async t => {
  const server = await startApiserver({ standalone: true })
  t.teardown(() => server.stop())
  for (let round = 1; round <= ROUNDS; round++) {
    let written = 0
    const onWritten = (): void => void written++
    const writers = Array.from({ length: WRITERS }, (_, i) =>
      writeUntilDeath(server.kubeconfig, i, { round, onWritten }),
    )
    while (written < WRITERS * 2) await new Promise(resolve => setTimeout(resolve, 20))
    await new Promise(resolve => setTimeout(resolve, Math.random() * 500))
    await server.kill9()
    const acknowledged = new Map((await Promise.all(writers)).flatMap(map => [...map]))
    await server.restart()
    const api = restOf(server.kubeconfig)
    const list = await api.ask('GET', MAPS)
    const items = new Map(
      ((list.body['items'] ?? []) as unknown as readonly Body[]).map(item => [
        String(item['metadata']?.['name']),
        String(item['data']?.['writer']),
      ]),
    )
    const lost = [...acknowledged].filter(([name, value]) => value !== undefined && !items.has(name))
    const old = [...acknowledged].filter(
      ([name, value]) => value === 'changed' && items.has(name) && items.get(name) !== value,
    )
    // A later delete may have been stored unacknowledged; a deleted object must never reappear.
    const risen = [...acknowledged].filter(([name, value]) => value === undefined && items.has(name))
    const unsure = lost.filter(([name]) => Number(name.split('-')[2]) % 3 === 2)
    t.ok(acknowledged.size > WRITERS, `round ${round}: ${acknowledged.size} acknowledged before the kill`)
    t.strictSame(
      lost.filter(entry => !unsure.includes(entry)),
      [],
      'nothing created is lost',
    )
    t.ok(unsure.length <= WRITERS, 'at most one delete a writer was under way')
    t.strictSame(old, [], 'nothing changed is as before')
    t.strictSame(risen, [], 'nothing deleted is back')
    api.close()
  }
})

t.test('a second server on the same --data-dir fails; its files are readable by the owner only', async t => {
  const server = await startApiserver({ standalone: true })
  t.teardown(() => server.stop())
  await t.rejects(
    startApiserver({ standalone: true, args: ['--data-dir', server.dataDir] }),
    /is in use by another spiderpool-apiserver/,
  )
  for (const file of ['state.db', 'state.db-wal', 'token', 'certificates.json', 'kubeconfig'])
    t.equal(statSync(join(server.dataDir, file)).mode & 0o777, 0o600, file)
})
