// Defaults, validation and injection of a SpiderMultusConfig, as tables.
import t from 'tap'
import type { MultusConfigSpec, SpiderMultusConfig } from '../../../lib/crd/multusconfig.js'
import { defaultMultusConfig } from '../../../lib/crd/multusdefault.js'
import { validateMultusConfig, type MultusContext } from '../../../lib/crd/multusrules.js'
import { attach, injectionOf, networkFaults, type PodToCreate } from '../../../lib/crd/podnetworks.js'

type Annotations = Record<string, string>
const smc = (spec: MultusConfigSpec, annotations?: Annotations, name = 'm'): SpiderMultusConfig => ({
  metadata: { name, namespace: 'ns', ...(annotations && { annotations }) },
  spec,
})
const alone: MultusContext = { old: undefined, definition: undefined }
const RDMA = 'cni.spidernet.io/rdma-resource-inject'
const NETWORK = 'cni.spidernet.io/network-resource-inject'
const NAME = 'multus.spidernet.io/cr-name'
const VERSION = 'multus.spidernet.io/cni-version'
const CAPABILITIES = 'multus.spidernet.io/capabilities'
const capabilityField = `metadata.annotations[${CAPABILITIES}]`
const nameField = `metadata.annotations[${NAME}]`

const COORDINATOR = {
  ...{ mode: 'auto', hijackCIDR: [], policyRoutes: [], vethLinkAddress: '', podMACPrefix: '' },
  ...{ podDefaultRouteNIC: '', podRPFilter: 0, tunePodRoutes: true, txQueueLen: 0 },
}
const COMMON = { enableCoordinator: true, disableIPAM: false, chainCNIJsonData: [], coordinator: COORDINATOR }
const NO_POOLS = { ipv4: [], ipv6: [] }
const given: readonly [string, MultusConfigSpec, object][] = [
  ['nothing', {}, { cniType: 'custom', enableCoordinator: false, chainCNIJsonData: [], customCNI: '' }],
  [
    'custom with a coordinator',
    { cniType: 'custom', customCNI: '{}', coordinator: { mode: 'auto' }, enableCoordinator: true },
    { cniType: 'custom', enableCoordinator: false, chainCNIJsonData: [], customCNI: '{}' },
  ],
  [
    'macvlan',
    { cniType: 'macvlan', macvlan: { master: ['a'] } },
    { ...COMMON, cniType: 'macvlan', macvlan: { master: ['a'], vlanID: 0, rdmaResourceName: '', ippools: NO_POOLS } },
  ],
  [
    'ipvlan',
    { cniType: 'ipvlan', ipvlan: { master: ['a'], vlanID: 7 } },
    { ...COMMON, cniType: 'ipvlan', ipvlan: { master: ['a'], vlanID: 7, rdmaResourceName: '', ippools: NO_POOLS } },
  ],
  [
    'vlan',
    { cniType: 'vlan', vlan: { master: ['a'] } },
    {
      ...COMMON,
      cniType: 'vlan',
      vlan: { master: ['a'], vlanMode: 'manual', rdmaResourceName: '', ippools: NO_POOLS },
    },
  ],
  [
    'sriov',
    { cniType: 'sriov', sriov: {} },
    {
      ...COMMON,
      cniType: 'sriov',
      sriov: { resourceName: '', vlanID: 0, mtu: 0, minTxRateMbps: 0, maxTxRateMbps: 0, ippools: NO_POOLS },
    },
  ],
  [
    'ib-sriov',
    { cniType: 'ib-sriov', ibsriov: {} },
    { ...COMMON, cniType: 'ib-sriov', ibsriov: { pkey: '', ippools: NO_POOLS } },
  ],
  [
    'ipoib',
    { cniType: 'ipoib', ipoib: { master: 'a' } },
    { ...COMMON, cniType: 'ipoib', ipoib: { master: 'a', ippools: NO_POOLS } },
  ],
  [
    'ovs',
    { cniType: 'ovs', ovs: { bridge: 'b' } },
    { ...COMMON, cniType: 'ovs', ovs: { bridge: 'b', vlan: 0, ippools: NO_POOLS } },
  ],
  ['no settings', { cniType: 'macvlan' }, { ...COMMON, cniType: 'macvlan' }],
  [
    'its own coordinator',
    { cniType: 'macvlan', coordinator: { mode: 'overlay', tunePodRoutes: false, hijackCIDR: ['10.0.0.1'] } },
    {
      ...COMMON,
      cniType: 'macvlan',
      coordinator: { ...COORDINATOR, mode: 'overlay', tunePodRoutes: false, hijackCIDR: ['10.0.0.1/32'] },
    },
  ],
]
for (const [of, spec, becomes] of given)
  t.test(`defaultMultusConfig() completes one with ${of}`, t => {
    const made = defaultMultusConfig(smc(spec))
    t.strictSame(made.spec, becomes)
    t.strictSame(defaultMultusConfig(made), made, 'twice is once')
    t.end()
  })

