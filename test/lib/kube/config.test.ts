// Kubeconfigs as people write them: every way to say who one is, and every broken file as one
// sentence with its name.
import t from 'tap'
import { parse } from 'yaml'
import { inCluster, loadKubeconfig, type ClusterConfig } from '../../../lib/kube/config.js'
import { kubeconfigPaths } from '../../../lib/kube/entry.js'
import type { KubeconfigHost, ExecResult } from '../../../lib/kube/entry.js'

const CERT = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
const KEY = '-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n'
const b64 = (text: string): string => Buffer.from(text).toString('base64')

interface Fake extends KubeconfigHost {
  time: number
  readonly files: Record<string, string>
  readonly ran: { command: readonly string[]; env: Readonly<Record<string, string>> }[]
}

function fake(
  files: Readonly<Record<string, string>>,
  { runs, env = {} }: { runs?: () => ExecResult; env?: KubeconfigHost['env'] } = {},
): Fake {
  const host: Fake = {
    files: { ...files },
    ran: [],
    time: 0,
    env,
    now: () => host.time,
    yaml: text => parse(text) as unknown,
    read(path) {
      const text = host.files[path]
      if (text === undefined)
        throw Object.assign(new Error('no'), { code: path.includes('secret') ? 'EACCES' : 'ENOENT' })
      return text
    },
    run(command, given) {
      host.ran.push({ command, env: given })
      return runs?.() ?? { exitCode: 1, stdout: '', stderr: 'no program' }
    },
  }
  return host
}

const FILE = '/etc/k/config'
/** A whole kubeconfig with one of each. */
const whole = (cluster: object, user: object | undefined): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'ctx',
  contexts: [{ name: 'ctx', context: { cluster: 'c', namespace: 'ns', ...(user && { user: 'u' }) } }],
  clusters: [
    { name: 'other', cluster: {} },
    { name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } },
  ],
  ...(user && { users: [{ name: 'u', user }] }),
})
const beside = {
  '/etc/k/ca.crt': CERT,
  '/pki/u.crt': CERT,
  '/pki/u.key': KEY,
  '/pki/token': 'from-file\n',
  '/pki/bad': 'no pem',
}

const load = (cluster: object, user?: object): ClusterConfig =>
  loadKubeconfig([FILE], fake({ [FILE]: JSON.stringify(whole(cluster, user)), ...beside }))

const good: readonly { name: string; cluster?: object; user?: object; is: object; who?: object }[] = [
  { name: 'no user', is: { server: 'https://10.0.0.1:6443', tls: {}, namespace: 'ns' } },
  { name: 'a token', user: { token: 'tt' }, is: {}, who: { authorization: 'Bearer tt' } },
  { name: 'a token file', user: { tokenFile: '/pki/token' }, is: {}, who: { authorization: 'Bearer from-file' } },
  {
    name: 'certificates inside',
    cluster: { 'certificate-authority-data': b64(CERT) },
    user: { 'client-certificate-data': b64(CERT), 'client-key-data': b64(KEY) },
    is: { tls: { ca: CERT, cert: CERT, key: KEY } },
  },
  {
    name: 'certificates in files, one beside the kubeconfig',
    cluster: { 'certificate-authority': 'ca.crt' },
    user: { 'client-certificate': '/pki/u.crt', 'client-key': '/pki/u.key' },
    is: { tls: { ca: CERT, cert: CERT, key: KEY } },
  },
  {
    name: 'what is inside counts more than the file',
    cluster: { 'certificate-authority': '/not/there', 'certificate-authority-data': b64(CERT) },
    is: { tls: { ca: CERT } },
  },
  { name: 'a name for TLS', cluster: { 'tls-server-name': 'kubernetes' }, is: { tls: { serverName: 'kubernetes' } } },
  {
    name: 'no verification',
    cluster: { 'insecure-skip-tls-verify': true },
    is: { tls: { rejectUnauthorized: false } },
  },
  { name: 'a slash at the end', cluster: { server: 'https://h:1/' }, is: { server: 'https://h:1' } },
  {
    name: 'a path, as behind a proxy',
    cluster: { server: 'https://h/k8s/clusters/x' },
    is: { server: 'https://h/k8s/clusters/x' },
  },
  { name: 'IPv6', cluster: { server: 'https://[fd00::1]:6443' }, is: { server: 'https://[fd00::1]:6443' } },
  {
    name: 'a unix socket',
    cluster: { server: 'unix:///run/x.sock' },
    is: { server: 'http://localhost', unix: '/run/x.sock' },
  },
  {
    name: 'empty strings are not there',
    user: { token: 'tt', username: '', 'client-key': '' },
    is: {},
    who: { authorization: 'Bearer tt' },
  },
]
for (const { name, cluster = {}, user, is, who } of good)
  t.test(`loadKubeconfig() reads ${name}`, t => {
    const config = load(cluster, user)
    t.match(config, is)
    t.strictSame(who === undefined ? undefined : { authorization: config.credential?.().authorization }, who)
    t.end()
  })

