// The conf of every cniType, byte-exact: other tools compare it as text.
import t from 'tap'
import type { MultusConfigSpec } from '../../../../../lib/crd/multusconfig.js'
import { vlanName } from '../../../../../lib/ifname.js'
import { nadOf, OURS, UPSTREAM } from '../../../../../daemons/controller/reconcilers/nad/decide.js'
import { switchesIn } from '../../../../../lib/ipam/switches.js'

const COORD = '{"txQueueLen":0,"tunePodRoutes":true,"mode":"auto","type":"coordinator"}'

const smc = (name: string, spec: MultusConfigSpec, annotations?: Record<string, string>) => ({
  metadata: { name, namespace: 'kube-system', uid: 'u1', ...(annotations && { annotations }) },
  spec,
})

interface Case {
  readonly says: string
  readonly name: string
  readonly spec: MultusConfigSpec
  readonly plugins: readonly string[]
}

const CASES: readonly Case[] = [
  {
    says: 'macvlan with pools',
    name: 'macvlan-ens192',
    spec: { cniType: 'macvlan', macvlan: { master: ['ens192'], ippools: { ipv4: ['p4'], ipv6: ['p6'] } } },
    plugins: [
      '{"type":"macvlan","master":"ens192","mode":"bridge","mtu":0,"ipam":{"type":"spiderpool","default_ipv4_ippool":["p4"],"default_ipv6_ippool":["p6"]}}',
      COORD,
    ],
  },
  {
    says: 'macvlan on a VLAN of a bond',
    name: 'm',
    spec: {
      cniType: 'macvlan',
      macvlan: { master: ['eth0', 'eth1'], vlanID: 100, bond: { name: 'bond0', mode: 1 } },
    },
    plugins: [
      '{"vlanID":100,"type":"ifacer","interfaces":["eth0","eth1"],"bond":{"name":"bond0","mode":1,"options":""}}',
      '{"type":"macvlan","master":"bond0.100","mode":"bridge","mtu":0,"ipam":{"type":"spiderpool"}}',
      COORD,
    ],
  },
  {
    says: 'macvlan on a VLAN whose name would be too long: the name that ifacer makes',
    name: 'm',
    spec: { cniType: 'macvlan', macvlan: { master: ['enp129s0f0np0'], vlanID: 100 } },
    plugins: [
      '{"vlanID":100,"type":"ifacer","interfaces":["enp129s0f0np0"]}',
      `{"type":"macvlan","master":"${vlanName('enp129s0f0np0', 100)}","mode":"bridge","mtu":0,"ipam":{"type":"spiderpool"}}`,
      COORD,
    ],
  },
  {
    says: 'ipvlan',
    name: 'i',
    spec: { cniType: 'ipvlan', ipvlan: { master: ['ens192'] } },
    plugins: ['{"type":"ipvlan","master":"ens192","mtu":0,"ipam":{"type":"spiderpool"}}', COORD],
  },
  {
    says: 'ipvlan on a VLAN',
    name: 'i',
    spec: { cniType: 'ipvlan', ipvlan: { master: ['eth0'], vlanID: 100 } },
    plugins: [
      '{"vlanID":100,"type":"ifacer","interfaces":["eth0"]}',
      '{"type":"ipvlan","master":"eth0.100","mtu":0,"ipam":{"type":"spiderpool"}}',
      COORD,
    ],
  },
  {
    says: 'vlan, manual',
    name: 'v',
    spec: { cniType: 'vlan', vlan: { master: ['ens192'], vlanID: 100 } },
    plugins: [
      '{"type":"vlan","master":"ens192","vlanMode":"manual","vlanId":100,"mtu":0,"ipam":{"type":"spiderpool"}}',
      COORD,
    ],
  },
  {
    says: 'vlan, auto',
    name: 'va',
    spec: { cniType: 'vlan', vlan: { master: ['ens192'], vlanMode: 'auto' } },
    plugins: ['{"type":"vlan","master":"ens192","vlanMode":"auto","mtu":0,"ipam":{"type":"spiderpool"}}', COORD],
  },
  {
    says: 'vlan on a bond: ifacer makes the bond alone',
    name: 'vb',
    spec: {
      cniType: 'vlan',
      vlan: { master: ['a', 'b'], vlanID: 7, bond: { name: 'b0', mode: 4, options: 'miimon=100' } },
    },
    plugins: [
      '{"type":"ifacer","interfaces":["a","b"],"bond":{"name":"b0","mode":4,"options":"miimon=100"}}',
      '{"type":"vlan","master":"b0","vlanMode":"manual","vlanId":7,"mtu":0,"ipam":{"type":"spiderpool"}}',
      COORD,
    ],
  },
  {
    says: 'sriov with everything around it',
    name: 's',
    spec: {
      cniType: 'sriov',
      sriov: {
        resourceName: 'spidernet.io/sriov_netdevice',
        vlanID: 10,
        rdmaIsolation: true,
        mtu: 4200,
        ippools: { matchMasterSubnet: true },
      },
      chainCNIJsonData: ['{"type":"mychain","mtu":1}'],
    },
    plugins: [
      '{"vlan":10,"min_tx_rate":0,"max_tx_rate":0,"type":"sriov","ipam":{"type":"spiderpool","match_master_subnet":true}}',
      '{"type":"rdma"}',
      '{"mtu":1,"type":"mychain"}',
      COORD,
      '{"type":"tuning","mtu":4200}',
    ],
  },
  {
    says: 'ib-sriov',
    name: 'ib',
    spec: { cniType: 'ib-sriov', ibsriov: { resourceName: 'r' } },
    plugins: [
      '{"type":"ib-sriov","pkey":"","link_state":"enable","rdmaIsolation":true,"ibKubernetesEnabled":false,"ipam":{"type":"spiderpool"}}',
      COORD,
    ],
  },
  {
    says: 'ipoib',
    name: 'ipoib',
    spec: { cniType: 'ipoib', ipoib: { master: 'ib0' } },
    plugins: ['{"type":"ipoib","master":"ib0","ipam":{"type":"spiderpool"}}', COORD],
  },
  {
    says: 'ovs with a trunk',
    name: 'ovs',
    spec: {
      cniType: 'ovs',
      ovs: { bridge: 'br2', vlan: 40, deviceID: '0000:01:00.2', trunk: [{ minID: 100, maxID: 200 }, { id: 300 }] },
    },
    plugins: [
      '{"vlan":40,"type":"ovs","bridge":"br2","deviceID":"0000:01:00.2","ipam":{"type":"spiderpool"},"trunk":[{"minID":100,"maxID":200},{"id":300}]}',
      COORD,
    ],
  },
  {
    says: 'neither IPAM nor coordinator',
    name: 'bare',
    spec: { cniType: 'macvlan', disableIPAM: true, enableCoordinator: false, macvlan: { master: ['e'], mtu: 9000 } },
    plugins: ['{"type":"macvlan","master":"e","mode":"bridge","mtu":9000}'],
  },
  {
    says: 'a coordinator that says much',
    name: 'c',
    spec: {
      cniType: 'macvlan',
      macvlan: { master: ['e'] },
      coordinator: {
        mode: 'overlay',
        podCIDRType: 'cluster',
        podRPFilter: 2,
        txQueueLen: 100,
        vethMTU: 1400,
        vethLinkAddress: '169.254.100.1',
        podMACPrefix: '0a:1b',
        podDefaultRouteNIC: 'net1',
        hijackCIDR: ['169.254.0.0/16'],
        policyRoutes: [{ dst: '10.0.0.0/8', gw: '10.1.0.1' }],
        hostRuleTable: 600,
        tunePodRoutes: false,
      },
    },
    plugins: [
      '{"type":"macvlan","master":"e","mode":"bridge","mtu":0,"ipam":{"type":"spiderpool"}}',
      '{"txQueueLen":100,"vethLinkAddress":"169.254.100.1","vethMTU":1400,"tunePodRoutes":false,"podMACPrefix":"0a:1b","mode":"overlay","type":"coordinator","podDefaultRouteNic":"net1","podRPFilter":2,"hijackCIDR":["169.254.0.0/16"],"policyRoutes":[{"dst":"10.0.0.0/8","gw":"10.1.0.1"}]}',
    ],
  },
]
for (const { says, name, spec, plugins } of CASES)
  t.test(`nadOf() ${says}`, async t => {
    const { config } = nadOf(smc(name, spec), UPSTREAM).spec ?? {}
    t.equal(config, `{"cniVersion":"0.3.1","name":"${name}","plugins":[${plugins.join(',')}]}`)
    const ours = nadOf(smc(name, spec), OURS).spec?.config ?? ''
    t.equal(
      ours,
      (config ?? '')
        .replaceAll('"type":"macvlan"', '"type":"macvlan-wrapper"')
        .replaceAll('"type":"spiderpool"', '"type":"spiderpool-ipam"'),
      'only the plugin names differ with OURS',
    )
  })