t.test('defaultMultusConfig() copies injection annotations to labels', t => {
  t.strictSame(defaultMultusConfig(smc({}, { [RDMA]: 'r', [NETWORK]: 'n', x: 'y' })).metadata.labels, {
    [RDMA]: 'r',
    [NETWORK]: 'n',
  })
  t.equal(defaultMultusConfig(smc({}, { x: 'y' })).metadata.labels, undefined)
  const going = { metadata: { name: 'm', deletionTimestamp: 'x', annotations: { [RDMA]: 'r' } } }
  t.strictSame(defaultMultusConfig(going), going)
  t.end()
})

const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const macvlan: MultusConfigSpec = { cniType: 'macvlan', macvlan: { master: ['eth0'] } }
const fromCustom: MultusConfigSpec = { ...macvlan, customCNI: '', enableCoordinator: false }
const placeholder: MultusConfigSpec = { cniType: 'custom', customCNI: '', enableCoordinator: false }
const isTurnedOff = { [APPLIED]: '{"spec":{"cniType":"macvlan","enableCoordinator":false}}' }
const applied: readonly (readonly [string, SpiderMultusConfig, MultusConfigSpec | undefined, object])[] = [
  ['over an empty custom one', smc(fromCustom), placeholder, { customCNI: undefined, enableCoordinator: true }],
  ['that turns the coordinator off', smc(fromCustom, isTurnedOff), placeholder, { enableCoordinator: false }],
  ['over a custom conf', smc(fromCustom), { ...placeholder, customCNI: '{}' }, { customCNI: '' }],
  ['over macvlan', smc({ ...macvlan, enableCoordinator: false }), macvlan, { enableCoordinator: false }],
  ['without an old one', smc(fromCustom), undefined, { customCNI: '', enableCoordinator: false }],
]
for (const [name, config, old, expected] of applied)
  t.test(`defaultMultusConfig() of a macvlan config ${name}`, t => {
    const { spec } = defaultMultusConfig(config, old && smc(old))
    for (const [key, value] of Object.entries(expected)) t.equal(spec?.[key as keyof MultusConfigSpec], value, key)
    t.end()
  })

