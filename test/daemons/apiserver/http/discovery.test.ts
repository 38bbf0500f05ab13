// Discovery: groups, versions and resources, legacy and aggregated.
import t from 'tap'
import {
  aggregatedDiscovery,
  aggregatedIn,
  apiGroupList,
  apiGroupOf,
  apiResourceList,
  apiVersions,
  versionsOf,
} from '../../../../daemons/apiserver/http/discovery.js'
import { BUILTIN_KINDS } from '../../../../daemons/apiserver/schema/kinds.js'
import { POOLS } from '../kinds.js'

const KINDS = [...BUILTIN_KINDS, POOLS, { ...POOLS, version: 'v1' }]
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

t.test('apiVersions() lists v1', t => {
  t.match(apiVersions('127.0.0.1:6443'), {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ serverAddress: '127.0.0.1:6443' }],
  })
  t.end()
})

t.test('apiGroupList() has every group once, the stable version preferred', t => {
  const list = apiGroupList(KINDS)
  t.match(list, { kind: 'APIGroupList', apiVersion: 'v1' })
  if (!('groups' in list) || !Array.isArray(list.groups)) throw new Error('no groups')
  t.strictSame(
    list.groups.map(group => group.name),
    [
      'apps',
      'batch',
      'coordination.k8s.io',
      'discovery.k8s.io',
      'networking.k8s.io',
      'admissionregistration.k8s.io',
      'apiextensions.k8s.io',
      'example.com',
    ],
  )
  const pools = {
    name: 'example.com',
    versions: [
      { groupVersion: 'example.com/v1', version: 'v1' },
      { groupVersion: 'example.com/v1beta1', version: 'v1beta1' },
    ],
    preferredVersion: { groupVersion: 'example.com/v1', version: 'v1' },
  }
  t.strictSame(list.groups.at(-1), pools)
  t.strictSame(apiGroupOf(KINDS, 'example.com'), { kind: 'APIGroup', apiVersion: 'v1', ...pools })
  t.strictSame([apiGroupOf(KINDS, 'none'), apiGroupOf(KINDS, '')], [undefined, undefined])
  t.end()
})

t.test('versionsOf() sorts by Kubernetes’ priority', t => {
  const versions = ['v1alpha2', 'foo', 'v2beta1', 'v10', 'v1', 'v2beta3', 'v2', 'v11alpha1', 'bar', 'v1beta9']
  const kinds = versions.map(version => ({ ...POOLS, version }))
  t.strictSame(versionsOf(kinds, 'example.com'), [
    'v10',
    'v2',
    'v1',
    'v2beta3',
    'v2beta1',
    'v1beta9',
    'v11alpha1',
    'v1alpha2',
    'bar',
    'foo',
  ])
  t.end()
})

t.test('apiResourceList() has verbs, short names, categories and status', t => {
  t.strictSame(apiResourceList(KINDS, 'example.com', 'v1'), {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: 'example.com/v1',
    resources: [
      {
        name: 'pools',
        singularName: 'pool',
        namespaced: false,
        kind: 'Pool',
        verbs: VERBS,
        shortNames: ['po2', 'pl'],
        categories: ['net'],
      },
      { name: 'pools/status', singularName: '', namespaced: false, kind: 'Pool', verbs: ['get', 'patch', 'update'] },
    ],
  })
  t.match(apiResourceList(KINDS, '', 'v1'), { groupVersion: 'v1', resources: [{ name: 'namespaces' }] })
  t.strictSame([apiResourceList(KINDS, 'example.com', 'v9'), apiResourceList(KINDS, '', 'v2')], [undefined, undefined])
  t.end()
})

t.test('aggregatedDiscovery() has all groups in one document', t => {
  t.strictSame(aggregatedDiscovery([POOLS], 'apis', 'v2'), {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: [
      {
        metadata: { name: 'example.com', creationTimestamp: null },
        versions: [
          {
            version: 'v1beta1',
            freshness: 'Current',
            resources: [
              {
                resource: 'pools',
                responseKind: { group: 'example.com', version: 'v1beta1', kind: 'Pool' },
                scope: 'Cluster',
                singularResource: 'pool',
                verbs: VERBS,
                shortNames: ['po2', 'pl'],
                categories: ['net'],
                subresources: [
                  {
                    subresource: 'status',
                    responseKind: { group: 'example.com', version: 'v1beta1', kind: 'Pool' },
                    verbs: ['get', 'patch', 'update'],
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  })
  t.match(aggregatedDiscovery(KINDS, 'api', 'v2beta1'), {
    apiVersion: 'apidiscovery.k8s.io/v2beta1',
    items: [{ versions: [{ version: 'v1' }] }],
  })
  t.strictSame(aggregatedDiscovery([POOLS], 'api', 'v2'), {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: [],
  })
  t.end()
})

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const accepts: readonly (readonly [accept: string, version: string | undefined])[] = [
  ['', undefined],
  ['application/json', undefined],
  ['*/*', undefined],
  [AGGREGATED, 'v2'],
  [`${AGGREGATED},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json`, 'v2'],
  ['application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io,application/json', 'v2beta1'],
  ['application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList', undefined],
  [`application/json, ${AGGREGATED}`, undefined],
  [`application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList, ${AGGREGATED}`, 'v2'],
]
for (const [accept, version] of accepts)
  t.test(`aggregatedIn(${JSON.stringify(accept)}) is ${version ?? 'undefined'}`, t => {
    t.strictSame(aggregatedIn(accept), version)
    t.end()
  })
