// The CRDs as users, dashboards and other controllers know them: names, columns, and every field's
// type, default and limits.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { ROOT } from '../../scripts/source-tree.js'

interface Schema {
  readonly type?: string
  readonly format?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
}

interface Crd {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: {
    readonly group: string
    readonly scope: string
    readonly names: {
      readonly kind: string
      readonly listKind?: string
      readonly plural: string
      readonly singular: string
      readonly shortNames?: readonly string[]
      readonly categories?: readonly string[]
    }
    readonly versions: readonly {
      readonly name: string
      readonly served: boolean
      readonly storage: boolean
      readonly subresources?: Readonly<Record<string, unknown>>
      readonly additionalPrinterColumns?: readonly {
        readonly name: string
        readonly type: string
        readonly jsonPath: string
        readonly priority?: number
      }[]
      readonly schema: { readonly openAPIV3Schema: Schema }
    }[]
  }
}

const GROUP = 'spiderpool.spidernet.io'
const read = (plural: string, group = GROUP): Crd =>
  parse(readFileSync(`${ROOT}schemas/crds/${group}_${plural}.yaml`, 'utf8')) as Crd

interface Kind {
  readonly plural: string
  readonly kind: string
  readonly short: string
  readonly scope: 'Cluster' | 'Namespaced'
  /** `undefined`: no key subresources, or an empty one. */
  readonly status: boolean
  /** name, type, JSONPath, priority */
  readonly columns: readonly (readonly [string, string, string, number])[]
}

const KINDS: readonly Kind[] = [
  {
    plural: 'spiderippools',
    kind: 'SpiderIPPool',
    short: 'sp',
    scope: 'Cluster',
    status: true,
    columns: [
      ['VERSION', 'string', '.spec.ipVersion', 0],
      ['SUBNET', 'string', '.spec.subnet', 0],
      ['ALLOCATED-IP-COUNT', 'integer', '.status.allocatedIPCount', 0],
      ['TOTAL-IP-COUNT', 'integer', '.status.totalIPCount', 0],
      ['DEFAULT', 'boolean', '.spec.default', 0],
      ['DISABLE', 'boolean', '.spec.disable', 10],
      ['NodeName', 'string', '.spec.nodeName', 10],
      ['MultusName', 'string', '.spec.multusName', 10],
      ['APP-NAMESPACE', 'string', ".spec.podAffinity.matchLabels['ipam\\.spidernet\\.io/app\\-namespace']", 10],
    ],
  },
  {
    plural: 'spidersubnets',
    kind: 'SpiderSubnet',
    short: 'ss',
    scope: 'Cluster',
    status: true,
    columns: [
      ['VERSION', 'string', '.spec.ipVersion', 0],
      ['SUBNET', 'string', '.spec.subnet', 0],
      ['ALLOCATED-IP-COUNT', 'integer', '.status.allocatedIPCount', 0],
      ['TOTAL-IP-COUNT', 'integer', '.status.totalIPCount', 0],
    ],
  },
  {
    plural: 'spiderreservedips',
    kind: 'SpiderReservedIP',
    short: 'sr',
    scope: 'Cluster',
    status: false,
    columns: [['VERSION', 'string', '.spec.ipVersion', 0]],
  },
  {
    plural: 'spiderendpoints',
    kind: 'SpiderEndpoint',
    short: 'se',
    scope: 'Namespaced',
    status: false,
    columns: [
      ['INTERFACE', 'string', '.status.current.ips[0].interface', 0],
      ['IPV4POOL', 'string', '.status.current.ips[0].ipv4Pool', 0],
      ['IPV4', 'string', '.status.current.ips[0].ipv4', 0],
      ['IPV6POOL', 'string', '.status.current.ips[0].ipv6Pool', 0],
      ['IPV6', 'string', '.status.current.ips[0].ipv6', 0],
      ['NODE', 'string', '.status.current.node', 0],
    ],
  },
  {
    plural: 'spidercoordinators',
    kind: 'SpiderCoordinator',
    short: 'scc',
    scope: 'Cluster',
    status: true,
    columns: [
      ['PHASE', 'string', '.status.phase', 0],
      ['REASON', 'string', '.status.reason', 0],
    ],
  },
  {
    plural: 'spidermultusconfigs',
    kind: 'SpiderMultusConfig',
    short: 'smc',
    scope: 'Namespaced',
    status: false,
    columns: [],
  },
]