const on = (more: object): MultusConfigSpec => ({ cniType: 'macvlan', macvlan: { master: ['a'], ...more } })
const vlan = (more: object): MultusConfigSpec => ({ cniType: 'vlan', vlan: { master: ['a'], ...more } })
const sriov = (more: object): MultusConfigSpec => ({ cniType: 'sriov', sriov: { resourceName: 'x/y', ...more } })
const ovs = (more: object): MultusConfigSpec => ({ cniType: 'ovs', ovs: { bridge: 'b', ...more } })
const trunk = (...all: object[]): MultusConfigSpec => ovs({ trunk: all })
const RANGE = 'it must be from 0 to 4094'
const MASTER = 'it must be a name of at most 15 bytes or an altname of at most 127, without blanks, "/" and ":"'
const TOGETHER = 'minID and maxID belong together; give both or id alone'
const bond = { name: 'bond0', mode: 1 }
type Row = readonly [MultusConfigSpec, readonly string[]]
const cases: readonly Row[] = [
  [{}, []],
  [{ cniType: 'macvlan' }, ['spec.macvlan required: spec.cniType macvlan needs it']],
  [{ cniType: 'ib-sriov' }, ['spec.ibsriov required: spec.cniType ib-sriov needs it']],
  [
    { ...on({}), ipvlan: { master: ['a'] } },
    ['spec.ipvlan forbidden: spec.cniType is macvlan: only spec.macvlan can be given'],
  ],
  [{ ...on({}), customCNI: '' }, ['spec.customCNI forbidden: spec.cniType is macvlan: only spec.macvlan can be given']],
  [
    { macvlan: { master: ['a'] } },
    ['spec.macvlan forbidden: spec.cniType is custom: only spec.customCNI can be given'],
  ],
  [on({}), []],
  [on({ master: [] }), ['spec.macvlan.master invalid: it must name a NIC']],
  [on({ master: ['a', ''], bond }), ['spec.macvlan.master[1] invalid: it must name a NIC']],
  [on({ master: ['a', 'a'], bond }), ['spec.macvlan.master[1] invalid: it is there twice; name each NIC once']],
  ...['eth0 ', 'a b', 'a/b', 'eth0:1', '.', '..', '\t', 'é'.repeat(64), 'a'.repeat(128)].map((name): Row => [
    on({ master: [name] }),
    [`spec.macvlan.master[0] invalid: ${MASTER}`],
  ]),
  ...['enp129s0f0np0', 'wan-side-of-the-first-rack', 'é'.repeat(63), 'a'.repeat(127)].map((name): Row => [
    on({ master: [name] }),
    [],
  ]),
  [
    on({ master: ['a', 'b'], bond: { name: 'a-bond-of-16-let', mode: 1 } }),
    ['spec.macvlan.bond.name invalid: it must be a name of at most 15 bytes without blanks, "/" and ":"'],
  ],
  [{ cniType: 'ipoib', ipoib: { master: 'ib0 ' } }, [`spec.ipoib.master invalid: ${MASTER}`]],
  [on({ master: ['a', 'b'] }), ['spec.macvlan.bond required: several masters need a bond with a name']],
  [
    on({ master: ['a', 'b'], bond: { name: '', mode: 1 } }),
    ['spec.macvlan.bond required: several masters need a bond with a name'],
  ],
  [on({ master: ['a', 'b'], bond }), []],
  [on({ vlanID: 4094 }), []],
  [on({ vlanID: 4095 }), [`spec.macvlan.vlanID invalid: ${RANGE}`]],
  [on({ vlanID: -1 }), [`spec.macvlan.vlanID invalid: ${RANGE}`]],
  [on({ mtu: 0 }), []],
  [on({ mtu: -1 }), ['spec.macvlan.mtu invalid: it must be 0 or more']],
  [
    on({ ippools: { matchMasterSubnet: true } }),
    ['spec.macvlan.ippools.matchMasterSubnet forbidden: only cniType sriov has it'],
  ],
  [{ cniType: 'ipvlan', ipvlan: { master: [] } }, ['spec.ipvlan.master invalid: it must name a NIC']],
  [vlan({ vlanMode: 'manual', vlanID: 0 }), []],
  [vlan({ vlanMode: 'manual' }), ['spec.vlan.vlanID required: vlanMode manual needs it']],
  [vlan({}), ['spec.vlan.vlanID required: vlanMode manual needs it']],
  [vlan({ vlanMode: 'auto' }), []],
  [vlan({ vlanMode: 'auto', vlanID: 5 }), ['spec.vlan.vlanID forbidden: vlanMode auto finds it; leave it out']],
  [sriov({ ippools: { matchMasterSubnet: true } }), []],
  [sriov({ resourceName: '' }), ['spec.sriov.resourceName invalid: it must not be empty']],
  [sriov({ vlanID: 4095 }), [`spec.sriov.vlanID invalid: ${RANGE}`]],
  [sriov({ minTxRateMbps: 5, maxTxRateMbps: 5 }), []],
  [
    sriov({ minTxRateMbps: 6, maxTxRateMbps: 5 }),
    ['spec.sriov.minTxRateMbps invalid: it must not be more than maxTxRateMbps, 5'],
  ],
  [{ cniType: 'ib-sriov', ibsriov: {} }, ['spec.ibsriov.resourceName invalid: it must not be empty']],
  [
    { cniType: 'ib-sriov', ibsriov: { resourceName: 'x/y', ippools: { matchMasterSubnet: true } } },
    ['spec.ibsriov.ippools.matchMasterSubnet forbidden: only cniType sriov has it'],
  ],
  [{ cniType: 'ipoib', ipoib: { master: 'ib0' } }, []],
  [{ cniType: 'ipoib', ipoib: {} }, ['spec.ipoib.master invalid: it must not be empty']],
  [ovs({ vlan: 40 }), []],
  [ovs({ bridge: '' }), ['spec.ovs.bridge invalid: it must not be empty']],
  [ovs({ vlan: 4095 }), [`spec.ovs.vlan invalid: ${RANGE}`]],
  [trunk({ minID: 100, maxID: 200 }, { id: 300 }, { minID: 1, maxID: 1 }), []],
  [trunk({ id: 4095 }), [`spec.ovs.trunk[0].id invalid: ${RANGE}`]],
  [trunk({ minID: 1, maxID: 4095 }), [`spec.ovs.trunk[0].maxID invalid: ${RANGE}`]],
  [trunk({ id: 1 }, { maxID: 9 }), [`spec.ovs.trunk[1] invalid: ${TOGETHER}`]],
  [trunk({ minID: 9 }), [`spec.ovs.trunk[0] invalid: ${TOGETHER}`]],
  [trunk({ minID: 9, maxID: 8 }), ['spec.ovs.trunk[0].minID invalid: it must not be more than maxID, 8']],
  [{ customCNI: '{"plugins":[]}' }, []],
  [{ customCNI: '{' }, ['spec.customCNI invalid: it must be JSON']],
  [{ ...on({}), chainCNIJsonData: ['{"type":"tuning"}'] }, []],
  ...['{', '[]', '{}', '{"type":""}', '{"type":1}', 'null'].map((text): Row => [
    { ...on({}), chainCNIJsonData: ['{"type":"a"}', text] },
    ['spec.chainCNIJsonData[1] invalid: it must be a JSON object with the type of a CNI plugin'],
  ]),
  [
    { ...on({}), coordinator: { podMACPrefix: 'x' } },
    ['spec.coordinator.podMACPrefix invalid: it must be two bytes such as 0a:1b'],
  ],
  [{ ...on({}), coordinator: {} }, []],
]
for (const [spec, faults] of cases)
  t.test(`validateMultusConfig() ${faults.length === 0 ? 'accepts' : 'rejects'} ${JSON.stringify(spec)}`, t => {
    t.strictSame(
      validateMultusConfig(smc(spec), alone).map(({ field, kind, why }) => `${field} ${kind}: ${why}`),
      faults,
    )
    t.end()
  })

