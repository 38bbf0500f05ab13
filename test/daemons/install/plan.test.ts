// Settings of spiderpool-install, and the kubeconfig that it writes.
import t from 'tap'
import { accountFault, installedFiles, kubeconfigOf, settingsOf, usesClientOf } from '../../../daemons/install/plan.js'

t.test('settingsOf() reads the environment', async t => {
  t.same(settingsOf([], {}), {
    binFolder: '/host/opt/cni/bin',
    confFolder: '/host/etc/cni/net.d',
    isOnce: false,
    usesClient: true,
  })
  t.same(settingsOf(['--once'], { CNI_BIN_DIR: '/b', CNI_CONF_DIR: '/c' }), {
    binFolder: '/b',
    confFolder: '/c',
    isOnce: true,
    usesClient: true,
  })
  t.throws(() => settingsOf(['--twice'], {}), { message: 'unknown argument "--twice"; see --help' })
})

t.test('usesClientOf() takes true and false', async t => {
  for (const [value, uses] of [
    ['true', true],
    ['false', false],
    ['', true],
  ] as const)
    t.equal(usesClientOf({ SPIDERPOOL_CNI_CLIENT: value }), uses, value)
  t.throws(() => usesClientOf({ SPIDERPOOL_CNI_CLIENT: 'off' }), {
    message: 'SPIDERPOOL_CNI_CLIENT is "off"; it must be true or false',
  })
})

t.test('installedFiles() has the full image first, by either setting', async t => {
  for (const usesClient of [true, false]) {
    const [first, ...names] = installedFiles(usesClient)
    t.strictSame(first, { name: '.spiderpool-plugins', kind: 'image' })
    t.strictSame(new Set(names.map(({ kind }) => kind)), new Set([usesClient ? 'client' : 'image']))
  }
})

t.test('kubeconfigOf() has the API server’s address in the pod’s environment', async t => {
  const account = { token: 'T', ca: 'PEM' }
  for (const [env, server] of [
    [{ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, 'https://10.96.0.1:443'],
    [{ KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' }, 'https://10.96.0.1:6443'],
    [{ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT_HTTPS: '443' }, 'https://[fd00::1]:443'],
  ] as const)
    t.match(JSON.parse(kubeconfigOf(account, env)), {
      clusters: [{ cluster: { server, 'certificate-authority-data': 'UEVN' } }],
      users: [{ user: { token: 'T' } }],
    })
  t.throws(() => kubeconfigOf(account, {}), { message: /^KUBERNETES_SERVICE_HOST is not set; / })
})

t.test('accountFault() names what is empty', async t => {
  t.equal(accountFault({ token: 'T', ca: 'PEM' }), undefined)
  t.equal(accountFault({ token: '', ca: 'PEM' }), 'the service account token is empty')
  t.equal(accountFault({ token: 'T', ca: '\n' }), 'ca.crt of the service account is empty')
})
