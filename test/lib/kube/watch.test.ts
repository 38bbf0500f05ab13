// A watch over breaks, silence, 410 and pieces: what its reader sees, and what the server is asked.
import t from 'tap'
import type { KubeError } from '../../../lib/kube/errors.js'
import { NODES } from '../../../lib/kube/kinds.js'
import { LineSplitter } from '../../../lib/kube/lines.js'
import type { WatchEvent } from '../../../lib/kube/watch.js'
import { failure, hangUp, json, named, silent, world, type Answer, type World } from './world.js'

interface Named {
  readonly metadata: { readonly name: string }
}

const listed = (version: string, ...names: string[]): Answer =>
  json(200, { metadata: { resourceVersion: version }, items: names.map(name => named(name)) })
const line = (type: string, name: string, resourceVersion: string): string =>
  `${JSON.stringify({ type, object: { metadata: { name, resourceVersion } } })}\n`
const error = (code: number): string =>
  `${JSON.stringify({ type: 'ERROR', object: { code, reason: 'Gone', message: 'too old' } })}\n`
/** Lines, then the end of the stream. */
const stream = (...lines: readonly string[]): Answer => {
  return response => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(lines.join(''))
  }
}
/** Lines, then nothing more. */
const hanging = (...lines: readonly string[]): Answer => {
  return response => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(lines.join('') || '\n')
  }
}
const broken = (...lines: readonly string[]): Answer => {
  return response => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(lines.join(''))
    setTimeout(() => response.destroy(), 10)
  }
}

const eventText = (event: WatchEvent<Named>): string =>
  event.type === 'LISTED'
    ? `LISTED ${event.items.map(({ metadata }) => metadata.name).join(' ')}`
    : `${event.type} ${event.object.metadata.name}`

/** What the server was asked for: a list, or a watch from a version. */
const asked = ({ seen }: World): readonly string[] =>
  seen.map(({ url }) => {
    const query = new URL(url, 'http://h').searchParams
    return query.get('watch') === null ? 'list' : `watch ${query.get('resourceVersion') ?? ''}`
  })

interface Followed {
  readonly events: readonly string[]
  readonly troubles: readonly string[]
}

async function follow(w: World, count: number): Promise<Followed> {
  const events: string[] = []
  const troubles: string[] = []
  const ends = new AbortController()
  const onTrouble = ({ reason }: KubeError): void => void troubles.push(reason)
  for await (const event of w.kube.watch<Named>(NODES, { signal: ends.signal, onTrouble })) {
    events.push(eventText(event))
    if (events.length === count) ends.abort()
  }
  return { events, troubles }
}

interface Case {
  readonly name: string
  readonly answers: readonly Answer[]
  readonly events: readonly string[]
  readonly asks: readonly string[]
  readonly troubles?: readonly string[]
}

const cases: readonly Case[] = [
  {
    name: 'a list comes first, then what happens after it',
    answers: [listed('5', 'a', 'b'), hanging(line('ADDED', 'c', '6'), line('DELETED', 'a', '7'))],
    events: ['LISTED a b', 'ADDED c', 'DELETED a'],
    asks: ['list', 'watch 5'],
  },
  {
    name: 'a stream that ends is resumed where it ended',
    answers: [listed('5'), stream(line('ADDED', 'c', '6')), hanging(line('MODIFIED', 'c', '9'))],
    events: ['LISTED ', 'ADDED c', 'MODIFIED c'],
    asks: ['list', 'watch 5', 'watch 6'],
  },
  {
    name: 'a stream that breaks is resumed where it broke',
    answers: [listed('5'), broken(line('ADDED', 'c', '6'), '{"type":"MODI'), hanging(line('MODIFIED', 'c', '9'))],
    events: ['LISTED ', 'ADDED c', 'MODIFIED c'],
    asks: ['list', 'watch 5', 'watch 6'],
    troubles: ['BadAnswer'],
  },
  {
    name: 'a bookmark advances resourceVersion and is not yielded',
    answers: [listed('5'), stream(line('BOOKMARK', '', '80')), hanging(line('ADDED', 'c', '81'))],
    events: ['LISTED ', 'ADDED c'],
    asks: ['list', 'watch 5', 'watch 80'],
  },
  {
    name: '410 on opening lists again',
    answers: [listed('5', 'a'), failure(410, 'Expired'), listed('50', 'b'), hanging(line('ADDED', 'c', '51'))],
    events: ['LISTED a', 'LISTED b', 'ADDED c'],
    asks: ['list', 'watch 5', 'list', 'watch 50'],
    troubles: ['Expired'],
  },
  {
    name: '410 within the stream lists again',
    answers: [
      listed('5', 'a'),
      stream(line('ADDED', 'b', '6'), error(410)),
      listed('50', 'b'),
      hanging(line('ADDED', 'c', '51')),
    ],
    events: ['LISTED a', 'ADDED b', 'LISTED b', 'ADDED c'],
    asks: ['list', 'watch 5', 'list', 'watch 50'],
    troubles: ['Gone'],
  },
  {
    name: 'a connection that fell silent is left, and the watch goes on from where it was',
    answers: [listed('5'), hanging(line('ADDED', 'c', '6')), hanging(line('ADDED', 'd', '7'))],
    events: ['LISTED ', 'ADDED c', 'ADDED d'],
    asks: ['list', 'watch 5', 'watch 6'],
    troubles: ['Timeout'],
  },
  {
    name: 'a server that accepts a watch and says nothing at all is left, too',
    answers: [listed('5'), silent, hanging(line('ADDED', 'd', '7'))],
    events: ['LISTED ', 'ADDED d'],
    asks: ['list', 'watch 5', 'watch 5'],
    troubles: ['Timeout'],
  },
  {
    name: 'a line that is no event is a broken stream',
    answers: [
      listed('5'),
      stream(line('ADDED', 'c', '6'), 'nonsense\n', line('ADDED', 'x', '7')),
      hanging(line('ADDED', 'd', '7')),
    ],
    events: ['LISTED ', 'ADDED c', 'ADDED d'],
    asks: ['list', 'watch 5', 'watch 6'],
    troubles: ['BadAnswer'],
  },
  {
    name: 'busy servers and hang-ups are tried again',
    answers: [
      listed('5'),
      failure(429, 'TooManyRequests'),
      failure(500, 'InternalError'),
      hangUp,
      hanging(line('ADDED', 'c', '6')),
    ],
    events: ['LISTED ', 'ADDED c'],
    asks: ['list', 'watch 5', 'watch 5', 'watch 5', 'watch 5'],
    troubles: ['TooManyRequests', 'InternalError', 'BadAnswer'],
  },
  {
    name: 'a list whose next page has expired is restarted',
    answers: [
      json(200, { metadata: { resourceVersion: '5', continue: 'more' }, items: [named('a')] }),
      failure(410, 'Expired'),
      listed('6', 'b'),
      hanging(line('ADDED', 'c', '7')),
    ],
    events: ['LISTED b', 'ADDED c'],
    asks: ['list', 'list', 'list', 'watch 6'],
    troubles: ['Expired'],
  },
]