const owned = (name: string): MultusContext => ({
  old: undefined,
  definition: {
    metadata: { name: 'm', ownerReferences: [{ apiVersion: '', kind: 'SpiderMultusConfig', name, uid: '' }] },
  },
})
const was = (annotations?: Annotations): MultusContext => ({ ...alone, old: smc(on({}), annotations) })
const pools = { ippools: { ipv4: ['p'] } }
const annotated: readonly [string, SpiderMultusConfig, MultusContext, readonly string[]][] = [
  ['a name', smc(on({}), { [NAME]: 'other.name' }), alone, []],
  [
    'a name that is none',
    smc(on({}), { [NAME]: 'A' }),
    alone,
    [`${nameField} invalid: it must be a name such as macvlan-conf (DNS-1123 subdomain)`],
  ],
  [
    'a master that was none before',
    smc(on({ master: ['eth0 '], mtu: 9000 })),
    { ...alone, old: smc(on({ master: ['eth0 '] })) },
    [],
  ],
  ['the name it had', smc(on({}), { [NAME]: 'x' }), was({ [NAME]: 'x' }), []],
  ['no name any more', smc(on({})), was({ [NAME]: 'x' }), []],
  [
    'another name',
    smc(on({}), { [NAME]: 'y' }),
    was({ [NAME]: 'x' }),
    [`${nameField} forbidden: it can be removed, but neither changed nor added later; make another`],
  ],
  [
    'a name later',
    smc(on({}), { [NAME]: 'y' }),
    was(),
    [`${nameField} forbidden: it can be removed, but neither changed nor added later; make another`],
  ],
  ['capabilities', smc(on({}), { [CAPABILITIES]: 'mac, ips' }), alone, []],
  [
    'an unknown capability',
    smc(on({}), { [CAPABILITIES]: 'ips,bandwidth' }),
    alone,
    [`${capabilityField} unsupported: it must be ips or mac`],
  ],
  [
    'no capability',
    smc(on({}), { [CAPABILITIES]: ' , ' }),
    alone,
    [`${capabilityField} invalid: it must name ips, mac or both, with a comma`],
  ],
  [
    'a capability of a custom conf',
    smc({ cniType: 'custom', customCNI: '{"type":"x","name":"n","cniVersion":"1.0.0"}' }, { [CAPABILITIES]: 'ips' }),
    alone,
    [`${capabilityField} forbidden: spec.cniType is custom; declare capabilities in spec.customCNI`],
  ],
  ['a version', smc(on({}), { [VERSION]: '1.0.0' }), alone, []],
  ['the newest version', smc(on({}), { [VERSION]: '1.1.0' }), alone, []],
  [
    'an unknown version',
    smc(on({}), { [VERSION]: '0.2.0' }),
    alone,
    [`metadata.annotations[${VERSION}] unsupported: it must be 0.3.0, 0.3.1, 0.4.0, 1.0.0 or 1.1.0`],
  ],
  ['a definition of its own', smc(on({})), owned('m'), []],
  ['a definition without owner', smc(on({})), { ...alone, definition: { metadata: { name: 'm' } } }, []],
  [
    'a definition of another',
    smc(on({})),
    owned('o'),
    ['metadata.name forbidden: NetworkAttachmentDefinition m belongs to SpiderMultusConfig o; take another name'],
  ],
  ['RDMA with all of it', smc(on({ rdmaResourceName: 'x/y', ...pools }), { [RDMA]: 'r' }), alone, []],
  [
    'RDMA with nothing',
    smc(on({}), { [RDMA]: 'r' }),
    alone,
    [
      `spec.macvlan.rdmaResourceName invalid: annotation ${RDMA} needs it`,
      `spec.macvlan.ippools invalid: annotation ${RDMA} needs a pool of IPv4 or IPv6`,
    ],
  ],
  [
    'RDMA on ipoib',
    smc({ cniType: 'ipoib', ipoib: { master: 'ib0', ippools: { ipv6: ['p'] } } }, { [RDMA]: 'r' }),
    alone,
    [],
  ],
  [
    'RDMA on custom',
    smc({}, { [RDMA]: 'r' }),
    alone,
    [`metadata.annotations[${RDMA}] forbidden: cniType custom cannot be injected`],
  ],
  ['networks without a resource', smc(on({}), { [NETWORK]: 'r' }), alone, []],
  [
    'networks with a resource and no pool',
    smc(on({ rdmaResourceName: 'x/y' }), { [NETWORK]: 'r' }),
    alone,
    [`spec.macvlan.ippools invalid: annotation ${NETWORK} needs a pool of IPv4 or IPv6`],
  ],
  [
    'networks on ovs',
    smc(ovs({}), { [NETWORK]: 'r' }),
    alone,
    [`metadata.annotations[${NETWORK}] forbidden: cniType ovs cannot be injected`],
  ],
]
for (const [of, config, around, faults] of annotated)
  t.test(`validateMultusConfig() ${faults.length === 0 ? 'accepts' : 'rejects'} ${of}`, t => {
    t.strictSame(
      validateMultusConfig(config, around).map(({ field, kind, why }) => `${field} ${kind}: ${why}`),
      faults,
    )
    t.end()
  })

