// Watches over a store in memory: what slow clients may leave unread.
import t from 'tap'
import type { HistoryEntry } from '../../../../daemons/apiserver/storage/history.js'
import type { Range } from '../../../../daemons/apiserver/storage/key.js'
import type { ObjectStore } from '../../../../daemons/apiserver/storage/store.js'
import { Watches, type WatchQuery } from '../../../../daemons/apiserver/storage/watch.js'
import type { Stored } from '../../../../daemons/apiserver/schema/stored-object.js'

const KIB = 1024
const UNREAD_MAX = 64 * KIB
const OBJECTS = 1_200

const objectAt = (at: number, revision: number): Stored => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    ...{ name: `m${String(at).padStart(5, '0')}`, uid: `u${at}`, resourceVersion: String(revision) },
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
})

/** Objects of `/configmaps`, and a log in which each was added once. */
function storeOf(count: number) {
  const objects = Array.from({ length: count }, (_, at) => objectAt(at, at + 1))
  const reads: number[] = []
  let commit: (changes: readonly HistoryEntry[]) => void = () => {}
  const entry = (object: Stored, type: HistoryEntry['type']): HistoryEntry => ({
    ...{ revision: Number(object.metadata.resourceVersion), resource: '/configmaps', namespace: '' },
    ...{ name: object.metadata.name, type, object, prev: type === 'ADDED' ? undefined : object, body: '' },
  })
  const store = {
    revision: count,
    history: { oldest: 0, since: () => objects.map(object => entry(object, 'ADDED')) },
    list({ after, limit = Infinity }: Range): readonly Stored[] {
      const rest = objects.filter(({ metadata }) => after === undefined || metadata.name > after.name)
      reads.push(limit)
      return rest.slice(0, limit)
    },
    onCommit: (listener: typeof commit) => (commit = listener),
  }
  return {
    store: store as unknown as ObjectStore, // the part that watches read
    reads,
    change: (at: number) => commit([entry(objectAt(at, count + 1), 'MODIFIED')]),
  }
}

const query = (more: Partial<WatchQuery> = {}): WatchQuery => ({
  ...{ resource: '/configmaps', namespace: undefined, test: () => true, from: undefined, bookmarks: false },
  ...{ marksInitialEnd: false, timeoutMs: 60_000, onEnd: () => {} },
  print: object => JSON.stringify(object),
  bookmark: () => '{}',
  ...more,
})

/** The text of a stream that the server has ended. */
const textOf = (body: ReadableStream<Uint8Array>): Promise<string> => new Response(body).text()

t.test('Watches.open() sends all objects, read in chunks', async t => {
  const { store, reads } = storeOf(OBJECTS)
  const watches = new Watches(store)
  const body = watches.open(query())
  watches.closeAll()
  t.equal((await textOf(body)).match(/"ADDED"/g)?.length, OBJECTS)
  t.strictSame(reads, [500, 500, 500])
})

for (const [from, name] of [
  [undefined, 'initial events'],
  [0, 'past changes'],
] as const)
  t.test(`Watches.open() ends with 429 when its ${name} exceed the unread bytes of all watches`, async t => {
    const { store } = storeOf(OBJECTS)
    let ends = 0
    const text = await textOf(new Watches(store, UNREAD_MAX).open(query({ from, onEnd: () => ends++ })))
    t.ok(text.length < UNREAD_MAX + 2 * KIB, `${text.length} bytes`)
    t.match(text.trim().split('\n').at(-1), /"type":"ERROR".*65536 bytes unread together.*limit=500.*"code":429/)
    t.equal(ends, 1, 'the watch no longer counts')
  })

t.test('Watches closes those with most unread events when all exceed the bound together', async t => {
  const { store, change } = storeOf(100)
  const watches = new Watches(store, UNREAD_MAX)
  const ended: string[] = []
  const slow = watches.open(query({ onEnd: () => ended.push('slow') }))
  watches.open(
    query({ from: 100, test: ({ metadata }) => metadata.name === 'm00001', onEnd: () => ended.push('quick') }),
  )
  for (let i = 0; i < 500 && ended.length === 0; i++) change(2)
  t.strictSame(ended, ['slow'])
  t.ok((await textOf(slow)).length < UNREAD_MAX + KIB)
  watches.closeAll()
})
