// newAutoPool(), its name, and controlledIPPools in the subnet's status.
import t from 'tap'
import {
  applicationText,
  autoPoolName,
  identityOfPool,
  isFor,
  newAutoPool,
  type AutoPoolRequest,
} from '../../../../../daemons/controller/reconcilers/subnet/autopool.js'
import { controlledOf, controlledText } from '../../../../../lib/crd/controlled.js'
import type { SpiderSubnet } from '../../../../../lib/crd/types.js'
import { formatRanges, rangesOf } from '../../../../../lib/ip/range.js'

const UID = 'b2a0c1de-0000-4000-8000-9a2b3c4d5e6f'
const application = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'app', uid: UID },
  ...{ items: [], size: 3, number: '+1', reclaims: true },
}
const request: AutoPoolRequest = { application, nic: 'eth0', family: 4 }

const NAMES: readonly (readonly [
  of: string,
  request: Partial<AutoPoolRequest['application']>,
  nic: string,
  name: string,
])[] = [
  ['an application', {}, 'eth0', 'auto4-app-eth0-9a2b3'],
  ['capital letters', { name: 'App.One' }, 'Net1', 'auto4-app.one-net1-9a2b3'],
  ['characters that are invalid in a name', {}, 'net_1', 'auto4-app-net-1-9a2b3'],
  ['a long name', { name: 'x'.repeat(253) }, 'eth0', `auto4-${'x'.repeat(236)}-eth0-9a2b3`],
]
for (const [of, more, nic, name] of NAMES)
  t.test(`autoPoolName() of ${of} is ${name.slice(0, 30)}`, async t => {
    const made = autoPoolName({ ...request, application: { ...application, ...more }, nic })
    t.equal(made, name)
    t.ok(made.length <= 253)
  })

const TEXTS: readonly (readonly [apiVersion: string, kind: string, text: string])[] = [
  ['apps/v1', 'Deployment', 'apps_v1_Deployment_default_app'],
  ['batch/v1', 'CronJob', 'batch_v1_CronJob_default_app'],
  ['apps.kruise.io/v1alpha1', 'CloneSet', 'apps.kruise.io_v1alpha1_CloneSet_default_app'],
  ['v1', 'ReplicationController', 'v1_ReplicationController_default_app'],
]
for (const [apiVersion, kind, text] of TEXTS)
  t.test(`applicationText() of ${apiVersion} ${kind} is ${text}`, async t =>
    t.equal(applicationText({ ...application, apiVersion, kind }), text),
  )

const subnet: SpiderSubnet = {
  metadata: { name: 'lan', uid: 'subnet-uid' },
  spec: { subnet: 'fd00:172:18::/64', gateway: 'fd00:172:18::1', routes: [{ dst: 'fd01::/64', gw: 'fd00:172:18::2' }] },
}

t.test('newAutoPool() has labels, owner and affinity, and inherits gateway and routes', async t => {
  const six: AutoPoolRequest = { application: { ...application, reclaims: false }, nic: 'net1', family: 6 }
  const pool = newAutoPool('auto6-app-net1-9a2b3', six, subnet, rangesOf(['fd00:172:18::a-fd00:172:18::c'], 6))
  t.strictSame(pool, {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: {
      name: 'auto6-app-net1-9a2b3',
      labels: {
        'ipam.spidernet.io/owner-spider-subnet': 'lan',
        'ipam.spidernet.io/owner-application-gv': 'apps_v1',
        'ipam.spidernet.io/owner-application-kind': 'Deployment',
        'ipam.spidernet.io/owner-application-namespace': 'default',
        'ipam.spidernet.io/owner-application-name': 'app',
        'ipam.spidernet.io/owner-application-uid': UID,
        'ipam.spidernet.io/interface': 'net1',
        'ipam.spidernet.io/ip-version': 'IPv6',
        'ipam.spidernet.io/ippool-reclaim': 'false',
        'ipam.spidernet.io/ippool-cidr': 'fd00-172-18---64',
      },
      annotations: { 'ipam.spidernet.io/ippool-ip-number': '+1' },
      finalizers: ['spiderpool.spidernet.io'],
      ownerReferences: [
        {
          apiVersion: 'spiderpool.spidernet.io/v2beta1',
          kind: 'SpiderSubnet',
          name: 'lan',
          uid: 'subnet-uid',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      ipVersion: 6,
      subnet: 'fd00:172:18::/64',
      ips: ['fd00:172:18::a-fd00:172:18::c'],
      gateway: 'fd00:172:18::1',
      routes: [{ dst: 'fd01::/64', gw: 'fd00:172:18::2' }],
      podAffinity: {
        matchLabels: {
          'ipam.spidernet.io/app-api-group': 'apps',
          'ipam.spidernet.io/app-api-version': 'v1',
          'ipam.spidernet.io/app-kind': 'Deployment',
          'ipam.spidernet.io/app-namespace': 'default',
          'ipam.spidernet.io/app-name': 'app',
        },
      },
    },
  })
  t.match(identityOfPool(pool), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'default',
    name: 'app',
    uid: UID,
  })
  const again = { ...six, application: { ...six.application, uid: 'another' } }
  t.ok(isFor(pool, six))
  t.ok(isFor(pool, again), 'what stays serves the next of the name')
  t.notOk(isFor(newAutoPool('p', { ...six, application }, subnet, []), again), 'what goes does not')
  t.notOk(isFor(pool, { ...six, nic: 'eth0' }))
  t.notOk(isFor(pool, { ...six, application: { ...application, kind: 'StatefulSet' } }))
})

const STATUS =
  '{"9":{"ips":["10.6.168.110"]},"auto4-app-eth0-9a2b3":{"ips":["10.6.168.101-10.6.168.103"],"application":"apps_v1_Deployment_default_app"},"empty":{"ips":[]}}'

t.test('controlledOf() and controlledText() use Go’s format', async t => {
  const read = controlledOf(STATUS, 4)
  t.equal(controlledText(new Map([...read].reverse()), 4), STATUS)
  t.strictSame(formatRanges(read.get('9')?.ranges ?? [], 4), ['10.6.168.110'])
  t.equal(controlledText(new Map(), 4), undefined)
})

for (const text of [
  '',
  'no json',
  '[]',
  '"x"',
  '{"a":1}',
  '{"a":{}}',
  '{"a":{"ips":"10.0.0.1"}}',
  '{"a":{"ips":["10.0.0.1","x"]}}',
  '{"a":{"ips":["fd00::1"]}}',
])
  t.test(`controlledOf() of ${text} is empty`, async t => t.equal(controlledOf(text, 4).size, 0))
