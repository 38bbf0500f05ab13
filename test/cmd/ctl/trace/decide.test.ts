// Trace: the remedy of a sentence, the conf of a network, the pod of a manifest.
import t from 'tap'
import { ipamPluginConf, podOfManifest, remedyFor, sourcesOf } from '../../../../cmd/ctl/trace/decide.js'

const PREFIX = 'Failed to create pod sandbox: plugin type="macvlan" failed (add): spiderpool IP allocation error: '

t.test('remedyFor() finds the entry of the registry by the words of its sentence', async t => {
  for (const [message, name] of [
    ['wrong input: annotation ipam.spidernet.io/ippool of pod a/b is not JSON', 'wrongInput'],
    [
      'wrong input: annotation …: gw 1.1.1.1 of route 2.2.2.0/24 is in the subnet of no interface (…)',
      'routeFitsNothing',
    ],
    ['no IPPool available for IPv4 of eth0 from …: off is disabled (spec.disable)', 'noPool'],
    [
      'no IPPool available: annotation …: no pool was made for Deployment a/b, eth0, out of SpiderSubnet s',
      'poolNotMade',
    ],
    ['all IP addresses used out in pool p (10 in all, 10 taken, 0 reserved)', 'exhausted'],
    ['exhaust all retries (200 times) in pool p: too many pods want its last addresses at once', 'contended'],
    [
      "ip conflict: pod's interface eth0 with an conflicting ip 10.0.0.5, 10.0.0.5 is located at 0a:00:00:00:00:01",
      'ipConflict',
    ],
    ['gateway 10.0.0.1 is unreachable', 'gatewayUnreachable'],
    ['no space left on device', undefined],
  ] as const)
    t.equal(remedyFor(PREFIX + message)?.name, name, message)
})

t.test('ipamPluginConf() finds our IPAM in a conf and in a list, and adds the switches of the ConfigMap', async t => {
  const ipam = { type: 'spiderpool' }
  t.match(ipamPluginConf(JSON.stringify({ name: 'a', ipam }), {}), { name: 'a', ipam })
  const listed = JSON.stringify({ name: 'l', plugins: [{ type: 'macvlan', ipam }, { type: 'coordinator' }] })
  t.match(ipamPluginConf(listed, { enableIPv6: false }), { name: 'l', ipam: { enableIPv6: false } })
  const own = JSON.stringify({ ipam: { ...ipam, enableIPv6: true } })
  t.match(ipamPluginConf(own, { enableIPv6: false }), { ipam: { enableIPv6: true } })
  for (const bad of [
    '',
    'no JSON',
    'null',
    '[]',
    '{"ipam": null}',
    '{"plugins": [null, 1]}',
    '{"ipam": {"type": "host-local"}}',
  ])
    t.type(ipamPluginConf(bad, {}), 'string', bad)
})

t.test('podOfManifest() takes a Pod and the template of a controller', async t => {
  const at = { namespace: 'web', node: 'n1' }
  const spec = { template: { metadata: { labels: { app: 'a' } }, spec: { containers: [] } } }
  t.match(podOfManifest({ kind: 'Pod', metadata: { name: 'a' } }, at), {
    metadata: { name: 'a', namespace: 'web' },
    spec: { nodeName: 'n1' },
  })
  const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'x' }, spec }
  const ownerReferences = [{ kind: 'StatefulSet', name: 'db', controller: true }]
  t.match(podOfManifest(set, at), { metadata: { name: 'db-0', namespace: 'x', labels: { app: 'a' }, ownerReferences } })
  for (const bad of [undefined, null, 'x', [], {}, { kind: 'Service', spec: {} }])
    t.type(podOfManifest(bad, at), 'string')
})

t.test('sourcesOf() marks the first source with a value, in the order of the allocator', async t => {
  const input = { namespace: {}, ipv4: ['c'], ipv6: [], defaults: ['d'], subnets: true }
  const used = (annotations: Readonly<Record<string, string>>, more: object = {}) =>
    sourcesOf({ ...input, ...more, pod: { metadata: { name: 'a', annotations } } }).find(row => row.used)?.source
  t.match(used({ 'ipam.spidernet.io/subnet': '{}', 'ipam.spidernet.io/ippools': '[]' }), /subnet$/)
  t.match(used({ 'ipam.spidernet.io/ippool': '{}', 'ipam.spidernet.io/ippools': '[]' }), /ippools$/)
  t.match(used({ 'ipam.spidernet.io/subnet': '{}' }, { subnets: false }), /conf of/)
  t.match(used({}, { namespace: { 'ipam.spidernet.io/default-ipv4-ippool': '["n"]' } }), /Namespace/)
  t.match(used({}, { ipv4: [] }), /spec\.default/)
  t.equal(used({}, { ipv4: [], defaults: [] }), undefined)
})
