// planOf(): the objects of a fresh installation, from what Helm sets.
import t from 'tap'
import { networkIn, planOf, type InitEnv } from '../../../daemons/init/plan.js'

const made = (env: InitEnv, network?: string): readonly object[] => planOf(env, network).map(({ object }) => object)

t.test('planOf() of an empty environment is empty', async t =>
  t.strictSame(made({ SPIDERPOOL_INIT_ENABLE_MULTUS_CONFIG: 'false' }), []),
)

t.test('planOf() creates a SpiderCoordinator with defaults and without quotes', async t => {
  const env = {
    SPIDERPOOL_INIT_DEFAULT_COORDINATOR_NAME: '"default"',
    SPIDERPOOL_INIT_DEFAULT_COORDINATOR_POD_CIDR_TYPE: 'auto',
    SPIDERPOOL_INIT_DEFAULT_COORDINATOR_TUNE_POD_ROUTES: 'true',
    SPIDERPOOL_INIT_DEFAULT_COORDINATOR_HIJACK_CIDR: '["169.254.25.10", "10.0.0.0/8","fd00::1"]',
    SPIDERPOOL_INIT_DEFAULT_COORDINATOR_POLICY_ROUTES: '[{"dst":"10.0.0.0/8","gw":"10.1.0.1"}]',
  }
  t.strictSame(made(env), [
    {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderCoordinator',
      metadata: { name: 'default' },
      spec: {
        mode: 'auto',
        podCIDRType: 'auto',
        tunePodRoutes: true,
        podDefaultRouteNIC: '',
        podMACPrefix: '',
        hijackCIDR: ['169.254.25.10/32', '10.0.0.0/8', 'fd00::1/128'],
        policyRoutes: [{ dst: '10.0.0.0/8', gw: '10.1.0.1' }],
        vethMTU: 1500,
      },
    },
  ])
})

t.test('planOf() creates subnets before pools, and default pools', async t => {
  const env = {
    SPIDERPOOL_INIT_DEFAULT_IPV4_SUBNET_NAME: 's4',
    SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_NAME: 'p4',
    SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_SUBNET: '10.6.0.0/16',
    SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_IPRANGES: '["10.6.0.10-10.6.0.20","10.6.0.30"]',
    SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_GATEWAY: '10.6.0.1',
    SPIDERPOOL_INIT_DEFAULT_IPV6_IPPOOL_NAME: 'p6',
    SPIDERPOOL_INIT_DEFAULT_IPV6_IPPOOL_SUBNET: 'fd00::/64',
  }
  const ranges = { subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.20', '10.6.0.30'], gateway: '10.6.0.1' }
  t.match(made(env), [
    { kind: 'SpiderSubnet', metadata: { name: 's4' }, spec: { ipVersion: 4, ...ranges } },
    { kind: 'SpiderIPPool', metadata: { name: 'p4' }, spec: { ipVersion: 4, ...ranges, default: true } },
    {
      kind: 'SpiderIPPool',
      metadata: { name: 'p6' },
      spec: { ipVersion: 6, subnet: 'fd00::/64', ips: [], default: true },
    },
  ])
})

const MULTUS = { SPIDERPOOL_INIT_ENABLE_MULTUS_CONFIG: 'true', SPIDERPOOL_INIT_DEFAULT_CNI_NAMESPACE: 'kube-system' }
const NETWORKS: readonly (readonly [of: string, env: InitEnv, network: string | undefined, metadata: object])[] = [
  ['named by the chart', { SPIDERPOOL_INIT_DEFAULT_CNI_NAME: 'mine' }, 'cbr0', { name: 'mine' }],
  ['of the node', {}, 'cbr0', { name: 'cbr0' }],
  [
    'of Calico',
    {},
    'k8s-pod-network',
    { name: 'calico', annotations: { 'multus.spidernet.io/cr-name': 'k8s-pod-network' } },
  ],
  ['of a node without one', {}, undefined, { name: 'default' }],
]
for (const [of, env, network, metadata] of NETWORKS)
  t.test(`planOf() takes the default network ${of}`, async t =>
    t.match(made({ ...MULTUS, ...env }, network), [
      {
        kind: 'SpiderMultusConfig',
        metadata: { namespace: 'kube-system', ...metadata },
        spec: { cniType: 'custom', enableCoordinator: false },
      },
    ]),
  )

const C = 'SPIDERPOOL_INIT_DEFAULT_COORDINATOR_'
const BAD: readonly (readonly [env: InitEnv, says: RegExp])[] = [
  [{ [`${C}NAME`]: 'd', [`${C}VETH_MTU`]: '0' }, /VETH_MTU is "0"; give a whole number above 0/],
  [{ [`${C}NAME`]: 'd', [`${C}TUNE_POD_ROUTES`]: 'yes' }, /TUNE_POD_ROUTES is "yes"; give true or false/],
  [{ [`${C}NAME`]: 'd', [`${C}HIJACK_CIDR`]: '[all]' }, /HIJACK_CIDR is "\[all\]"/],
  [{ [`${C}NAME`]: 'd', [`${C}POLICY_ROUTES`]: '[{"dst":"x"}]' }, /POLICY_ROUTES is .*; give a JSON list/],
  [{ SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_NAME: 'p' }, /IPV4_IPPOOL_SUBNET is ""; give the CIDR of p/],
  [
    {
      SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_NAME: 'p',
      SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_SUBNET: '10.0.0.0/8',
      SPIDERPOOL_INIT_DEFAULT_IPV6_IPPOOL_NAME: 'p',
      SPIDERPOOL_INIT_DEFAULT_IPV6_IPPOOL_SUBNET: 'fd00::/64',
    },
    /IPV6_IPPOOL_NAME is "p"; give another name/,
  ],
  [{ SPIDERPOOL_INIT_ENABLE_MULTUS_CONFIG: 'true' }, /DEFAULT_CNI_NAMESPACE is ""/],
]
for (const [env, says] of BAD)
  t.test(`planOf() rejects ${Object.keys(env).at(-1)}`, async t =>
    t.throws(() => planOf(env, undefined), { message: says }),
  )

t.test('networkIn() reads the name of a conf', async t => {
  for (const [conf, name] of [
    ['{"name":"cbr0","plugins":[]}', 'cbr0'],
    ['{"plugins":[]}', undefined],
    ['{', undefined],
    ['[]', undefined],
  ] as const)
    t.equal(networkIn(conf), name)
})
