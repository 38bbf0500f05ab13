// Demands of applications on subnets: kinds, numbers, annotations, and what demands nothing.
import t from 'tap'
import {
  demandOfPod,
  demandOfWorkload,
  subnetsInDemand,
  type Workload,
  type WorkloadKind,
} from '../../../../../daemons/controller/reconcilers/application/decide.js'
import type { Pod } from '../../../../../lib/crd/types.js'

const SUBNET = { 'ipam.spidernet.io/subnet': '{"ipv4":["lan"]}' }
const NUMBER = 'ipam.spidernet.io/ippool-ip-number'
const RECLAIM = 'ipam.spidernet.io/ippool-reclaim'

const template = (annotations: object = SUBNET, spec: object = {}): object => ({ metadata: { annotations }, spec })
const workload = (spec: object, metadata: object = {}, status?: object): Workload =>
  ({ metadata: { name: 'a', namespace: 'ns', uid: 'u', ...metadata }, spec, status }) as unknown as Workload

const SIZES: readonly (readonly [of: string, kind: WorkloadKind, spec: object, status: object, size: number])[] = [
  ['a Deployment', 'Deployment', { replicas: 3 }, {}, 3],
  ['a Deployment without replicas', 'Deployment', {}, {}, 0],
  ['a ReplicaSet without a controller', 'ReplicaSet', { replicas: 2 }, {}, 2],
  ['a StatefulSet', 'StatefulSet', { replicas: 4 }, {}, 4],
  ['a DaemonSet', 'DaemonSet', {}, { desiredNumberScheduled: 7 }, 7],
  ['a DaemonSet that is not scheduled yet', 'DaemonSet', {}, {}, 0],
  ['a Job with completions', 'Job', { completions: 5, parallelism: 2 }, {}, 5],
  ['a Job with no completions', 'Job', { completions: 0 }, {}, 1],
  ['a Job with parallelism', 'Job', { parallelism: 2 }, {}, 2],
  ['a suspended Job', 'Job', { parallelism: 0 }, {}, 1],
  ['a Job', 'Job', {}, {}, 1],
]
for (const [of, kind, spec, status, size] of SIZES)
  t.test(`demandOfWorkload() of ${of} has ${size} addresses`, async t => {
    const demand = demandOfWorkload(kind, workload({ ...spec, template: template() }, {}, status), 0)
    t.match(demand, { kind: 'valid', application: { kind, namespace: 'ns', name: 'a', uid: 'u', size, number: '+0' } })
  })

t.test('demandOfWorkload() of a CronJob is that of its Job', async t => {
  const demand = demandOfWorkload(
    'CronJob',
    workload({ jobTemplate: { spec: { parallelism: 3, template: template() } } }),
    1,
  )
  t.match(demand, { kind: 'valid', application: { apiVersion: 'batch/v1', kind: 'CronJob', size: 4, number: '+1' } })
})

const NUMBERS: readonly (readonly [text: string, size: number, shown: string])[] = [
  ['5', 5, '5'],
  ['0', 0, '0'],
  ['+2', 5, '+2'],
  ['+0', 3, '+0'],
  ['3+2', 5, '+2'], // as Go's Spiderpool splits it
]
for (const [text, size, shown] of NUMBERS)
  t.test(`demandOfWorkload() of three pods with number "${text}" has ${size} addresses`, async t => {
    const demand = demandOfWorkload(
      'Deployment',
      workload({ replicas: 3, template: template({ ...SUBNET, [NUMBER]: text }) }),
      1,
    )
    t.match(demand, { kind: 'valid', application: { size, number: shown } })
  })

const WRONG: readonly (readonly [annotations: object, why: RegExp])[] = [
  [{ ...SUBNET, [NUMBER]: '' }, /ippool-ip-number of the pod template of Deployment ns\/a is ""; write "5"/],
  [{ ...SUBNET, [NUMBER]: '-1' }, /is "-1"/],
  [{ ...SUBNET, [NUMBER]: '1+1+1' }, /is "1\+1\+1"/],
  [{ ...SUBNET, [NUMBER]: '+' }, /is "\+"/],
  [{ ...SUBNET, [NUMBER]: '1.5' }, /is "1.5"/],
  [
    { ...SUBNET, [RECLAIM]: 'yes' },
    /ippool-reclaim of the pod template of Deployment ns\/a is "yes"; write "true" or "false"/,
  ],
  [{ 'ipam.spidernet.io/subnet': '{"ipv4":"lan"}' }, /write a list of SpiderSubnet names/],
  [{ 'ipam.spidernet.io/subnet': '{}' }, /names no SpiderSubnet/],
  [{ 'ipam.spidernet.io/subnet': 'lan' }, /is not JSON: lan/],
  [
    { 'ipam.spidernet.io/subnets': '[{"interface":"eth0","ipv4":["a"]},{"interface":"eth0","ipv6":["b"]}]' },
    /"eth0" twice/,
  ],
  [
    { 'ipam.spidernet.io/subnets': '[{"interface":"eth0","ipv4":["a"]},{"interface":"net1","ipv4":["a"]}]' },
    /"a" twice/,
  ],
]
for (const [annotations, why] of WRONG)
  t.test(`demandOfWorkload() rejects ${JSON.stringify(annotations)}`, async t => {
    const demand = demandOfWorkload('Deployment', workload({ replicas: 1, template: template(annotations) }), 0)
    t.match(demand, { kind: 'invalid', identity: { kind: 'Deployment', name: 'a' }, why })
    t.match(demand, { why: /^wrong input: / })
    t.strictSame(subnetsInDemand(demand), [])
  })

