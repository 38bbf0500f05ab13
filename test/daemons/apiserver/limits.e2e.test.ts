// Requests that must not stop the server for other clients.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { restOf, type Answer } from '../../fixtures/rest.js'

const MAPS = '/api/v1/namespaces/default/configmaps'
const STANDSTILL_MS_MAX = 2_000
const server = await startApiserver({ standalone: true })
const rest = restOf(server.kubeconfig)
t.teardown(async () => {
  rest.close()
  await server.stop()
})

interface Slowest {
  readonly answer: Answer
  /** The longest response time of another client meanwhile. */
  readonly othersMs: number
}

async function beside(asking: Promise<Answer>): Promise<Slowest> {
  let othersMs = 0
  let isDone = false
  const others = (async () => {
    while (!isDone) {
      const began = performance.now()
      await rest.ask('GET', '/api/v1/namespaces/default')
      othersMs = Math.max(othersMs, performance.now() - began)
    }
  })()
  const answer = await asking.finally(() => (isDone = true))
  await others
  return { answer, othersMs }
}

const typed = (type: string): Readonly<Record<string, string>> => ({ 'content-type': type })
const JSON_PATCH = typed('application/json-patch+json')

t.test('JSON patch fails with 422 when its copies exceed the body limit', async t => {
  const data = { z: 'x'.repeat(500_000) }
  t.equal((await rest.ask('POST', MAPS, { body: { metadata: { name: 'copied' }, data } })).status, 201)
  const copy = (i: number): object => ({ op: 'copy', from: '/data', path: `/data/z${i}` })
  const patch = (copies: number): Promise<Answer> =>
    rest.ask('PATCH', `${MAPS}/copied?dryRun=All`, {
      headers: JSON_PATCH,
      body: Array.from({ length: copies }, (_, i) => copy(i)),
    })
  t.equal((await patch(2)).status, 200, 'two copies make 2 MB')
  for (const copies of [3, 12]) {
    const { answer, othersMs } = await beside(patch(copies))
    t.match(answer, {
      status: 422,
      body: { reason: 'Invalid', message: /accumulated size increase of copy.* 3145728/ },
    })
    t.ok(othersMs < STANDSTILL_MS_MAX, `others waited ${othersMs} ms`)
  }
})

t.test('a write fails with 413 when it has more fields than are tracked', async t => {
  const of = (name: string, fields: number): object => ({
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } },
    data: Object.fromEntries(Array.from({ length: fields }, (_, i) => [`k${i}`, 'v'])),
  })
  const applied = (name: string, body: object): Promise<Answer> =>
    rest.ask('PATCH', `${MAPS}/${name}?fieldManager=t`, { headers: typed('application/apply-patch+yaml'), body })
  const refused = { status: 413, body: { reason: 'RequestEntityTooLarge', message: /more than 20000 fields/ } }
  for (const [how, fields, is] of [
    ['POST', 19_990, { status: 201 }],
    ['POST', 180_000, refused],
    ['apply', 180_000, refused],
  ] as const) {
    const name = `fields-${how.toLowerCase()}-${fields}`
    const asking = how === 'POST' ? rest.ask('POST', MAPS, { body: of(name, fields) }) : applied(name, of(name, fields))
    const { answer, othersMs } = await beside(asking)
    t.match(answer, is, `${how} of ${fields}`)
    t.ok(othersMs < STANDSTILL_MS_MAX, `others waited ${othersMs} ms`)
  }
})

const deep = (levels: number, open: string, close: string): string => `${open.repeat(levels)}1${close.repeat(levels)}`
const FORMS = { objects: ['{"a":', '}'], lists: ['[', ']'] } as const
const REFUSED = { status: 400, body: { reason: 'BadRequest', message: /nested deeper than 500 levels/ } }

for (const [form, [open, close]] of Object.entries(FORMS))
  for (const levels of [1_000, 10_000, 100_000])
    t.test(`a document of ${levels} nested ${form} fails with 400 in every kind of body`, async t => {
      const text = `{"metadata":{"name":"deep"},"data":${deep(levels, open, close)}}`
      const asked: Readonly<Record<string, () => Promise<Answer>>> = {
        POST: () => rest.ask('POST', MAPS, { body: text }),
        YAML: () => rest.ask('POST', MAPS, { headers: typed('application/yaml'), body: `# not JSON\n${text}` }),
        PUT: () => rest.ask('PUT', `${MAPS}/copied`, { body: text }),
        merge: () =>
          rest.ask('PATCH', `${MAPS}/copied`, { headers: typed('application/merge-patch+json'), body: text }),
        apply: () =>
          rest.ask('PATCH', `${MAPS}/deep?fieldManager=t`, {
            headers: typed('application/apply-patch+yaml'),
            body: text,
          }),
        'JSON patch': () =>
          rest.ask('PATCH', `${MAPS}/copied`, {
            headers: JSON_PATCH,
            body: `[{"op":"add","path":"/data/y","value":${deep(levels, open, close)}}]`,
          }),
        DELETE: () => rest.ask('DELETE', `${MAPS}/none`, { body: text }),
      }
      for (const [name, ask] of Object.entries(asked)) {
        const { answer, othersMs } = await beside(ask())
        t.match(answer, name === 'YAML' ? { status: 400 } : REFUSED, name)
        t.ok(othersMs < STANDSTILL_MS_MAX, `${name}: others waited ${othersMs} ms`)
      }
    })

t.test('JSON patch fails with 400 when its result is nested too deep', async t => {
  t.equal((await rest.ask('POST', MAPS, { body: { metadata: { name: 'nested' }, data: { a: {} } } })).status, 201)
  const value = JSON.parse(deep(300, '{"a":', '}').replace('1', '{}')) as unknown
  const path = `/data${'/a'.repeat(301)}`
  const body = [
    { op: 'replace', path: '/data', value },
    { op: 'add', path: `${path.slice(0, -2)}/a`, value },
  ]
  t.match(await rest.ask('PATCH', `${MAPS}/nested`, { headers: JSON_PATCH, body }), REFUSED)
})

t.test('POST stores a document of 400 levels', async t => {
  const text = `{"metadata":{"name":"allowed"},"data":${deep(400, '{"a":', '}')}}`
  t.equal((await rest.ask('POST', MAPS, { body: text })).status, 201)
  t.equal((await rest.ask('GET', `${MAPS}/allowed`)).status, 200)
})

t.test('POST rejects YAML whose aliases expand beyond the body limit', async t => {
  const level = (i: number): string => `  l${i}: &l${i} [${Array.from({ length: 10 }, () => `*l${i - 1}`).join(', ')}]`
  const lines = [
    'metadata: {name: aliases}',
    'data:',
    '  l0: &l0 xxxxxxxxxx',
    ...Array.from({ length: 9 }, (_, i) => level(i + 1)),
  ]
  const { answer, othersMs } = await beside(
    rest.ask('POST', MAPS, { headers: typed('application/yaml'), body: lines.join('\n') }),
  )
  t.match(answer, { status: 400, body: { reason: 'BadRequest', message: /aliasing/ } })
  t.ok(othersMs < STANDSTILL_MS_MAX, `others waited ${othersMs} ms`)
})

t.test('the server uses less than 1 GB of memory in all cases above', t => {
  const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid()}/status`, 'utf8'))?.[1])
  t.ok(peakKb < 1_000_000, `${peakKb} kB`)
  t.end()
})
