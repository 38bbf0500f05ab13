// lib/kube where it lives: in Bun, over TLS, against servers good and bad and against the real API server.
import t from 'tap'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startApiserver } from '../../fixtures/apiserver.js'
import { restOf } from '../../fixtures/rest.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** What a script prints as JSON, run by Bun. */
function bun(script: string, ...args: readonly string[]): Promise<unknown> {
  const child = spawn(`${ROOT}scripts/bun.sh`, [`${ROOT}test/fixtures/${script}`, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', status =>
      status === 0 ? resolve(JSON.parse(stdout)) : reject(new Error(`${script} ended with ${status}`)),
    )
  })
}

const UNTRUSTED =
  /^Unreachable: the API server https:\/\/\S+ cannot be reached: its certificate is not one that the kubeconfig trusts; check certificate-authority-data and tls-server-name \(\w+\)$/
const HANDSHAKE =
  /^Unreachable: the API server https:\/\/\S+ cannot be reached: the TLS handshake failed; does it speak TLS there, and does it accept our client certificate\? \(EPROTO\)$/

for (const NODE_TLS_REJECT_UNAUTHORIZED of [undefined, '0'])
  t.test(
    `every way to a server, and every way that it fails; NODE_TLS_REJECT_UNAUTHORIZED=${NODE_TLS_REJECT_UNAUTHORIZED ?? ''}`,
    async t => {
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = NODE_TLS_REJECT_UNAUTHORIZED ?? '1'
      t.teardown(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'])
      t.match(await bun('kube-tls.ts'), {
        'a trusted certificate': /^Bearer t1$/,
        'a kubeconfig in YAML': /^Bearer t2$/,
        'nobody vouches': UNTRUSTED,
        'another authority': UNTRUSTED,
        'another name': UNTRUSTED,
        'another name, told': /^nobody$/,
        'an expired certificate':
          /its certificate has expired; renew it, or set the clock of this node \(CERT_HAS_EXPIRED\)$/,
        'no verification': /^nobody$/,
        'https where plain http is spoken': HANDSHAKE,
        'a client certificate': /^nobody$/,
        'no client certificate': HANDSHAKE,
        // TLS 1.3: a server that does not know the client hangs up after the handshake, without a word that fetch hands on.
        "a stranger's client certificate": /: the connection was closed before an answer came \(ECONNRESET\)$/,
        "another's key":
          /^Unreachable: .* are the certificates and the key in the kubeconfig whole\? \(FailedToOpenSocket\)$/,
        'a unix socket': /^Bearer t3$/,
        'no unix socket':
          /^Unreachable: the API server DIR\/none.sock cannot be reached: there is no such socket \(ENOENT\)$/,
        'a token of a plugin': /^Bearer t4$/,
        'a certificate of a plugin': /^nobody$/,
        'no plugin':
          /^BadConfig: kubeconfig DIR\/config: exec of user "u" could not run DIR\/none: .*; is it installed on this node\?$/,
      })
    },
  )

t.test('every verb against the API server', async t => {
  const server = await startApiserver()
  t.teardown(() => server.stop())
  t.strictSame(await bun('kube-calls.ts', server.kubeconfig), {
    told: [
      'default',
      '404 NotFound',
      '409 AlreadyExists',
      { a: '1', b: '2' },
      { b: '2' },
      { b: '2', c: '3' },
      { b: '2', c: '3', d: '4' },
      '409 Conflict',
      { e: '5' },
      [{ e: '5' }],
      '409 Conflict',
      '409 Conflict',
      'deleted',
      '404 NotFound',
    ],
    events: [
      'LISTED 0',
      'ADDED kube-calls true',
      ...Array.from({ length: 5 }, () => 'MODIFIED kube-calls true'),
      'DELETED kube-calls true',
    ],
  })
})

t.test('a watch lives through kill -9 of the server, and misses nothing', async t => {
  const server = await startApiserver({ killed: true })
  t.teardown(() => server.stop())
  const rest = restOf(server.kubeconfig)
  t.teardown(() => rest.close())
  const create = async (name: string): Promise<void> => {
    const { status } = await rest.ask('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name } } })
    t.equal(status, 201)
  }
  await create('first')
  const child = spawn(`${ROOT}scripts/bun.sh`, [`${ROOT}test/fixtures/kube-watch.ts`, server.kubeconfig], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line === 'LISTED first') await create('second')
    if (line === 'ADDED second') await server.kill9()
    if (line.startsWith('trouble') && lines.filter(each => each.startsWith('trouble')).length === 1) {
      await server.restart()
      await create('last')
    }
  }
  t.strictSame(
    lines.filter(line => !line.startsWith('trouble')),
    ['LISTED first', 'ADDED second', 'ADDED last'],
    'it resumed where it was: no second list, nothing twice',
  )
})