for (const { name, answers, events, asks, troubles = [] } of cases)
  t.test(name, async t => {
    const w = await world(answers, { idleMs: 150 })
    t.teardown(() => w.close())
    t.strictSame(await follow(w, events.length), { events, troubles })
    t.strictSame(asked(w), asks)
  })

t.test('watch() throws the final error of a list', async t => {
  const w = await world([failure(403, 'Forbidden')])
  t.teardown(() => w.close())
  await t.rejects(follow(w, 1), { name: 'KubeError', status: 403, reason: 'Forbidden' })
})

t.test('watch() lists again after a refused stream', async t => {
  const w = await world([listed('5'), failure(403, 'Forbidden')])
  t.teardown(() => w.close())
  await t.rejects(follow(w, 5), { name: 'KubeError', status: 403 })
  t.strictSame(asked(w), ['list', 'watch 5', 'list'])
})

t.test('watch() joins pages', async t => {
  const page = (next: string, name: string): Answer =>
    json(200, { metadata: { resourceVersion: '5', continue: next }, items: [named(name)] })
  const w = await world([page('x&y', 'a'), page('', 'b')])
  t.teardown(() => w.close())
  t.strictSame(await follow(w, 1), { events: ['LISTED a b'], troubles: [] })
  t.match(w.seen[1]?.url, /continue=x%26y/)
})

t.test('watch() backs off from streams that end at once', async t => {
  const w = await world([listed('5'), stream(), stream(), stream(), hanging(line('ADDED', 'c', '6'))])
  t.teardown(() => w.close())
  await follow(w, 2)
  t.strictSame(w.pauses, [100, 200], 'the first is free, then they double')
})

t.test('watch() ends on abort while idle', async t => {
  const w = await world([listed('5'), hanging()])
  t.teardown(() => w.close())
  const ends = new AbortController()
  setTimeout(() => ends.abort(), 30)
  const events: string[] = []
  for await (const event of w.kube.watch<Named>(NODES, { signal: ends.signal })) events.push(eventText(event))
  t.strictSame(events, ['LISTED '])
})

t.test('watch() opens no stream if aborted during the list', async t => {
  const ends = new AbortController()
  const late: Answer = (...exchange) => {
    ends.abort()
    listed('5', 'a')(...exchange)
  }
  const w = await world([late, hanging()])
  t.teardown(() => w.close())
  const events: string[] = []
  for await (const event of w.kube.watch<Named>(NODES, { signal: ends.signal })) events.push(eventText(event))
  t.strictSame({ events, asked: asked(w) }, { events: ['LISTED a'], asked: ['list'] })
})

t.test('LineSplitter joins chunks', t => {
  const text = '{"a":"größer €𝄞"}\n\n{"b":2}\n'
  const bytes = new TextEncoder().encode(text)
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter(100)
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)))
    t.strictSame(lines, ['{"a":"größer €𝄞"}', '{"b":2}'], `pieces of ${size}`)
  }
  t.throws(() => new LineSplitter(5).push(new TextEncoder().encode('123456')), { name: 'RangeError' })
  t.end()
})

t.test('Kube.watch() waits for Retry-After before it opens a refused stream again', async t => {
  const busy = failure(429, 'TooManyRequests', 'too many requests', { 'retry-after': '3' })
  const w = await world([listed('5'), busy, hanging(line('ADDED', 'c', '6'))])
  t.strictSame((await follow(w, 2)).troubles, ['TooManyRequests'])
  t.strictSame(w.pauses, [3_050], '3 s, and half of the jitter')
  await w.close()
})