const carrier = (annotations?: Annotations) => ({ metadata: { ...(annotations && { annotations }) } })
t.test('injectionOf() prefers the pod to its Namespace, and RDMA to network', t => {
  t.equal(injectionOf(carrier(), undefined), undefined)
  t.equal(injectionOf(carrier({ [RDMA]: '' }), carrier()), undefined)
  t.strictSame(injectionOf(carrier({ [RDMA]: 'a', [NETWORK]: 'b' }), carrier({ [RDMA]: 'c' })), {
    annotation: RDMA,
    value: 'a',
  })
  t.strictSame(injectionOf(carrier({ [NETWORK]: 'b' }), carrier({ [RDMA]: 'c' })), { annotation: NETWORK, value: 'b' })
  t.strictSame(injectionOf(carrier(), carrier({ [NETWORK]: 'd' })), { annotation: NETWORK, value: 'd' })
  t.end()
})

t.test('networkFaults() rejects a missing or unusable config', t => {
  const choice = { annotation: RDMA, value: 'r' } as const
  t.match(networkFaults(choice, []), [{ why: `no SpiderMultusConfig has the label ${RDMA}=r` }])
  t.strictSame(networkFaults(choice, [smc(on({ rdmaResourceName: 'x/y', ...pools }))]), [])
  t.match(networkFaults(choice, [smc(on(pools))]), [
    { why: /^SpiderMultusConfig ns\/m cannot be used: spec\.macvlan\.rdmaResourceName/ },
  ])
  t.end()
})

