// spiderpoolctl where the API server denies some kinds, pages its lists, or does not serve ours.
import { createServer } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runExecutable, type Reply } from '../../fixtures/executable.js'

const asked: string[] = []
let hasAddresses = true
const pool = (name: string, at: number) => ({
  metadata: { name, uid: name },
  spec: { subnet: '10.0.0.0/16', ips: [`10.0.${at}.1-10.0.${at}.9`] },
  status: { allocatedIPsProjected: true },
})
const page = (items: readonly object[], next = ''): object => ({ metadata: { continue: next }, items })

/** Status and body of a path. */
function answer(path: string): readonly [number, object] {
  const { pathname, searchParams } = new URL(path, 'http://x')
  const plural = pathname.split('/').at(-1) ?? ''
  if (['nodes', 'spidersubnets'].includes(plural))
    return [
      403,
      {
        kind: 'Status',
        status: 'Failure',
        reason: 'Forbidden',
        code: 403,
        message: `${plural} is forbidden: User "eve" cannot list resource "${plural}"`,
      },
    ]
  if (plural === 'spiderippools')
    return [200, searchParams.get('continue') === 'more' ? page([pool('b', 1)]) : page([pool('a', 0)], 'more')]
  if (plural === 'spiderreservedips' || (plural === 'spideripaddresses' && hasAddresses)) return [200, page([])]
  if (pathname === '/apis/spiderpool.spidernet.io' && !hasAddresses)
    return [200, { kind: 'APIGroup', versions: [{ version: 'v3' }] }]
  return [
    404,
    {
      kind: 'Status',
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
      message: 'the server could not find the requested resource',
    },
  ]
}

const server = createServer((request, response) => {
  asked.push(request.url ?? '')
  const [status, body] = answer(request.url ?? '')
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})
await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
const folder = mkdtempSync(join(tmpdir(), 'ctl-forbidden-'))
t.teardown(() => {
  server.close()
  server.closeAllConnections()
  rmSync(folder, { recursive: true })
})
const kubeconfig = join(folder, 'kubeconfig')
const { port } = server.address() as AddressInfo
writeFileSync(
  kubeconfig,
  JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: 'c', context: { cluster: 'c' } }],
    'current-context': 'c',
  }),
)
const ctl = (line: string): Promise<Reply> =>
  runExecutable({ name: 'spiderpoolctl', args: [...line.split(' '), '--kubeconfig', kubeconfig] })

t.test('pool list reads every page', async t => {
  asked.length = 0
  const { stdout, status } = await ctl('pool list -o name')
  t.strictSame([status, stdout], [0, 'spiderippool/a\nspiderippool/b\n'])
  t.equal(asked.filter(path => path.includes('spiderippools')).length, 2)
})

t.test('pool overlap names what it may not read, and compares the rest', async t => {
  const { stdout, stderr, status } = await ctl('pool overlap')
  t.equal(status, 0)
  t.match(stdout, 'no overlap among 2 pools')
  t.match(stderr, 'this user may not read nodes; what depends on them is left out')
  t.match(stderr, 'this user may not read spidersubnets; what depends on them is left out')
})

t.test('a kind without which there is no answer: one sentence and status 3', async t => {
  for (const line of ['who pod/default/a', 'trace pod default/a']) {
    const { stdout, stderr, status } = await ctl(line)
    t.strictSame([status, stdout], [3, ''], line)
    t.match(stderr, /^spiderpoolctl: the cluster has no \w+ of v1.*: is Spiderpool installed/, line)
  }
})

t.test('definitions of another version: names the one that is served, and status 3', async t => {
  hasAddresses = false
  const { stdout, stderr, status } = await ctl('quarantine list')
  hasAddresses = true
  t.strictSame([status, stdout], [3, ''])
  t.match(
    stderr,
    'the cluster has no spideripaddresses of spiderpool.spidernet.io/v2beta1: it serves spiderpool.spidernet.io in v3; use a spiderpoolctl of the version that is installed\n',
  )
})