t.test('loadKubeconfig() has no TLS options for http', t => {
  t.equal(load({ server: 'http://127.0.0.1:8080', 'certificate-authority-data': b64(CERT) }).tls, undefined)
  t.end()
})

t.test('tokenFile takes precedence over token; relative paths start at the kubeconfig', t => {
  const host = fake({ [FILE]: JSON.stringify(whole({}, { token: 'tt', tokenFile: 'token' })), '/etc/k/token': 'mine' })
  t.equal(loadKubeconfig([FILE], host).credential?.().authorization, 'Bearer mine')
  t.end()
})

t.test('loadKubeconfig() reads YAML as JSON', t => {
  const yaml = `apiVersion: v1
current-context: ctx
contexts: [{name: ctx, context: {cluster: c, user: u}}]
clusters:
- name: c
  cluster:
    server: https://h:1
    insecure-skip-tls-verify: true
users:
- {name: u, user: {token: tt}}
`
  const config = loadKubeconfig([FILE], fake({ [FILE]: yaml }))
  t.match(config, { server: 'https://h:1', tls: { rejectUnauthorized: false } })
  t.equal(config.credential?.().authorization, 'Bearer tt')
  t.end()
})

const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws' }
const bad: readonly { cluster?: object; user?: object; text?: string; says: RegExp }[] = [
  { text: '', says: /not a YAML or JSON object/ },
  { text: '[]', says: /not a YAML or JSON object/ },
  { text: 'a: [', says: /neither YAML nor JSON \(.+\)$/ },
  { text: '{"a": ', says: /neither YAML nor JSON/ },
  { text: '{}', says: /has no current-context; write one/ },
  { text: '{"current-context":"x"}', says: /names context "x", which is not under contexts/ },
  { text: '{"current-context":"x","contexts":[{"name":"x"}]}', says: /names cluster "", which is not under clusters/ },
  {
    text: '{"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c"}}],"clusters":"c"}',
    says: /names cluster "c", which is not under clusters/,
  },
  {
    text: JSON.stringify({ ...whole({}, { token: 't' }), users: null }),
    says: /names user "u", which is not under users/,
  },
  { cluster: { server: '' }, says: /cluster "c" has no server; write server: https:\/\/HOST:PORT/ },
  { cluster: { server: '10.0.0.1:6443' }, says: /has server "10.0.0.1:6443"; write https:/ },
  { cluster: { server: 'https://' }, says: /has server "https:\/\/"/ },
  { cluster: { server: 'https://h:99999' }, says: /has server "https:\/\/h:99999"/ },
  { cluster: { server: 'ftp://h' }, says: /has server "ftp:\/\/h"/ },
  { cluster: { server: 'https://h?x=1' }, says: /has server/ },
  { cluster: { server: 'unix://x' }, says: /has server "unix:\/\/x"; write .* or unix:\/\/\/PATH/ },
  {
    cluster: { 'proxy-url': 'socks5://p:1080' },
    says: /the proxy socks5:..p:1080 of proxy-url of cluster "c" is not supported; write it as http/,
  },
  {
    cluster: { 'certificate-authority-data': 'AAAA' },
    says: /certificate-authority-data of "c" holds no PEM CERTIFICATE/,
  },
  {
    cluster: { 'certificate-authority': '/not/there' },
    says: /file certificate-authority of "c", \/not\/there, cannot be read \(ENOENT\)/,
  },
  { cluster: { 'certificate-authority': '/secret' }, says: /cannot be read \(EACCES\)/ },
  { cluster: { 'certificate-authority': '/pki/bad' }, says: /\/pki\/bad, holds no PEM CERTIFICATE/ },
  {
    cluster: { 'certificate-authority-data': b64(CERT), 'insecure-skip-tls-verify': true },
    says: /both a certificate-authority and insecure-skip-tls-verify; remove one/,
  },
  { user: { 'client-certificate': '/pki/u.crt' }, says: /has a client-certificate and no client-key; write both/ },
  { user: { 'client-key': '/pki/u.key' }, says: /has a client-key and no client-certificate; write both/ },
  { user: { 'client-certificate': '/pki/u.key', 'client-key': '/pki/u.key' }, says: /holds no PEM CERTIFICATE/ },
  {
    user: { username: 'a', password: 'b' },
    says: /user "u" has basic authentication, .*use a token or a client certificate/,
  },
  { user: { 'auth-provider': { name: 'gcp' } }, says: /has an auth-provider, .*use exec/ },
  { user: { token: 't', as: 'root' }, says: /has impersonation \(as\)/ },
  { user: { token: 'a b' }, says: /token of user "u" is not a bearer token/ },
  { user: { token: 'a\nb' }, says: /token of user "u" is not a bearer token/ },
  { user: { token: 7 }, says: /token of user "u" is not a bearer token/ },
  { user: { tokenFile: '/not/there' }, says: /tokenFile \/not\/there of user "u" cannot be read \(ENOENT\)/ },
  { user: { exec: 'aws' }, says: /exec of user "u" is not an object/ },
  {
    user: { exec: {} },
    says: /has apiVersion missing; it must be client.authentication.k8s.io\/v1 or client.authentication.k8s.io\/v1beta1/,
  },
  {
    user: { exec: { ...exec, apiVersion: 'client.authentication.k8s.io/v1alpha1' } },
    says: /has apiVersion "client.authentication.k8s.io\/v1alpha1"/,
  },
  { user: { exec: { ...exec, command: '' } }, says: /has no command; name the program/ },
  { user: { exec: { ...exec, interactiveMode: 'Always' } }, says: /wants a terminal/ },
  { user: { exec }, says: /ran aws, which ended with 1: no program/ },
]
for (const { cluster = {}, user, text, says } of bad)
  t.test(`loadKubeconfig() rejects ${text ?? JSON.stringify({ ...cluster, ...user })}`, t => {
    const host = fake({ [FILE]: text ?? JSON.stringify(whole(cluster, user)), ...beside })
    const error = thrown(() => loadKubeconfig([FILE], host).credential?.())
    t.match(error, { name: 'KubeError', status: 0, reason: 'BadConfig', message: says })
    t.match(error.message, /^kubeconfig \/etc\/k\/config: [^\n]+$/)
    t.end()
  })