t.test('nadOf() writes the switches of conf.yml that are not the default, behind the other keys', async t => {
  const spec: MultusConfigSpec = {
    ...{ cniType: 'macvlan', enableCoordinator: false, macvlan: { master: ['e'], ippools: { ipv4: ['p'] } } },
  }
  const ipamIn = (conf: object): string | undefined =>
    /"ipam":(\{.*\})\}\]/.exec(
      nadOf(smc('n', spec), { ...OURS, switches: switchesIn({ ...conf }) }).spec?.config ?? '',
    )?.[1]
  const plain = '{"type":"spiderpool-ipam","default_ipv4_ippool":["p"]'
  for (const [conf, more] of [
    [{}, ''],
    [{ enableIPv4: true, enableIPv6: true, enableSpiderSubnet: true, enableGatewayDetection: false }, ''],
    [{ enableIPv6: false, clusterNetwork: 'x' }, ',"enableIPv6":false'],
    [
      { enableGatewayDetection: true, enableIPConflictDetection: true, enableStatefulSet: false },
      ',"enableStatefulSet":false,"enableIPConflictDetection":true,"enableGatewayDetection":true',
    ],
  ] as const)
    t.equal(ipamIn(conf), `${plain}${more}}`)
})

t.test('nadOf() copies a custom conf byte for byte, and writes no empty one', async t => {
  const text = '{ "cniVersion": "0.3.1",\n "name": "x" , "type":"<a>" }'
  t.equal(nadOf(smc('x', { cniType: 'custom', customCNI: text }), OURS).spec?.config, text)
  t.strictSame(nadOf(smc('x', { cniType: 'custom' }), OURS).spec, {})
  t.strictSame(nadOf(smc('x', {}), OURS).spec, {}, 'custom is the default')
})