t.test('attach() sorts networks by NIC; the first container requests missing resources', t => {
  const configs = [
    smc({ cniType: 'macvlan', macvlan: { master: ['eth9'], rdmaResourceName: 'x/nine' } }, undefined, 'a'),
    smc({ cniType: 'macvlan', macvlan: { master: ['b', 'c'], bond, rdmaResourceName: 'x/one' } }, undefined, 'z'),
    smc({ cniType: 'macvlan', macvlan: { master: ['eth9'], rdmaResourceName: 'x/nine' } }, undefined, 'b'),
  ]
  const pod: PodToCreate = {
    metadata: { annotations: { 'k8s.v1.cni.cncf.io/networks': 'old', x: 'y' } },
    spec: {
      containers: [{ name: 'one', resources: { limits: { cpu: 1 } } }, { resources: { limits: { 'x/one': 2 } } }],
    },
  }
  t.strictSame(attach(pod, configs), {
    metadata: { annotations: { 'k8s.v1.cni.cncf.io/networks': 'ns/z,ns/a,ns/b', x: 'y' } },
    spec: {
      containers: [
        { name: 'one', resources: { limits: { cpu: 1, 'x/nine': '1' } } },
        { resources: { limits: { 'x/one': 2 } } },
      ],
    },
  })
  t.strictSame(
    attach({ metadata: {}, spec: { containers: [{}] } }, [smc({ cniType: 'ipoib', ipoib: { master: 'ib0' } })]),
    {
      metadata: { annotations: { 'k8s.v1.cni.cncf.io/networks': 'ns/m' } },
      spec: { containers: [{}] },
    },
  )
  t.end()
})