function thrown(does: () => unknown): Error {
  try {
    does()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

t.test('loadKubeconfig() of missing files', t => {
  t.throws(() => loadKubeconfig(['/a'], fake({})), {
    message: /^kubeconfig \/a: there is no such file; set ipam.kubeconfig or KUBECONFIG/,
  })
  t.throws(() => loadKubeconfig(['/secret'], fake({})), { message: /it cannot be read \(EACCES\)/ })
  t.throws(() => loadKubeconfig(['/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig'], fake({})), {
    message:
      /there is no such file; the node agent writes it where SPIDERPOOL_INSTALL_KUBECONFIG is true .*: does its pod run on this node\? Otherwise set/,
  })
  t.throws(() => loadKubeconfig(['/a', '/b'], fake({})), {
    message: /^kubeconfig \/a:\/b: none of these files is there/,
  })
  t.throws(() => loadKubeconfig(['/a', '/secret'], fake({})), {
    message: /^kubeconfig \/secret: it cannot be read \(EACCES\)/,
  })
  t.end()
})

t.test('loadKubeconfig() of several files takes the first definition', t => {
  const first = { 'current-context': 'ctx', users: [{ name: 'u', user: { token: 'first' } }] }
  const second = { ...whole({ 'certificate-authority': 'ca.crt' }, { token: 'second' }), 'current-context': 'no' }
  const host = fake({ '/a/k': JSON.stringify(first), '/b/k': JSON.stringify(second), '/b/ca.crt': CERT })
  const config = loadKubeconfig(['/a/k', '/gone', '/b/k'], host)
  t.match(config, { server: 'https://10.0.0.1:6443', tls: { ca: CERT } }, 'a path starts at the file it stands in')
  t.equal(config.credential?.().authorization, 'Bearer first')
  t.end()
})

const orders = [
  { conf: '/c', KUBECONFIG: '/a:/b', paths: ['/c'] },
  { conf: '', KUBECONFIG: '/a:/b', paths: ['/a', '/b'] },
  { conf: undefined, KUBECONFIG: '::/a:', paths: ['/a'] },
  { conf: undefined, KUBECONFIG: ':', paths: ['/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig'] },
  { conf: undefined, KUBECONFIG: undefined, paths: ['/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig'] },
]
for (const { conf, KUBECONFIG, paths } of orders)
  t.test(
    `kubeconfigPaths() of conf ${conf ?? 'absent'} and KUBECONFIG ${KUBECONFIG ?? 'absent'}: ${paths.join(' ')}`,
    t => {
      t.strictSame(kubeconfigPaths(conf, { KUBECONFIG }), paths)
      t.end()
    },
  )

const SA = '/var/run/secrets/kubernetes.io/serviceaccount'
t.test('inCluster() reads the service account', t => {
  const files = { [`${SA}/ca.crt`]: CERT, [`${SA}/token`]: 'sa', [`${SA}/namespace`]: 'kube-system\n' }
  const config = inCluster(fake(files, { env: { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' } }))
  t.match(config, { server: 'https://[fd00::1]:443', tls: { ca: CERT }, namespace: 'kube-system' })
  t.equal(config.credential?.().authorization, 'Bearer sa')
  t.throws(() => inCluster(fake(files)), { message: /KUBERNETES_SERVICE_HOST .* not set: this is not a pod/ })
  t.end()
})

t.test(
  'credential() reads a token file again after a second or a step back of the clock, and keeps the old token if that fails',
  t => {
    const host = fake({ [FILE]: JSON.stringify(whole({}, { tokenFile: '/t' })), '/t': 'one' })
    const who = loadKubeconfig([FILE], host).credential
    const at = (time: number, content: string | undefined): string | undefined => {
      host.time = time
      if (content === undefined) delete host.files['/t']
      else host.files['/t'] = content
      return who?.().authorization
    }
    t.strictSame(
      [at(0, 'one'), at(999, 'two'), at(1_000, 'two'), at(2_000, undefined), at(2_000, ''), at(2_000, 'three')],
      ['Bearer one', 'Bearer one', 'Bearer two', 'Bearer two', 'Bearer two', 'Bearer three'],
    )
    t.equal(at(-3_600_000, 'four'), 'Bearer four', 'an hour back')
    t.end()
  },
)

const credential = (status: object, apiVersion = exec.apiVersion): string =>
  JSON.stringify({ kind: 'ExecCredential', apiVersion, status })
const answering = (user: object, stdout: () => string): { host: Fake; config: ClusterConfig } => {
  const runs = (): ExecResult => ({ exitCode: 0, stdout: stdout(), stderr: '' })
  const host = fake(
    { [FILE]: JSON.stringify(whole({ 'tls-server-name': 'k' }, { exec: user })) },
    { runs, env: { HOME: '/root' } },
  )
  return { host, config: loadKubeconfig([FILE], host) }
}

t.test('credential() runs an exec plugin once until its credential expires', t => {
  let issued = 0
  const { host, config } = answering(exec, () =>
    credential({ token: `t${++issued}`, expirationTimestamp: '1970-01-01T00:10:00Z' }),
  )
  const at = (time: number): string | undefined => {
    host.time = time
    return config.credential?.().authorization
  }
  t.strictSame(
    [at(0), at(589_999), at(590_000)],
    ['Bearer t1', 'Bearer t1', 'Bearer t2'],
    'ten seconds before it expires it is renewed',
  )
  t.equal(host.ran.length, 2)
  t.end()
})

t.test('runPlugin() passes KUBERNETES_EXEC_INFO and env', t => {
  const user = {
    ...exec,
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    command: './bin/x',
    args: ['get-token', '--a'],
    env: [{ name: 'A', value: 'b' }],
    provideClusterInfo: true,
  }
  const { host, config } = answering(user, () =>
    credential({ clientCertificateData: CERT, clientKeyData: KEY }, user.apiVersion),
  )
  t.strictSame(config.credential?.(), { cert: CERT, key: KEY })
  t.strictSame(host.ran[0]?.command, ['/etc/k/./bin/x', 'get-token', '--a'])
  t.match(host.ran[0]?.env, { HOME: '/root', A: 'b' })
  t.strictSame(JSON.parse(host.ran[0]?.env['KUBERNETES_EXEC_INFO'] ?? ''), {
    apiVersion: user.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server: 'https://10.0.0.1:6443', 'tls-server-name': 'k' } },
  })
  t.end()
})

const prints = [
  { stdout: 'hello', says: /what is not an ExecCredential: "hello"/ },
  {
    stdout: credential({ token: 't' }, 'client.authentication.k8s.io/v1beta1'),
    says: /apiVersion ".*v1beta1" where .*\/v1 was asked for/,
  },
  { stdout: credential({}), says: /neither a token nor a clientCertificateData/ },
  {
    stdout: credential({ clientCertificateData: CERT }),
    says: /one of clientCertificateData and clientKeyData without the other/,
  },
  {
    stdout: credential({ token: 't', expirationTimestamp: 'soon' }),
    says: /expirationTimestamp "soon", which is no time/,
  },
  { stdout: credential({ token: 'a b' }), says: /what exec gave as token of user "u" is not a bearer token/ },
]
for (const { stdout, says } of prints)
  t.test(`runPlugin() rejects ${stdout}`, t => {
    const { config } = answering(exec, () => stdout)
    t.throws(() => config.credential?.(), { reason: 'BadConfig', message: says })
    t.end()
  })

t.test('runPlugin() reports a missing program', t => {
  const host = fake(
    { [FILE]: JSON.stringify(whole({}, { exec })) },
    { runs: () => ({ exitCode: null, stdout: '', stderr: 'ENOENT' }) },
  )
  const { credential: who } = loadKubeconfig([FILE], host)
  t.throws(() => who?.(), { message: /could not run aws: ENOENT; is it installed on this node/ })
  t.end()
})
