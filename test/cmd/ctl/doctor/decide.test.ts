// What `doctor` finds, as tables: a healthy cluster, and one fault at a time.
import t from 'tap'
import { findingsOf, NEEDED_CRDS } from '../../../../cmd/ctl/doctor/decide.js'
import type { ClusterFacts } from '../../../../cmd/ctl/doctor/facts.js'
import {
  duplicateMacs,
  lastErrors,
  masterFindings,
  ruleFindings,
  sysctlFindings,
} from '../../../../cmd/ctl/doctor/kernel-decide.js'
import { EMPTY_NETNS, type ObservedLink } from '../../../../lib/plan/state.js'
import type { Mac } from '../../../../lib/ip/mac.js'

const NOW = Date.parse('2026-12-01T12:00:00Z')
const DAY = 86_400_000
const crd = (version: string) => ({ metadata: { name: 'x' }, spec: { versions: [{ name: version, served: true }] } })
const nad = (config: object | string) => ({
  metadata: { name: 'net', namespace: 'kube-system' },
  spec: { config: typeof config === 'string' ? config : JSON.stringify(config) },
})
const agent = (node: string, image = 'spiderpool:1') => ({
  metadata: { name: `agent-${node}` },
  spec: { nodeName: node, containers: [{ image }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
})
const pool = (spec: object) => ({
  metadata: { name: 'p' },
  spec: { subnet: '10.0.0.0/16', ips: ['10.0.0.10-10.0.0.20'], ...spec },
})

const HEALTHY: ClusterFacts = {
  now: NOW,
  crds: Object.fromEntries(NEEDED_CRDS.map(name => [name, crd(name.startsWith('network') ? 'v1' : 'v2beta1')])),
  webhooks: [
    {
      metadata: { name: 'spiderpool-controller' },
      webhooks: [
        { name: 'spiderippool.spiderpool.spidernet.io', clientConfig: { service: { name: 'c', namespace: 's' } } },
      ],
    },
  ],
  endpoints: { 's/c': 1 },
  certificates: [{ of: 'secret/certs', notAfter: NOW + 300 * DAY }],
  admission: { kind: 'admitted', message: '' },
  lease: {
    metadata: { name: 'lease' },
    spec: { holderIdentity: 'c-0', renewTime: '2026-12-01T11:59:58Z', leaseDurationSeconds: 15 },
  },
  agents: [agent('n1'), agent('n2')],
  hasAgents: true,
  nodes: [
    { metadata: { name: 'n1', labels: { zone: 'a' } }, status: { addresses: [{ address: '10.0.0.2' }] } },
    { metadata: { name: 'n2' } },
  ] as unknown as NonNullable<ClusterFacts['nodes']>,
  namespaces: [{ metadata: { name: 'default', labels: { team: 'x' } } }],
  coordinator: { metadata: { name: 'default' }, status: { phase: 'Synced', serviceCIDR: ['10.96.0.0/16'] } },
  hasKubeadmConfig: true,
  nads: [
    nad({ plugins: [{ type: 'macvlan', master: 'eth0', ipam: { type: 'spiderpool', default_ipv4_ippool: ['p*'] } }] }),
  ],
  pools: [pool({})],
  ...{ subnets: [], reserved: [], agentNamespace: 'kube-system', clusterNetwork: 'net', lacking: [] },
}

t.test('findingsOf() finds nothing in a healthy cluster', async t => t.strictSame(findingsOf(HEALTHY), []))

const [FIRST = ''] = NEEDED_CRDS
const FAULTS: readonly {
  readonly facts: Partial<ClusterFacts>
  readonly check: string
  readonly what: RegExp
  readonly isNote?: true
}[] = [
  { facts: { crds: { ...HEALTHY.crds, [FIRST]: null } }, check: 'crds', what: /does not exist/ },
  { facts: { crds: { ...HEALTHY.crds, [FIRST]: crd('v1beta1') } }, check: 'crds', what: /serves v1beta1, not v2beta1/ },
  { facts: { endpoints: { 's/c': 0 } }, check: 'webhooks', what: /Service s\/c has no ready endpoint/ },
  {
    facts: { admission: { kind: 'failed', message: 'failed calling webhook: EOF' } },
    check: 'webhooks',
    what: /failed calling webhook: EOF/,
  },
  { facts: { webhooks: [] }, check: 'webhooks', what: /no webhook/, isNote: true },
  {
    facts: { certificates: [{ of: 'secret/certs', notAfter: NOW - 2 * DAY }] },
    check: 'certificates',
    what: /has expired 2 days ago/,
  },
  {
    facts: { certificates: [{ of: 'secret/certs', notAfter: NOW + 5 * DAY }] },
    check: 'certificates',
    what: /expires in 5 days/,
    isNote: true,
  },
  { facts: { lease: null }, check: 'leader', what: /no controller leads/ },
  {
    facts: { lease: { metadata: { name: 'l' }, spec: { holderIdentity: 'c-0', renewTime: '2026-12-01T11:58:00Z' } } },
    check: 'leader',
    what: /c-0 renewed it 120 s ago/,
  },
  { facts: { agents: [agent('n1')] }, check: 'agents', what: /no agent is on it/ },
  {
    facts: { agents: [agent('n1'), { ...agent('n2'), status: { phase: 'Pending' } }] },
    check: 'agents',
    what: /agent of n2 is not ready \(Pending\)/,
  },
  {
    facts: { agents: [agent('n1'), agent('n2', 'spiderpool:2')] },
    check: 'agents',
    what: /agents of 2 versions/,
    isNote: true,
  },
  { facts: { coordinator: null }, check: 'coordinator', what: /does not exist/ },
  {
    facts: {
      coordinator: { metadata: { name: 'default' }, status: { phase: 'NotReady', reason: 'no CIDRs' } },
      hasKubeadmConfig: false,
    },
    ...{ check: 'coordinator', what: /phase is NotReady: no CIDRs/ },
  },
  { facts: { clusterNetwork: 'other' }, check: 'multus', what: /MULTUS_CLUSTER_NETWORK names it/ },
  { facts: { nads: [nad('{')] }, check: 'networks', what: /is not JSON/ },
  {
    facts: {
      nads: [nad({ plugins: [{ type: 'macvlan', ipam: { type: 'spiderpool', default_ipv4_ippool: ['gone'] } }] })],
    },
    ...{ check: 'networks', what: /names SpiderIPPool gone/ },
  },
  { facts: { pools: [pool({ nodeName: ['n9'] })] }, check: 'pools', what: /spec.nodeName \(n9\) names no node/ },
  {
    facts: { pools: [pool({ nodeAffinity: { matchLabels: { zone: 'b' } } })] },
    check: 'pools',
    what: /spec.nodeAffinity selects no node/,
  },
  { facts: { pools: [pool({ namespaceName: ['x'] })] }, check: 'pools', what: /spec.namespaceName \(x\)/ },
  {
    facts: { pools: [pool({ namespaceAffinity: { matchLabels: { team: 'y' } } })] },
    check: 'pools',
    what: /spec.namespaceAffinity/,
  },
  {
    facts: { pools: [pool({ multusName: ['nowhere'] })] },
    check: 'pools',
    what: /spec.multusName \(kube-system\/nowhere\)/,
  },
  { facts: { pools: [pool({ ips: [] })] }, check: 'pools', what: /spec.ips is empty/ },
  { facts: { pools: [pool({ ips: ['10.0.0.1-10.0.0.9'] })] }, check: 'overlap', what: /node n1 at 10.0.0.2/ },
  { facts: { pools: [pool({ subnet: '10.96.0.0/16', ips: ['10.96.0.9'] })] }, check: 'overlap', what: /Service CIDR/ },
  { facts: { lacking: ['list nodes'], nodes: undefined }, check: 'rights', what: /may not list nodes/, isNote: true },
]

for (const { facts, check, what, isNote } of FAULTS)
  t.test(`findingsOf() names the fault, its reason and what mends it: ${String(what)}`, async t => {
    const found = findingsOf({ ...HEALTHY, ...facts })
    const one = found.find(each => each.check === check)
    t.match(one, { what }, JSON.stringify(found))
    t.equal(one?.isNote, isNote)
    t.ok(one !== undefined && one.why.length > 10 && one.mend.length > 10)
    t.equal(found.length, 1, 'and nothing else')
  })

t.test('findingsOf() says nothing about what could not be read', async t => {
  const unread = {
    crds: undefined,
    webhooks: undefined,
    lease: undefined,
    agents: undefined,
    nodes: undefined,
    namespaces: undefined,
  }
  const more = {
    coordinator: undefined,
    hasKubeadmConfig: undefined,
    nads: undefined,
    pools: undefined,
    subnets: undefined,
    reserved: undefined,
  }
  t.strictSame(findingsOf({ ...HEALTHY, ...unread, ...more, certificates: [], endpoints: {} }), [])
})

const link = (name: string, more: Partial<ObservedLink> = {}): ObservedLink => ({
  ...{ index: 1, name, kind: undefined, mtu: 1500, mac: undefined, flags: 0, up: true, operState: 6, queueLength: 0 },
  ...{ parent: undefined, parentElsewhere: false, master: undefined },
  ...more,
})

t.test('masterFindings() finds a missing master, one that is down, and an MTU', async t => {
  const found = (links: readonly ObservedLink[], more = {}) =>
    masterFindings(links, [nad({ plugins: [{ type: 'macvlan', master: 'eth1', ...more }] })]).map(({ what }) => what)
  t.strictSame(found([link('eth1')]), [])
  t.match(found([link('eth0')])[0], /names master eth1, which this node does not have/)
  t.match(found([link('eth1', { up: false })])[0], /eth1 .* is down/)
  t.match(found([link('eth1')], { mtu: 9000 })[0], /has MTU 9000, and its master eth1 1500/)
  const ifacer = nad({ plugins: [{ type: 'ifacer' }, { type: 'macvlan', master: 'eth1.5' }] })
  t.strictSame(masterFindings([link('eth1')], [ifacer]), [], 'ifacer makes it')
})

t.test('duplicateMacs() finds one MAC address in two namespaces', async t => {
  const mac = '0a:00:00:00:00:01' as Mac
  const state = { ...EMPTY_NETNS, links: [link('eth0', { mac, kind: 'macvlan' })] }
  t.strictSame(duplicateMacs([['a', state]]), [])
  t.match(
    duplicateMacs([
      ['a', state],
      ['b', state],
    ])[0]?.what,
    `MAC address ${mac} is on eth0 of a and eth0 of b`,
  )
})

t.test('sysctlFindings() and ruleFindings() name the value and the order', async t => {
  t.match(sysctlFindings({ 'net/ipv4/conf/all/rp_filter': '1\n' }), [
    { what: 'net.ipv4.conf.all.rp_filter is 1', mend: 'sysctl -w net.ipv4.conf.all.rp_filter=0' },
  ])
  t.strictSame(sysctlFindings({ 'net/ipv4/conf/all/rp_filter': '2\n' }), [])
  const own = { family: 4, priority: 1000, table: 500 } as const
  t.strictSame(ruleFindings([{ family: 4, priority: 0, table: 255 }, own], 500), [])
  t.match(ruleFindings([{ family: 4, priority: 100, table: 77 }, own], 500), [
    { what: /rule 100 \(table 77\) comes before that of table 500/ },
  ])
})

t.test('lastErrors() takes the last three errors of a log, and no other line', async t => {
  const line = (level: string, msg: string): string => JSON.stringify({ level, msg })
  const text = ['{"cut', line('INFO', 'a'), ...['b', 'c', 'd', 'e'].map(one => line('ERROR', one)), ''].join('\n')
  t.strictSame(lastErrors(text), ['c', 'd', 'e'])
})
