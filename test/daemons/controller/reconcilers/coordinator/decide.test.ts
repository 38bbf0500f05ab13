// statusOf(): sources of the cluster's CIDRs, and the reasons where they are unknown.
import t from 'tap'
import {
  firstConf,
  fromControllerManager,
  fromKubeadm,
  NO_CONTROLLER_MANAGER,
  remedyOf,
  statusOf,
  typeOfConf,
  typeOfConfName,
  type ClusterCidrs,
} from '../../../../../daemons/controller/reconcilers/coordinator/decide.js'

const map = (name: string, data: Record<string, string>) => ({ metadata: { name }, data })
const kubeadm = map('kubeadm-config', {
  ClusterConfiguration:
    'apiVersion: kubeadm.k8s.io/v1beta3\nnetworking:\n  dnsDomain: cluster.local\n  podSubnet: 10.244.64.0/18,fd00:10::/56\n  serviceSubnet: 10.233.0.0/18\n',
})
const manager = (command: readonly string[], args: readonly string[] = []) => ({
  metadata: { name: 'kube-controller-manager' },
  spec: { containers: [{ command, args }] },
})
const NOTHING: ClusterCidrs = {
  type: 'cluster',
  kubeadm: undefined,
  controllerManagers: [],
  serviceCidrs: undefined,
  calico: [],
  cilium: undefined,
  ciliumRef: 'kube-system/cilium-config',
  ciliumPools: 'absent',
  toleratesUnknown: false,
}

t.test('fromKubeadm() reads ClusterConfiguration', async t => {
  t.strictSame(fromKubeadm(kubeadm), { pods: ['10.244.64.0/18', 'fd00:10::/56'], services: ['10.233.0.0/18'] })
  t.strictSame(fromKubeadm(map('x', { ClusterConfiguration: 'podSubnet: "10.1.0.0/16"\nserviceSubnet: nonsense' })), {
    pods: ['10.1.0.0/16'],
    services: [],
  })
  for (const [text, pods, services] of [
    ['networking: {podSubnet: 10.1.0.0/16, serviceSubnet: 10.2.0.0/16}', ['10.1.0.0/16'], ['10.2.0.0/16']],
    [
      '{"networking":{"podSubnet":"10.1.0.0/16,fd00::/56","serviceSubnet":"10.2.0.0/16"}}',
      ['10.1.0.0/16', 'fd00::/56'],
      ['10.2.0.0/16'],
    ],
    ["  podSubnet: '10.1.0.0/16' # a comment\n  serviceSubnet:  10.2.0.0/16#x\n", ['10.1.0.0/16'], ['10.2.0.0/16']],
    ['# podSubnet: 10.9.0.0/16\n  oldpodSubnet: 10.8.0.0/16\n  podSubnet: 10.1.0.0/16\n', ['10.1.0.0/16'], []],
    ['podSubnet: ""\nserviceSubnet: 10.2.0.0/16', [], ['10.2.0.0/16']],
  ] as const)
    t.strictSame(fromKubeadm(map('x', { ClusterConfiguration: text })), { pods, services }, text)
  t.strictSame(fromKubeadm(undefined), { pods: [], services: [] })
})

t.test('fromControllerManager() reads flags of either form, in command or args', async t => {
  const is = { pods: ['10.1.0.0/16'], services: ['10.96.0.0/12', 'fd00::/108'] }
  const services = '--service-cluster-ip-range'
  t.strictSame(
    fromControllerManager(manager(['km', '--cluster-cidr=10.1.0.0/16', `${services}=10.96.0.0/12,fd00::/108`])),
    is,
  )
  t.strictSame(
    fromControllerManager(manager(['km'], ['--cluster-cidr', '10.1.0.0/16', services, '10.96.0.0/12,fd00::/108'])),
    is,
  )
  t.strictSame(
    fromControllerManager(
      manager(['sh', '-c'], [`exec km  --cluster-cidr="10.1.0.0/16"\n ${services} 10.96.0.0/12,fd00::/108 --v=2`]),
    ),
    is,
    'within a shell command',
  )
  t.strictSame(
    fromControllerManager(manager(['km', '--cluster-cidr', '10.1.0.0/16'], ['--cluster-cidr=10.9.0.0/16', services])),
    { pods: ['10.1.0.0/16'], services: [] },
    'the command precedes args, and a flag without a value is ignored',
  )
  t.strictSame(fromControllerManager(manager(['km', '--cluster-cidr-mask=1'])), { pods: [], services: [] })
  t.strictSame(fromControllerManager({ metadata: { name: 'x' } }), { pods: [], services: [] })
})

