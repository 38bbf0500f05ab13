// Unknown annotations that look like ours.
import t from 'tap'
import { NAMESPACE_KEYS, POD_KEYS, unknownAnnotationsIn } from '../../../../lib/ipam/pools/annotation-keys.js'
import { sentencesOf } from '../../../../lib/ipam/pools/annotation-typos.js'
import { DEFAULT_ROUTE_NIC } from '../../../../lib/coordinator/cluster-config.js'

const unknown = (key: string, meant: string): string =>
  `annotation ${key} of pod a/b is unknown and has no effect; did you mean ${meant}?`
const IPPOOL = 'ipam.spidernet.io/ippool'
const rows: readonly (readonly [key: string, sentence: string | undefined])[] = [
  ...POD_KEYS.map(key => [key, undefined] as const),
  ['ipam.spidernet.io/ipool', unknown('ipam.spidernet.io/ipool', IPPOOL)],
  ['ipam.spidernet.io/IPPool', unknown('ipam.spidernet.io/IPPool', IPPOOL)],
  ['ipam.spidernet.com/ippool', unknown('ipam.spidernet.com/ippool', IPPOOL)],
  ['ipam.spidernt.io/ippools', unknown('ipam.spidernt.io/ippools', 'ipam.spidernet.io/ippools')],
  ['IPAM.spidernet.io/route', unknown('IPAM.spidernet.io/route', 'ipam.spidernet.io/routes')],
  [
    'cni.spidernet.io/rdma-resource-injcet',
    unknown('cni.spidernet.io/rdma-resource-injcet', 'cni.spidernet.io/rdma-resource-inject'),
  ],
  [
    'ipam.spidernet.io/something',
    `annotation ipam.spidernet.io/something of pod a/b is unknown and has no effect; known are ${POD_KEYS.join(', ')}`,
  ],
  [
    'ipam.spidernet.io/default-ipv4-ippool',
    'annotation ipam.spidernet.io/default-ipv4-ippool of pod a/b has no effect: it is read of the Namespace',
  ],
  ['multus.spidernet.io/cr-name', undefined],
  ['ipam.example.com/ippool', undefined],
  ['k8s.v1.cni.cncf.io/networks', undefined],
  ['ippool', undefined],
]
for (const [key, sentence] of rows)
  t.strictSame(
    sentencesOf(unknownAnnotationsIn({ [key]: '' }), 'pod a/b'),
    sentence === undefined ? [] : [sentence],
    `sentencesOf() of ${key}`,
  )

const ofNamespace: readonly (readonly [key: string, sentence: string | undefined])[] = [
  ...NAMESPACE_KEYS.map(key => [key, undefined] as const),
  [
    'ipam.spidernet.io/default-ipv4-ipool',
    'annotation ipam.spidernet.io/default-ipv4-ipool of Namespace a is unknown and has no effect; did you mean ipam.spidernet.io/default-ipv4-ippool?',
  ],
  [IPPOOL, `annotation ${IPPOOL} of Namespace a has no effect: it is read of the pod`],
  ['example.com/ippool', undefined],
]
for (const [key, sentence] of ofNamespace)
  t.strictSame(
    sentencesOf(unknownAnnotationsIn({ [key]: '' }, NAMESPACE_KEYS), 'Namespace a', NAMESPACE_KEYS),
    sentence === undefined ? [] : [sentence],
    `sentencesOf() of ${key} of a Namespace`,
  )

t.ok(POD_KEYS.includes(DEFAULT_ROUTE_NIC))
t.strictSame(unknownAnnotationsIn(undefined), [])