for (const { plural, kind, short, scope, status, columns } of KINDS)
  t.test(`${kind}: names, scope, columns`, async t => {
    const { metadata, spec } = read(plural)
    t.equal(metadata.name, `${plural}.${GROUP}`)
    t.equal(metadata.annotations?.['controller-gen.kubebuilder.io/version'], '(unknown)')
    t.match(spec, { group: GROUP, scope })
    t.match(spec.names, { kind, plural, singular: kind.toLowerCase(), shortNames: [short], categories: ['spiderpool'] })
    t.equal(spec.versions.length, 1)
    const [version] = spec.versions
    t.match(version, { name: 'v2beta1', served: true, storage: true })
    t.equal(version?.subresources?.['status'] !== undefined, status, 'status subresource')
    const printed = (version?.additionalPrinterColumns ?? []).map(column => [
      column.name,
      column.type,
      column.jsonPath,
      column.priority ?? 0,
    ])
    t.strictSame(printed, columns)
  })

/**
 * By path such as `spec.a.b[].c`: type, then `=default`, `{enum}`, `min..max`, `!` where required.
 */
function fieldsOf(schema: Schema, path = '', required = false): Record<string, string> {
  const own = [
    schema.format === 'int64' || schema.format === 'int32' ? `${schema.type}/${schema.format}` : schema.type,
    ...(schema.default === undefined ? [] : [`=${JSON.stringify(schema.default)}`]),
    ...(schema.enum ? [`{${schema.enum.join(',')}}`] : []),
    ...(schema.minimum === undefined && schema.maximum === undefined
      ? []
      : [`${schema.minimum ?? ''}..${schema.maximum ?? ''}`]),
    ...(required ? ['!'] : []),
  ].join(' ')
  const isSelector = schema.properties?.['matchLabels'] !== undefined
  const below = isSelector
    ? []
    : Object.entries(schema.properties ?? {}).map(([name, value]) =>
        fieldsOf(value, path === '' ? name : `${path}.${name}`, schema.required?.includes(name) ?? false),
      )
  const items = schema.items ? fieldsOf(schema.items, `${path}[]`) : {}
  const rest = Object.assign({}, ...below, items) as Record<string, string>
  const kind = isSelector ? `selector${schema['x-kubernetes-map-type'] === 'atomic' ? ' atomic' : ''}` : own
  return path === '' ? rest : { [path]: kind, ...rest }
}

const schemaOf = (plural: string): Schema => read(plural).spec.versions[0]?.schema.openAPIV3Schema ?? {}

