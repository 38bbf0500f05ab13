// Which pods and DaemonSets count as agents of the Go system.
import t from 'tap'
import { isGoAgent, isGoAgentSet, type AgentDaemonSet, type AgentPod } from '../../../lib/crd/go-agent.js'

const COMPONENT = { 'app.kubernetes.io/component': 'spiderpool-agent' }
const OURS = { 'spiderpool.spidernet.io/implementation': 'typescript' }
const owner = (name: string, kind = 'DaemonSet') => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: 'u', controller: true }],
})
const runs = (container: object) => ({ containers: [{ name: 'c' }, container] })

const PODS: readonly (readonly [of: string, pod: AgentPod, is: boolean])[] = [
  ['any pod', { metadata: { labels: { a: 'b' } }, spec: runs({ name: 'web', command: ['/bin/sh'] }) }, false],
  ['nothing', {}, false],
  ['the DaemonSet spiderpool-agent', { metadata: owner('spiderpool-agent') }, true],
  ['a ReplicaSet of that name', { metadata: owner('spiderpool-agent', 'ReplicaSet') }, false],
  ['another DaemonSet, of the component', { metadata: { ...owner('net-agent'), labels: COMPONENT } }, true],
  ['another DaemonSet, by its container', { metadata: owner('x'), spec: runs({ name: 'spiderpool-agent' }) }, true],
  ['another DaemonSet, by its command', { spec: runs({ command: ['/usr/bin/spiderpool-agent', 'daemon'] }) }, true],
  ['another DaemonSet, by its first argument', { spec: runs({ args: ['/usr/bin/spiderpool-agent'] }) }, true],
  ['a pod that names it further on', { spec: runs({ command: ['kubectl', 'logs', 'spiderpool-agent'] }) }, false],
  ['our agent', { metadata: { ...owner('spiderpool-agent'), labels: { ...COMPONENT, ...OURS } } }, false],
  ['our agent, by its container', { metadata: { labels: OURS }, spec: runs({ name: 'spiderpool-agent' }) }, false],
  [
    'an agent of a third implementation',
    { metadata: { labels: { ...COMPONENT, 'spiderpool.spidernet.io/implementation': 'rust' } } },
    true,
  ],
]
for (const [of, pod, is] of PODS) t.test(`isGoAgent() of ${of} is ${is}`, async t => t.equal(isGoAgent(pod), is))

const SETS: readonly (readonly [of: string, set: AgentDaemonSet, is: boolean])[] = [
  ['any DaemonSet', { metadata: { name: 'x' }, spec: { template: { metadata: { labels: { a: 'b' } } } } }, false],
  ['spiderpool-agent', { metadata: { name: 'spiderpool-agent' } }, true],
  [
    'spiderpool-agent, ours',
    { metadata: { name: 'spiderpool-agent' }, spec: { template: { metadata: { labels: OURS } } } },
    false,
  ],
  [
    'spiderpool-agent with our label on itself alone',
    { metadata: { name: 'spiderpool-agent', labels: OURS }, spec: { template: { metadata: { labels: COMPONENT } } } },
    true,
  ],
  ['another one, of the component', { metadata: { name: 'x', labels: COMPONENT } }, true],
  [
    'another one, by its template',
    { metadata: { name: 'x' }, spec: { template: { metadata: { labels: COMPONENT } } } },
    true,
  ],
  [
    'another one, by its container',
    { metadata: { name: 'x' }, spec: { template: { spec: runs({ name: 'spiderpool-agent' }) } } },
    true,
  ],
]
for (const [of, set, is] of SETS) t.test(`isGoAgentSet() of ${of} is ${is}`, async t => t.equal(isGoAgentSet(set), is))
