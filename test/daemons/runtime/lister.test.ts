// Indexer, keyOf() and watchOf().
import t from 'tap'
import { keyOf, refOfKey, source, Indexer, type ObjectChange } from '../../../daemons/runtime/lister.js'
import { watchOf } from '../../../daemons/controller/runtime/reconciler.js'
import type { ObjectMeta } from '../../../lib/crd/types.js'
import { PODS } from '../../../lib/kube/kinds.js'

interface Thing {
  readonly metadata: ObjectMeta
  readonly colours: readonly string[]
}
const things = source<Thing, 'colour'>({ kind: PODS, indexes: { colour: ({ colours }) => colours } })
const thing = (name: string, resourceVersion: string, ...colours: readonly string[]): Thing => ({
  metadata: { name, namespace: 'ns', resourceVersion },
  colours,
})
const names = (found: Iterable<Thing>): string => [...found].map(({ metadata }) => metadata.name).join(' ')
const summary = (changes: readonly ObjectChange<Thing>[]): readonly string[] =>
  changes.map(
    ({ object, previous }) => `${previous?.metadata.resourceVersion ?? '-'}>${object?.metadata.resourceVersion ?? '-'}`,
  )

t.test('keyOf() is namespace/name, or the name alone', async t => {
  for (const [metadata, key] of [
    [{ name: 'a', namespace: 'ns' }, 'ns/a'],
    [{ name: 'a' }, 'a'],
  ] as const) {
    t.equal(keyOf({ metadata }), key)
    t.strictSame(refOfKey(key), { namespace: '', ...metadata })
  }
})

t.test('Indexer finds objects by their current values only', async t => {
  const store = new Indexer(things)
  store.put(thing('a', '1', 'red', 'blue'))
  store.put(thing('b', '2', 'red'))
  t.equal(names(store.by('colour', 'red')), 'a b')
  t.equal(store.count('colour', 'blue'), 1)
  store.put(thing('a', '3', 'green'))
  t.equal(names(store.by('colour', 'red')), 'b')
  t.equal(store.count('colour', 'blue'), 0)
  store.remove('ns/a')
  t.equal(names(store.by('colour', 'green')), '')
  t.equal(store.get('ns/a'), undefined)
  t.equal(store.size, 1)
})

t.test('Indexer.replace() returns added, changed and deleted objects only', async t => {
  const store = new Indexer(things)
  for (const one of [thing('same', '1', 'red'), thing('old', '2', 'red'), thing('gone', '3', 'red')]) store.put(one)
  const changes = store.replace([thing('same', '1', 'red'), thing('old', '9', 'blue'), thing('new', '8', 'red')])
  t.strictSame(summary(changes), ['2>9', '->8', '3>-'])
  t.equal(names(store.by('colour', 'red')), 'same new')
})

t.test('Indexer.remove() of a missing key changes nothing', async t => {
  t.strictSame(new Indexer(things).remove('ns/a'), { object: undefined, previous: undefined })
})

t.test('watchOf() maps the object and its previous state', async t => {
  const watch = watchOf(
    things,
    ({ colours }) => colours,
    ({ object, previous }) => object.colours === previous.colours,
  )
  const view = { of: () => new Indexer(things), isServed: () => true } as never
  const keys = (change: ObjectChange<Thing>): readonly string[] => watch.keysOf(change, view)
  const a = thing('a', '1', 'red', 'blue')
  t.strictSame(keys({ object: thing('a', '2', 'blue', 'green'), previous: a }), ['blue', 'green', 'red'])
  t.strictSame(keys({ object: undefined, previous: a }), ['red', 'blue'])
  t.strictSame(keys({ object: a, previous: a }), [], 'dropped by unless')
  t.strictSame(keys({ object: undefined, previous: undefined }), [])
})
