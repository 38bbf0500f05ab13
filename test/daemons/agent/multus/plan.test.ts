// Multus' conf: whose it is, which network it names.
import t from 'tap'
import {
  clusterNetworkOf,
  confNames,
  firstNetwork,
  isReplaceable,
  multusConf,
  type MultusSettings,
} from '../../../../daemons/agent/multus/plan.js'

const SETTINGS: MultusSettings = {
  clusterNetwork: '',
  namespace: 'kube-system',
  hostFolder: '/etc/cni/net.d',
  logLevel: 'error',
  logFile: '/var/log/multus.log',
}

t.test('confNames() has the confs of other networks in the kubelet’s order', async t => {
  const others = ['00-multus.conf', 'x-multus-y.conflist', '05-a.conf.cilium_bak', 'multus.d', 'b.conf.part', '.x']
  t.strictSame(confNames([...others, '20-c.json', '10-b.conflist', '05-a.conf']), [
    ...['05-a.conf', '10-b.conflist', '20-c.json'],
  ])
})

const named = (name: unknown): { file: string; text: string } => ({ file: 'x.conf', text: JSON.stringify({ name }) })
const CHOICES = [
  { what: 'the named one', given: 'm', files: [named('a')], waitedMs: 0, network: 'm' },
  { what: 'the first conf’s', given: '', files: [named('a'), named('b')], waitedMs: 99_999, network: 'a' },
  { what: 'none while a conf may come', given: '', files: [], waitedMs: 29_999, network: undefined },
  { what: 'default after half a minute', given: '', files: [], waitedMs: 30_000, network: 'default' },
  { what: 'the first that has a name', given: '', files: [named(''), named(7), named('b')], waitedMs: 0, network: 'b' },
] as const
for (const { what, given, files, waitedMs, network } of CHOICES)
  t.test(`clusterNetworkOf() is ${what}`, async t =>
    t.equal(clusterNetworkOf({ ...SETTINGS, clusterNetwork: given }, files, waitedMs), network),
  )

t.test('firstNetwork() skips a conf that is no JSON object', async t => {
  const broken = ['{', '[]', 'null', '"x"', ''].map(text => ({ file: 'x.conf', text }))
  t.equal(firstNetwork(broken), undefined)
  t.equal(firstNetwork([...broken, named('a')]), 'a')
})

const OURS = JSON.parse(multusConf(SETTINGS, 'a')) as Record<string, unknown>
const OWNERS: readonly (readonly [what: string, conf: unknown, isOurs: boolean])[] = [
  ['what multusConf() makes', OURS, true],
  ['another log level, an older version of it', { ...OURS, logLevel: 'debug', logOptions: undefined }, true],
  ['one that embeds a delegate, as Multus’ installer', { ...OURS, delegates: [{}] }, false],
  ['one without a cluster network', { ...OURS, clusterNetwork: undefined }, false],
  ['one of another namespace', { ...OURS, multusNamespace: 'x' }, false],
  ['one with another kubeconfig', { ...OURS, kubeconfig: '/x' }, false],
  ['another plugin’s', { ...OURS, type: 'bridge' }, false],
  ['a list', [OURS], false],
]
for (const [what, conf, isOurs] of OWNERS)
  t.test(`isReplaceable(): ${what}`, async t => t.equal(isReplaceable(JSON.stringify(conf), SETTINGS), isOurs))
t.test('isReplaceable(): text that is no JSON', async t => t.equal(isReplaceable('{', SETTINGS), false))

t.test('multusConf() names paths of the node', async t => {
  const text = multusConf({ ...SETTINGS, hostFolder: '/etc/k3s/net.d' }, 'n')
  t.match(JSON.parse(text), {
    ...{ cniVersion: '0.3.1', name: 'multus-cni-network', type: 'multus', clusterNetwork: 'n' },
    ...{ confDir: '/etc/k3s/net.d/', kubeconfig: '/etc/k3s/net.d/multus.d/multus.kubeconfig' },
    ...{ multusNamespace: 'kube-system', logLevel: 'error', capabilities: { portMappings: true, bandwidth: true } },
  })
  t.ok(text.endsWith('\n'))
})