const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  spiderippools: {
    'spec.ipVersion': 'integer/int64 {4,6}',
    'spec.subnet': 'string !',
    'spec.ips': 'array',
    'spec.ips[]': 'string',
    'spec.excludeIPs': 'array',
    'spec.gateway': 'string',
    'spec.routes[].dst': 'string !',
    'spec.routes[].gw': 'string !',
    'spec.podAffinity': 'selector atomic',
    'spec.namespaceAffinity': 'selector atomic',
    'spec.namespaceName': 'array',
    'spec.nodeAffinity': 'selector atomic',
    'spec.nodeName': 'array',
    'spec.multusName': 'array',
    'spec.default': 'boolean =false',
    'spec.disable': 'boolean =false',
    'status.allocatedIPs': 'string',
    'status.totalIPCount': 'integer/int64 0..',
    'status.allocatedIPCount': 'integer/int64 0..',
    'status.freeIPs': 'array', // ours: decisions/0011
    'status.allocatedIPsProjected': 'boolean', // ours: decisions/0021
  },
  spidersubnets: {
    'spec.ipVersion': 'integer/int64 {4,6}',
    'spec.subnet': 'string !',
    'spec.ips': 'array',
    'spec.excludeIPs': 'array',
    'spec.gateway': 'string',
    'spec.routes[].dst': 'string !',
    'spec.routes[].gw': 'string !',
    'status.controlledIPPools': 'string',
    'status.totalIPCount': 'integer/int64 0..',
    'status.allocatedIPCount': 'integer/int64 0..',
  },
  spiderreservedips: { 'spec.ipVersion': 'integer/int64 {4,6}', 'spec.ips': 'array', 'spec.ips[]': 'string' },
  spiderendpoints: {
    'status.current': 'object !',
    'status.current.uid': 'string !',
    'status.current.node': 'string !',
    'status.current.ips': 'array !',
    'status.current.ips[].interface': 'string !',
    'status.current.ips[].ipv4': 'string',
    'status.current.ips[].ipv6': 'string',
    'status.current.ips[].ipv4Pool': 'string',
    'status.current.ips[].ipv6Pool': 'string',
    'status.current.ips[].vlan': 'integer/int64 =0 0..4094',
    'status.current.ips[].ipv4Gateway': 'string',
    'status.current.ips[].ipv6Gateway': 'string',
    'status.current.ips[].cleanGateway': 'boolean',
    'status.current.ips[].routes[].dst': 'string !',
    'status.current.ips[].routes[].gw': 'string !',
    'status.current.ips[].mac': 'string',
    'status.ownerControllerType': 'string !',
    'status.ownerControllerName': 'string !',
  },
  spidercoordinators: {
    'spec.mode': 'string ="auto" {auto,underlay,overlay,disabled}',
    'spec.podCIDRType': 'string {auto,cluster,calico,cilium,none}',
    'spec.hijackCIDR': 'array',
    'spec.policyRoutes[].dst': 'string !',
    'spec.policyRoutes[].gw': 'string !',
    'spec.podMACPrefix': 'string',
    'spec.tunePodRoutes': 'boolean =true',
    'spec.podDefaultRouteNIC': 'string',
    'spec.hostRuleTable': 'integer =500',
    'spec.podRPFilter': 'integer =0',
    'spec.txQueueLen': 'integer =0',
    'spec.vethLinkAddress': 'string',
    'spec.vethMTU': 'integer 1..',
    'status.phase': 'string !',
    'status.reason': 'string',
    'status.overlayPodCIDR': 'array',
    'status.serviceCIDR': 'array',
  },
  spidermultusconfigs: {
    'spec.cniType': 'string ="custom" {macvlan,ipvlan,vlan,sriov,ovs,ib-sriov,ipoib,custom}',
    'spec.enableCoordinator': 'boolean =true',
    'spec.disableIPAM': 'boolean =false',
    'spec.coordinator.mode': 'string ="auto" {auto,underlay,overlay,disabled}',
    'spec.coordinator.hostRuleTable': 'integer =500',
    'spec.chainCNIJsonData': 'array',
    'spec.customCNI': 'string',
    'spec.macvlan.master': 'array !',
    'spec.macvlan.mtu': 'integer/int32 =0 0..',
    'spec.macvlan.vlanID': 'integer/int32 0..4094',
    'spec.macvlan.bond.name': 'string !',
    'spec.macvlan.bond.mode': 'integer/int32 0..6 !',
    'spec.macvlan.bond.options': 'string',
    'spec.macvlan.rdmaResourceName': 'string',
    'spec.macvlan.ippools.ipv4': 'array',
    'spec.macvlan.ippools.matchMasterSubnet': 'boolean =false {true,false}',
    'spec.ipvlan.master': 'array !',
    'spec.vlan.master': 'array !',
    'spec.vlan.vlanMode': 'string ="manual" {manual,auto}',
    'spec.sriov.resourceName': 'string',
    'spec.sriov.mtu': 'integer/int32 =0 0..',
    'spec.sriov.rdmaIsolation': 'boolean =false',
    'spec.ibsriov.linkState': 'string ="enable" {auto,enable,disable}',
    'spec.ibsriov.rdmaIsolation': 'boolean =true',
    'spec.ibsriov.enableIbKubernetes': 'boolean =false',
    'spec.ipoib.master': 'string',
    'spec.ovs.bridge': 'string !',
    'spec.ovs.trunk[].id': 'integer/int32 0..4094',
  },
}
for (const [plural, wanted] of Object.entries(FIELDS))
  t.test(`${plural}: fields`, async t => {
    const found = fieldsOf(schemaOf(plural))
    for (const [path, is] of Object.entries(wanted)) t.equal(found[path], is, path)
    if (plural === 'spidermultusconfigs') return
    // Of the small kinds the table is complete: it has every field.
    const more = Object.keys(found).filter(path =>
      path.startsWith('spec.') || path.startsWith('status.') ? !isKnown(path, wanted) : false,
    )
    t.strictSame(more, [])
  })

const isKnown = (path: string, wanted: Readonly<Record<string, string>>): boolean =>
  Object.keys(wanted).some(known => known === path || known.startsWith(path) || `${known}[]` === path)

t.test('unknown fields are pruned in every kind', async t => {
  const preserving = (schema: Schema): boolean =>
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    Object.values(schema.properties ?? {}).some(preserving) ||
    (schema.items !== undefined && preserving(schema.items))
  for (const { plural } of KINDS) t.notOk(preserving(schemaOf(plural)), plural)
})

t.test('SpiderIPAddress is cluster-scoped and has the fields of an allocation', async t => {
  const { spec } = read('spideripaddresses')
  t.match(spec, { scope: 'Cluster', names: { shortNames: ['sip'], categories: ['spiderpool'] } })
  const fields = fieldsOf(schemaOf('spideripaddresses'))
  for (const path of ['address', 'ipVersion', 'pool', 'nic', 'node', 'containerID', 'pod.uid', 'owner.kind'])
    t.ok(fields[`spec.${path}`], path)
})

t.test('NetworkAttachmentDefinition has the names and the field of Multus', async t => {
  const { spec } = read('network-attachment-definitions', 'k8s.cni.cncf.io')
  t.match(spec, { scope: 'Namespaced', names: { shortNames: ['net-attach-def'], kind: 'NetworkAttachmentDefinition' } })
  const schema = spec.versions.find(({ name }) => name === 'v1')?.schema.openAPIV3Schema
  t.equal(schema?.properties?.['spec']?.properties?.['config']?.type, 'string')
})
