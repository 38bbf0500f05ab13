// BatchedLiveReader: few keys are gets, many are one list, and a caller during a read is answered
// by the next.
import t from 'tap'
import { BatchedLiveReader } from '../../../daemons/runtime/live-reader.js'
import { source } from '../../../daemons/runtime/lister.js'
import type { ObjectMeta } from '../../../lib/crd/types.js'
import type { Kube } from '../../../lib/kube/client.js'
import { KubeError } from '../../../lib/kube/errors.js'
import { PODS } from '../../../lib/kube/kinds.js'
import { settled, Time } from '../controller/time.js'

interface Thing {
  readonly metadata: ObjectMeta
}
const things = source<Thing>({
  kind: PODS,
  transform: ({ metadata: { name, namespace = '' } }) => ({ metadata: { name, namespace } }),
})
const there = (key: string): Thing => ({ metadata: { namespace: 'ns', name: key.slice(3), uid: 'u' } })

interface Stage {
  readonly time: Time
  readonly live: BatchedLiveReader
  readonly log: string[]
  fails: boolean
}

/** Objects ns/0 to ns/99, in pages of 60. */
function stage(): Stage {
  const time = new Time()
  const log: string[] = []
  const made: Stage = { time, log, fails: false, live: new BatchedLiveReader({} as Kube, time.after) }
  const refuse = (): void => {
    if (made.fails) throw new KubeError(0, 'Unreachable', 'away')
  }
  const kube = {
    get: async (_: unknown, { name }: { readonly name: string }) => {
      log.push(`get ${name}`)
      refuse()
      if (Number(name) > 99) throw new KubeError(404, 'NotFound', 'none')
      return there(`ns/${name}`)
    },
    list: async (_: unknown, { namespace = '*', continue: next = '0', resourceVersion }: Record<string, string>) => {
      log.push(`list ${namespace} ${next}${resourceVersion === undefined ? '' : ' cached'}`)
      refuse()
      const from = Number(next)
      const items = Array.from({ length: 100 }, (_, at) => there(`ns/${at}`)).slice(from, from + 60)
      return { metadata: { continue: from + 60 < 100 ? String(from + 60) : '' }, items }
    },
  }
  return {
    ...made,
    live: new BatchedLiveReader(kube as unknown as Kube, time.after),
    set fails(value: boolean) {
      made.fails = value
    },
    get fails() {
      return made.fails
    },
  }
}

const readAll = (live: BatchedLiveReader, names: readonly number[]): Promise<readonly (string | undefined)[]> =>
  Promise.all(names.map(async name => (await live.get(things, `ns/${name}`))?.metadata.name))

t.test('BatchedLiveReader sends one get for many callers of a key, and applies the transform', async t => {
  const { live, time, log } = stage()
  const answers = Promise.all([live.get(things, 'ns/1'), live.get(things, 'ns/1'), live.get(things, 'ns/200')])
  await time.pass(50)
  const one = { metadata: { name: '1', namespace: 'ns' } }
  t.strictSame(await answers, [one, one, undefined])
  t.strictSame(log, ['get 1', 'get 200'])
})

t.test('BatchedLiveReader reads many keys with one list, to its last page, most recent', async t => {
  const { live, time, log } = stage()
  const names = Array.from({ length: 80 }, (_, at) => at + 40)
  const answers = readAll(live, names)
  await time.pass(50)
  t.strictSame(
    await answers,
    names.map(name => (name < 100 ? String(name) : undefined)),
  )
  t.strictSame(log, ['list ns 0', 'list ns 60'])
})

t.test('BatchedLiveReader answers a caller during a read by the next one', async t => {
  const { live, time, log } = stage()
  const first = live.get(things, 'ns/1')
  await time.pass(20)
  const second = live.get(things, 'ns/1')
  await settled()
  await time.pass(50)
  await Promise.all([first, second])
  t.strictSame(log, ['get 1', 'get 1'])
})

t.test('BatchedLiveReader rejects all callers of a failed read, and reads again for the next', async t => {
  const all = stage()
  all.fails = true
  for (const names of [[1], Array.from({ length: 80 }, (_, at) => at)]) {
    const failing = t.rejects(readAll(all.live, names), { message: 'away' })
    await all.time.pass(50)
    await failing
  }
  all.fails = false
  const answer = readAll(all.live, [3])
  await all.time.pass(50)
  t.strictSame(await answer, ['3'])
})