t.test('nadOf() takes name, CNI version and conf name from annotations, and copies them', async t => {
  const annotations = {
    'multus.spidernet.io/cr-name': 'other',
    'multus.spidernet.io/cni-version': '0.4.0',
    'cni.spidernet.io/cniconfig-name': 'inner',
    note: 'kept',
  }
  const nad = nadOf(
    smc('m', { cniType: 'sriov', sriov: { resourceName: 'r/x' }, enableCoordinator: false }, annotations),
    OURS,
  )
  t.equal(nad.metadata.name, 'other')
  t.match(nad.spec?.config, /^\{"cniVersion":"0\.4\.0","name":"inner",/)
  t.strictSame(nad.metadata.annotations, { ...annotations, 'k8s.v1.cni.cncf.io/resourceName': 'r/x' })
  t.match(nad.metadata.ownerReferences, [{ kind: 'SpiderMultusConfig', name: 'm', uid: 'u1', controller: true }])
})

t.test('nadOf() escapes HTML characters as Go does', async t => {
  const { config } =
    nadOf(smc('h', { cniType: 'macvlan', macvlan: { master: ['a&<b>'] }, enableCoordinator: false }), OURS).spec ?? {}
  t.match(config, /"master":"a\\u0026\\u003cb\\u003e"/)
})
