// The Go format of allocated addresses: read into SpiderIPAddresses, written from them.
import t from 'tap'
import { adoptionOf, projectionOf, recordsIn } from '../../../../../daemons/controller/reconcilers/ippool/adopt.js'
import { isFromGo } from '../../../../../daemons/controller/reconcilers/sources.js'
import type { SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../../../lib/crd/types.js'

const TEXTS: readonly (readonly [of: string, text: string, ips: readonly string[], unreadable: readonly string[]])[] = [
  ['one record', '{"10.0.0.1":{"pod":"default/a","podUid":"u"}}', ['10.0.0.1'], []],
  ['IPv6', '{"FD00::0:1":{"pod":"default/a","podUid":"u"}}', ['fd00::1'], []],
  ['nothing', '{}', [], []],
  ['invalid JSON', '{"10.0.0.1"', [], ['the whole text']],
  ['a list', '[]', [], ['the whole text']],
  ['no address', '{"ten":{"pod":"default/a","podUid":"u"}}', [], ['ten']],
  ['no pod', '{"10.0.0.1":{"podUid":"u"}}', [], ['10.0.0.1']],
  ['a pod without a namespace', '{"10.0.0.1":{"pod":"a","podUid":"u"}}', [], ['10.0.0.1']],
  ['a path', '{"10.0.0.1":{"pod":"a/b/c","podUid":"u"}}', [], ['10.0.0.1']],
  ['no UID', '{"10.0.0.1":{"pod":"default/a","podUid":""}}', [], ['10.0.0.1']],
  ['null', '{"10.0.0.1":null,"10.0.0.2":{"pod":"default/a","podUid":"u"}}', ['10.0.0.2'], ['10.0.0.1']],
]
for (const [of, text, ips, unreadable] of TEXTS)
  t.test(`recordsIn() of ${of} reads ${ips.length} records and reports ${unreadable.length}`, async t => {
    const parsed = recordsIn(text)
    t.strictSame(
      parsed.records.map(({ ip }) => ip),
      ips,
    )
    t.strictSame(parsed.unreadable, unreadable)
  })

const pool = (records: object): SpiderIPPool => ({
  metadata: { name: 'p', uid: 'pool-uid' },
  spec: { subnet: '10.0.0.0/24', ips: ['10.0.0.1-10.0.0.9'] },
  status: { allocatedIPs: JSON.stringify(records) },
})
const endpoint: SpiderEndpoint = {
  metadata: { name: 'web-0', namespace: 'ns' },
  status: {
    current: {
      uid: 'u1',
      node: 'n7',
      ips: [
        { interface: 'eth0', ipv4: '10.0.0.4/24', ipv4Pool: 'p' },
        { interface: 'net1', ipv4: '10.0.0.5/24', ipv4Pool: 'p' },
      ],
    },
    ownerControllerType: 'StatefulSet',
    ownerControllerName: 'web',
  },
}
const record = { '10.0.0.5': { pod: 'ns/web-0', podUid: 'u1' } }
const none = { isWanted: () => true, addressNamed: () => undefined, endpointOf: () => undefined }

t.test('adoptionOf() creates objects with interface, node and owner of the pod’s SpiderEndpoint', async t => {
  const { create, contested } = adoptionOf(pool(record), {
    ...none,
    endpointOf: key => (key === 'ns/web-0' ? endpoint : undefined),
  })
  t.strictSame(contested, [])
  t.match(create, [
    {
      metadata: {
        name: '10.0.0.5',
        labels: { 'ipam.spidernet.io/ippool-uid': 'pool-uid', 'ipam.spidernet.io/pod-uid': 'u1' },
      },
      spec: {
        address: '10.0.0.5/24',
        pool: 'p',
        nic: 'net1',
        node: 'n7',
        pod: { namespace: 'ns', name: 'web-0', uid: 'u1' },
        owner: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' },
      },
    },
  ])
})

t.test('adoptionOf() makes the pod the owner where no SpiderEndpoint has its UID', async t => {
  const { create } = adoptionOf(pool({ '10.0.0.5': { pod: 'ns/web-0', podUid: 'u0' } }), {
    ...none,
    endpointOf: () => endpoint,
  })
  t.match(create, [{ spec: { nic: '', node: '', owner: { apiVersion: 'v1', kind: 'Pod', name: 'web-0' } } }])
})

t.test('adoptionOf() skips what is held already and reports what another pod holds', async t => {
  const [held] = adoptionOf(pool(record), none).create
  const other = held && { ...held, spec: { ...held.spec, pod: { namespace: 'ns', name: 'z', uid: 'u9' } } }
  t.strictSame(adoptionOf(pool(record), { ...none, addressNamed: () => held }), {
    create: [],
    renew: [],
    contested: [],
    unreadable: [],
    waiting: [],
  })
  t.match(adoptionOf(pool(record), { ...none, addressNamed: () => other }), {
    create: [],
    contested: [{ record: { ip: '10.0.0.5' }, holder: { spec: { pod: { uid: 'u9' } } } }],
  })
  t.strictSame(adoptionOf(pool(record), { ...none, isWanted: () => false }).create, [])
})

const address = (ip: string, pod: string, owner = 'Pod', ownerName = pod): SpiderIPAddress => ({
  apiVersion: '',
  kind: '',
  metadata: { name: ip },
  spec: {
    address: `${ip}/24`,
    ipVersion: 4,
    pool: 'p',
    nic: 'eth0',
    node: '',
    containerID: '',
    pod: { namespace: 'ns', name: pod, uid: `u-${pod}` },
    owner: { apiVersion: '', kind: owner, name: ownerName },
  },
})
t.test('projectionOf() is compact, with keys in byte order, and undefined when empty', async t => {
  t.equal(projectionOf([]), undefined)
  t.equal(
    projectionOf([address('10.0.0.9', 'b'), address('10.0.0.10', 'virt-launcher-x', 'VirtualMachineInstance', 'vm')]),
    '{"10.0.0.10":{"pod":"ns/vm","podUid":"u-virt-launcher-x"},"10.0.0.9":{"pod":"ns/b","podUid":"u-b"}}',
  )
})
t.test('recordsIn() reads what projectionOf() writes', async t => {
  const text = projectionOf([address('10.0.0.1', 'a'), address('10.0.0.2', 'b')]) ?? ''
  t.strictSame(recordsIn(text), {
    records: [
      { ip: '10.0.0.1', namespace: 'ns', pod: 'a', uid: 'u-a' },
      { ip: '10.0.0.2', namespace: 'ns', pod: 'b', uid: 'u-b' },
    ],
    unreadable: [],
  })
})

const FROM: readonly (readonly [
  of: string,
  status: SpiderIPPool['status'],
  annotation: string | undefined,
  is: boolean,
])[] = [
  ['no status', undefined, undefined, false],
  ['our mark', { allocatedIPsProjected: false }, undefined, false],
  ['a text that ADDs of ours wrote', { allocatedIPs: '{}', allocatedIPsProjected: false }, undefined, false],
  ['a text', { allocatedIPs: '{}' }, undefined, true],
  ['our annotation', { allocatedIPsProjected: false }, 'kept', true],
]
for (const [of, status, annotation, is] of FROM)
  t.test(`isFromGo() of a pool with ${of} is ${is}`, async t => {
    const annotations = annotation === undefined ? {} : { 'ipam.spidernet.io/allocated-ips': annotation }
    const pool = { metadata: { name: 'a', annotations }, spec: { subnet: '10.0.0.0/24' }, ...(status && { status }) }
    t.equal(isFromGo(pool), is)
  })