const owned = (apiVersion: string, kind: string): object => ({
  ownerReferences: [{ apiVersion, kind, name: 'up', uid: 'up-uid', controller: true }],
})
const NONE: readonly (readonly [of: string, kind: WorkloadKind, spec: object, metadata: object])[] = [
  ['without an annotation', 'Deployment', { template: template({}) }, {}],
  ['without a template', 'Deployment', {}, {}],
  ['on the host network', 'Deployment', { template: template(SUBNET, { hostNetwork: true }) }, {}],
  ['that a Deployment owns', 'ReplicaSet', { template: template() }, owned('apps/v1', 'Deployment')],
  ['that a CronJob owns', 'Job', { template: template() }, owned('batch/v1', 'CronJob')],
]
for (const [of, kind, spec, metadata] of NONE)
  t.test(`demandOfWorkload() of a ${kind} ${of} is none`, async t =>
    t.strictSame(demandOfWorkload(kind, workload(spec, metadata), 0), { kind: 'none' }),
  )

t.test('demandOfWorkload() takes a ReplicaSet of a foreign controller for an application', async t => {
  const set = workload({ replicas: 2, template: template() }, owned('argoproj.io/v1alpha1', 'Rollout'))
  t.match(demandOfWorkload('ReplicaSet', set, 0), { kind: 'valid', application: { kind: 'ReplicaSet', size: 2 } })
})

t.test('demandOfWorkload() prefers annotation subnets to subnet, with one item for each interface', async t => {
  const annotations = {
    ...SUBNET,
    'ipam.spidernet.io/subnets':
      '[{"interface":"eth0","ipv4":["s1"],"ipv6":["s6"]},{"interface":"net1","IPv4":["s2"]}]',
    [RECLAIM]: 'F',
  }
  const demand = demandOfWorkload('Deployment', workload({ replicas: 1, template: template(annotations) }), 0)
  t.strictSame(subnetsInDemand(demand), ['s1', 's6', 's2'])
  t.match(demand, { application: { reclaims: false, items: [{ nic: 'eth0' }, { nic: 'net1' }] } })
})

const pod = (annotations: object, metadata: object, spec: object = {}): Pod =>
  ({ metadata: { name: 'p', namespace: 'ns', annotations, ...metadata }, spec }) as unknown as Pod
const CLONES = owned('apps.kruise.io/v1alpha1', 'CloneSet')

t.test('demandOfPod() of a foreign kind requires a fixed number', async t => {
  t.match(demandOfPod(pod({ ...SUBNET, [NUMBER]: '5' }, CLONES)), {
    kind: 'valid',
    application: { apiVersion: 'apps.kruise.io/v1alpha1', kind: 'CloneSet', name: 'up', uid: 'up-uid', size: 5 },
  })
  t.match(demandOfPod(pod({ ...SUBNET, [NUMBER]: '+2' }, CLONES)), { application: { size: 2, number: '+2' } })
  t.match(demandOfPod(pod(SUBNET, CLONES)), { kind: 'invalid', why: /ippool-ip-number of pod ns\/p is missing/ })
})

const QUIET: readonly (readonly [of: string, pod: Pod])[] = [
  ['of a ReplicaSet', pod(SUBNET, owned('apps/v1', 'ReplicaSet'))],
  ['of a StatefulSet', pod(SUBNET, owned('apps/v1', 'StatefulSet'))],
  ['of a Job', pod(SUBNET, owned('batch/v1', 'Job'))],
  ['without a controller', pod(SUBNET, {})],
  ['on the host network', pod({ ...SUBNET, [NUMBER]: '1' }, CLONES, { hostNetwork: true })],
  ['without an annotation', pod({}, CLONES)],
]
for (const [of, one] of QUIET)
  t.test(`demandOfPod() of a pod ${of} is none`, async t => t.strictSame(demandOfPod(one), { kind: 'none' }))
