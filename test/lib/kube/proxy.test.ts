// Which proxy for which server: the table of Go's httpproxy (golang.org/x/net/http/httpproxy,
// ProxyFromEnvironment), by its rules.
import t from 'tap'
import { proxyFor, shownProxy } from '../../../lib/kube/proxy.js'

const P = 'http://proxy:3128'
const API = 'https://api.example.com:6443'

interface Case {
  readonly server?: string
  readonly env: Readonly<Record<string, string>>
  /** Absent: none. */
  readonly url?: string
  readonly from?: string
}
const exempt = (NO_PROXY: string, server = API): Case => ({ server, env: { HTTPS_PROXY: P, HTTP_PROXY: P, NO_PROXY } })
const led = (NO_PROXY: string, server = API): Case => ({ ...exempt(NO_PROXY, server), url: P })

const cases: readonly Case[] = [
  { env: {} },
  { env: { HTTPS_PROXY: P }, url: P, from: 'HTTPS_PROXY' },
  { env: { https_proxy: P }, url: P, from: 'https_proxy' },
  { env: { HTTPS_PROXY: P, https_proxy: 'http://other' }, url: P, from: 'HTTPS_PROXY' },
  { env: { HTTPS_PROXY: '', https_proxy: P }, url: P, from: 'https_proxy' },
  { env: { HTTP_PROXY: P } },
  { env: { ALL_PROXY: P, all_proxy: P } },
  { server: 'http://api:80', env: { HTTP_PROXY: P }, url: P, from: 'HTTP_PROXY' },
  { server: 'http://api:80', env: { HTTPS_PROXY: P } },
  { env: { HTTPS_PROXY: 'proxy:3128' }, url: P },
  { env: { HTTPS_PROXY: 'https://proxy' }, url: 'https://proxy' },
  ...[
    'https://127.0.0.1:6443',
    'https://127.9.9.9',
    'https://[::1]:6443',
    'https://localhost',
    'https://LOCALHOST:1',
  ].map(server => ({ server, env: { HTTPS_PROXY: P } })),
  exempt('*'),
  exempt('a.b, * '),
  exempt('example.com'),
  exempt('.example.com'),
  exempt('*.example.com'),
  exempt('EXAMPLE.com'),
  exempt('api.example.com'),
  exempt('api.example.com:6443'),
  led('api.example.com:443'),
  led('ample.com'),
  led('com.example'),
  led('.api.example.com'),
  led('10.0.0.0/8'),
  led(',,'),
  led(''),
  exempt('example.com:443', 'https://example.com'),
  exempt('example.com:80', 'http://example.com'),
  led('.example.com', 'https://example.com'),
  exempt('10.0.0.0/8', 'https://10.96.0.1:443'),
  led('10.0.0.0/8', 'https://11.0.0.1'),
  exempt('10.96.0.1', 'https://10.96.0.1:443'),
  exempt('10.96.0.1:443', 'https://10.96.0.1'),
  led('10.96.0.1:6443', 'https://10.96.0.1'),
  exempt('fd00::/8', 'https://[fd00::1]:6443'),
  exempt('fd00::1', 'https://[fd00:0::1]:6443'),
  exempt('[fd00::1]', 'https://[fd00::1]'),
  exempt('[fd00::1]:6443', 'https://[fd00::1]:6443'),
  led('[fd00::1]:443', 'https://[fd00::1]:6443'),
  led('0.0.0.0/0', 'https://[fd00::1]'),
]
for (const { server = API, env, url, from } of cases)
  t.test(`proxyFor(${server}) with ${JSON.stringify(env)}: ${url ?? 'none'}`, t => {
    const proxy = proxyFor(server, env)
    t.equal(proxy?.url, url)
    if (from !== undefined) t.equal(proxy?.from, from)
    t.end()
  })

t.test('shownProxy() leaves out user and password', t => {
  t.equal(shownProxy({ url: 'http://u:p@proxy:3128', from: 'HTTPS_PROXY' }), 'http://proxy:3128 of HTTPS_PROXY')
  t.equal(shownProxy({ url: 'http://u:p/@proxy', from: 'X' }), 'http://proxy of X')
  t.end()
})