t.test("firstConf() is the runtime's conf, and its name has the type", async t => {
  t.equal(firstConf(['10-calico.conflist', '05-x.conf', '00-multus.conf', '01-x.txt']), '05-x.conf')
  t.equal(firstConf(['00-multus.conf']), undefined)
  const named = (name: string): string => typeOfConf(JSON.stringify({ name }))
  t.strictSame(['flannel', 'k8s-pod-network', 'calico', 'cilium', 'mine'].map(named), [
    'cluster',
    'calico',
    'calico',
    'cilium',
    'none',
  ])
  t.strictSame(['{', undefined].map(typeOfConf), ['none', 'none'])
  t.strictSame(['10-calico.conflist', '05-cilium.conf', '10-flannel.conflist', '10-x.conf'].map(typeOfConfName), [
    'calico',
    'cilium',
    'cluster',
    undefined,
  ])
})

const aged = (name: string, minute: number, spec: object) => ({
  metadata: { name, creationTimestamp: `2026-01-01T00:0${minute}:00Z` },
  spec,
})
const SAYS: readonly [says: string, found: Partial<ClusterCidrs>, status: object][] = [
  [
    'kubeadm, type cluster',
    { kubeadm },
    { phase: 'Synced', overlayPodCIDR: ['10.244.64.0/18', 'fd00:10::/56'], serviceCIDR: ['10.233.0.0/18'] },
  ],
  ['no source', {}, { phase: 'NotReady', reason: NO_CONTROLLER_MANAGER, overlayPodCIDR: [], serviceCIDR: [] }],
  [
    'no source, type none: Services are unknown too',
    { type: 'none' },
    { phase: 'NotReady', reason: NO_CONTROLLER_MANAGER },
  ],
  [
    'no source, type calico, Services known, unknown CIDRs tolerated',
    { type: 'calico', toleratesUnknown: true, serviceCidrs: [aged('kubernetes', 0, { cidrs: ['10.96.0.0/12'] })] },
    { phase: 'Synced', overlayPodCIDR: [], serviceCIDR: ['10.96.0.0/12'] },
  ],
  [
    'an incomplete kubeadm-config: kube-controller-manager replaces both',
    {
      kubeadm: map('kubeadm-config', { ClusterConfiguration: 'podSubnet: 10.1.0.0/16' }),
      controllerManagers: [manager(['--cluster-cidr=10.2.0.0/16', '--service-cluster-ip-range=10.3.0.0/16'])],
    },
    { phase: 'Synced', overlayPodCIDR: ['10.2.0.0/16'], serviceCIDR: ['10.3.0.0/16'] },
  ],
  [
    'ServiceCIDRs by age, before kubeadm',
    {
      kubeadm,
      type: 'none',
      serviceCidrs: [aged('b', 2, { cidrs: ['10.98.0.0/16'] }), aged('a', 1, { cidrs: ['10.97.0.0/16'] })],
    },
    { phase: 'Synced', overlayPodCIDR: [], serviceCIDR: ['10.97.0.0/16', '10.98.0.0/16'] },
  ],
  [
    'Calico, by age, without the disabled and the going',
    {
      kubeadm,
      type: 'calico',
      calico: [
        aged('late', 3, { cidr: '10.6.0.0/16' }),
        aged('early', 1, { cidr: '10.5.0.0/16' }),
        aged('off', 2, { cidr: '10.7.0.0/16', disabled: true }),
        { metadata: { name: 'going', deletionTimestamp: 'now' }, spec: { cidr: '10.8.0.0/16' } },
      ],
    },
    { phase: 'Synced', overlayPodCIDR: ['10.5.0.0/16', '10.6.0.0/16'] },
  ],
  [
    'Calico that is not there',
    { kubeadm, type: 'calico', calico: 'absent' },
    {
      phase: 'NotReady',
      reason: 'podCIDRType is calico, and the cluster has no ippools.crd.projectcalico.org',
      overlayPodCIDR: [],
      serviceCIDR: ['10.233.0.0/18'],
    },
  ],
  [
    'Calico that may not be listed: forbidden is not absent',
    { kubeadm, type: 'calico', calico: 'forbidden' },
    { phase: 'NotReady', reason: /^ippools\.crd\.projectcalico\.org may not be listed \(403\)/, overlayPodCIDR: [] },
  ],
  [
    'a forbidden kind that the type does not need',
    { kubeadm, type: 'cluster', calico: 'forbidden' },
    { phase: 'Synced' },
  ],
  [
    'Cilium, cluster-pool',
    {
      kubeadm,
      type: 'cilium',
      cilium: map('c', {
        ipam: 'cluster-pool',
        'cluster-pool-ipv4-cidr': '10.5.0.0/16',
        'cluster-pool-ipv6-cidr': 'fd00::/104',
      }),
    },
    { phase: 'Synced', overlayPodCIDR: ['10.5.0.0/16', 'fd00::/104'] },
  ],
  [
    'Cilium, kubernetes',
    { kubeadm, type: 'cilium', cilium: map('c', { ipam: 'kubernetes' }) },
    { phase: 'Synced', overlayPodCIDR: ['10.244.64.0/18', 'fd00:10::/56'] },
  ],
  [
    'Cilium, multi-pool',
    {
      kubeadm,
      type: 'cilium',
      cilium: map('c', { ipam: 'multi-pool' }),
      ciliumPools: [aged('p', 1, { ipv6: { cidrs: ['fd00::/64'] }, ipv4: { cidrs: ['10.9.0.0/16'] } })],
    },
    { phase: 'Synced', overlayPodCIDR: ['10.9.0.0/16', 'fd00::/64'] },
  ],
  [
    'Cilium, multi-pool without its kind',
    { kubeadm, type: 'cilium', cilium: map('c', { ipam: 'multi-pool' }) },
    {
      phase: 'NotReady',
      reason: 'the cilium multi-pool feature is unavailable',
      overlayPodCIDR: [],
      serviceCIDR: ['10.233.0.0/18'],
    },
  ],
  [
    'Cilium, multi-pool, and its kind may not be listed',
    { kubeadm, type: 'cilium', cilium: map('c', { ipam: 'multi-pool' }), ciliumPools: 'forbidden' },
    { phase: 'NotReady', reason: /^ciliumpodippools\.cilium\.io may not be listed \(403\)/, overlayPodCIDR: [] },
  ],
  ['Cilium, and no ConfigMap of it', { kubeadm, type: 'cilium' }, { reason: /cilium-config does not exist/ }],
  [
    'Cilium, cluster-pool-v2beta, several CIDRs in one key',
    {
      kubeadm,
      type: 'cilium',
      cilium: map('c', { ipam: 'cluster-pool-v2beta', 'cluster-pool-ipv4-cidr': '10.5.0.0/16 10.6.0.0/16' }),
    },
    { phase: 'Synced', overlayPodCIDR: ['10.5.0.0/16', '10.6.0.0/16'] },
  ],
  [
    'Cilium, another mode',
    { kubeadm, type: 'cilium', cilium: map('c', { ipam: 'eni' }) },
    { phase: 'NotReady', reason: 'unsupported CIlium IPAM mode: eni' },
  ],
  [
    'kubeadm in flow style',
    { kubeadm: map('k', { ClusterConfiguration: 'networking: {podSubnet: 10.1.0.0/16, serviceSubnet: 10.2.0.0/16}' }) },
    { phase: 'Synced', overlayPodCIDR: ['10.1.0.0/16'], serviceCIDR: ['10.2.0.0/16'] },
  ],
  [
    'kubeadm-config with neither: the reason names what is missing',
    { kubeadm: map('k', { ClusterConfiguration: 'networking: {serviceSubnet: 10.2.0.0/16}' }) },
    {
      phase: 'NotReady',
      reason: /^ConfigMap kube-system\/kubeadm-config has no podSubnet with a CIDR in data\.ClusterConfiguration/,
    },
  ],
  [
    'type none in the spec needs no pod CIDR: an incomplete kubeadm-config is enough',
    { type: 'none', toleratesUnknown: true, kubeadm: map('k', { ClusterConfiguration: 'serviceSubnet: 10.2.0.0/16' }) },
    { phase: 'Synced', overlayPodCIDR: [], serviceCIDR: ['10.2.0.0/16'] },
  ],
  [
    'type none in the spec needs no pod CIDR: ServiceCIDRs are enough',
    { type: 'none', toleratesUnknown: true, serviceCidrs: [aged('kubernetes', 0, { cidrs: ['10.96.0.0/12'] })] },
    { phase: 'Synced', overlayPodCIDR: [], serviceCIDR: ['10.96.0.0/12'] },
  ],
]
for (const [says, found, status] of SAYS)
  t.test(`statusOf() ${says}`, async t => {
    const is = statusOf({ ...NOTHING, ...found })
    t.match(is, status)
    if (is.phase === 'Synced') t.equal(is.reason, undefined)
  })

t.test('NO_CONTROLLER_MANAGER is byte-exact', async t =>
  t.equal(NO_CONTROLLER_MANAGER, 'No kube-controller-manager pod found, unable to get clusterCIDR'),
)
t.test('remedyOf() names the keys to write', async t => {
  t.match(
    remedyOf(NO_CONTROLLER_MANAGER),
    /^write "networking: .*ConfigMap kube-system\/kubeadm-config, or set spec\.podCIDRType/,
  )
  t.equal(remedyOf('another reason'), '')
})
