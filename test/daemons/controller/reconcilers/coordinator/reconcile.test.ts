// coordinators(): which version of the ServiceCIDR API is used, what is written, and deletion.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Kube } from '../../../../../lib/kube/client.js'
import { Metrics } from '../../../../../lib/metrics.js'
import { coordinators } from '../../../../../daemons/controller/reconcilers/coordinator/reconcile.js'
import type { ReconcileContext, Reconciler } from '../../../../../daemons/controller/runtime/reconciler.js'
import { CONF_DEFAULT, settingsOf } from '../../../../../daemons/controller/settings.js'
import { Indexer, type KubeObject, type WatchSource, type CacheReader } from '../../../../../daemons/runtime/lister.js'

const settings = settingsOf({}, { namespace: 'kube-system', podName: 'x' })
const made = coordinators({ settings, conf: CONF_DEFAULT, env: {}, metrics: new Metrics(), serving: undefined })
const sources = made.watches.map(({ source }) => source)

type Answer = readonly KubeObject[] | 'absent' | 'forbidden'

/**
 * `plural` or `plural/version`: the objects of its list. What is not named is served and empty;
 * optional kinds are absent.
 */
function viewOf(cluster: Readonly<Record<string, Answer>>): CacheReader {
  const answerOf = ({ kind, optional, fieldSelector = '' }: WatchSource): Answer => {
    const objects = cluster[`${kind.plural}/${kind.version}`] ?? cluster[kind.plural] ?? (optional ? 'absent' : [])
    const name = fieldSelector.replace('metadata.name=', '')
    return typeof objects === 'string' || name === '' ? objects : objects.filter(one => one.metadata.name === name)
  }
  const known = new Map(
    sources.map(source => {
      const store = new Indexer(source)
      const answer = answerOf(source)
      if (typeof answer !== 'string') store.replace(answer)
      return [source, { store, answer }] as const
    }),
  )
  const of = (source: object) => known.get(source as WatchSource)
  return {
    of: source => of(source)?.store as never,
    isServed: source => typeof of(source)?.answer !== 'string',
    isForbidden: source => of(source)?.answer === 'forbidden',
  }
}

interface Written {
  readonly body: object
  readonly subresource: string | undefined
}

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

async function written(
  cluster: Readonly<Record<string, Answer>>,
  by: Reconciler = made,
  nowMs = 0,
): Promise<readonly Written[]> {
  const patches: Written[] = []
  const kube: Pick<Kube, 'patch'> = {
    patch: (_kind, _ref, body, _how, options) => {
      patches.push({ body, subresource: options?.subresource })
      return Promise.resolve({} as never)
    },
  }
  const context = { kube, log, recordEvent: () => undefined, now: () => nowMs } as unknown as ReconcileContext
  await by.reconcile('default', viewOf(cluster), context)
  return patches
}

const coordinator = (more: object = {}, metadata: object = {}): KubeObject => ({
  metadata: { name: 'default', resourceVersion: '1', ...metadata },
  ...{ spec: { podCIDRType: 'cluster' } },
  ...more,
})
const kubeadm: KubeObject & { readonly data: object } = {
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: { ClusterConfiguration: 'podSubnet: 10.244.0.0/16\nserviceSubnet: 10.96.0.0/12' },
}
const cidr = (text: string): readonly KubeObject[] => [{ metadata: { name: 'c' }, ...{ spec: { cidrs: [text] } } }]
const V1 = { 'servicecidrs/v1': cidr('10.1.0.0/16') }
const BETA = { 'servicecidrs/v1beta1': cidr('10.2.0.0/16') }
const ALPHA = { 'servicecidrs/v1alpha1': cidr('10.3.0.0/16') }

const SERVES: readonly (readonly [what: string, cluster: Readonly<Record<string, Answer>>, services: string])[] = [
  ['all three: the newest is used', { ...V1, ...BETA, ...ALPHA }, '10.1.0.0/16'],
  ['v1 alone', V1, '10.1.0.0/16'],
  ['v1beta1 and v1alpha1', { ...BETA, ...ALPHA }, '10.2.0.0/16'],
  ['v1alpha1 alone', ALPHA, '10.3.0.0/16'],
  ['none: kubeadm-config is used', {}, '10.96.0.0/12'],
  ['v1 without an object: kubeadm-config is used', { 'servicecidrs/v1': [] }, '10.96.0.0/12'],
  ['all, and they may not be listed: kubeadm-config is used', { servicecidrs: 'forbidden' }, '10.96.0.0/12'],
]
for (const [what, cluster, services] of SERVES)
  t.test(`the cluster serves ${what}`, async t => {
    const status = { phase: 'Synced', reason: null, overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: [services] }
    const patches = await written({ spidercoordinators: [coordinator()], configmaps: [kubeadm], ...cluster })
    t.strictSame(patches, [{ body: { metadata: { resourceVersion: '1' }, status }, subresource: 'status' }])
    const { reason: _, ...is } = status
    const again = await written({
      spidercoordinators: [coordinator({ status: is })],
      configmaps: [kubeadm],
      ...cluster,
    })
    t.strictSame(again, [], 'and what is true is not written again')
  })

t.test('a terminating SpiderCoordinator loses its finalizer, and nothing else is written to it', async t => {
  const going = { deletionTimestamp: 'now', finalizers: ['other', 'spiderpool.spidernet.io'] }
  const patches = await written({ spidercoordinators: [coordinator({}, going)], configmaps: [kubeadm] })
  t.strictSame(patches, [
    { body: { metadata: { resourceVersion: '1', finalizers: ['other'] } }, subresource: undefined },
  ])
  const free = { deletionTimestamp: 'now', finalizers: ['other'] }
  t.strictSame(await written({ spidercoordinators: [coordinator({}, free)], configmaps: [kubeadm] }), [])
})

const SYNCED = { phase: 'Synced', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/12'] }
const making = (env: Readonly<Record<string, string>> = {}): Reconciler =>
  coordinators({ settings, conf: CONF_DEFAULT, env, metrics: new Metrics(), serving: undefined })
const phasesOf = (patches: readonly Written[]): readonly unknown[] =>
  patches.map(({ body }) => (body as { readonly status: { readonly phase: string } }).status.phase)

t.test('a Synced SpiderCoordinator whose source is missing keeps its CIDRs for a minute, then is NotReady', async t => {
  const by = making()
  const cluster = { spidercoordinators: [coordinator({ status: SYNCED })] }
  t.strictSame(await written({ ...cluster, configmaps: [kubeadm] }, by, 0), [])
  t.strictSame(await written(cluster, by, 1_000), [])
  t.strictSame(await written({ ...cluster, configmaps: [kubeadm] }, by, 30_000), [], 'it is there again')
  t.strictSame(await written(cluster, by, 50_000), [])
  t.strictSame(await written(cluster, by, 109_000), [], 'a minute counts from the second time')
  t.strictSame(phasesOf(await written(cluster, by, 110_000)), ['NotReady'])
})

t.test('a changed podCIDRType that cannot work is NotReady at once', async t => {
  const by = making()
  const cluster = { configmaps: [kubeadm], 'servicecidrs/v1': [] }
  t.strictSame(await written({ ...cluster, spidercoordinators: [coordinator({ status: SYNCED })] }, by), [])
  const calico = coordinator({ status: SYNCED, spec: { podCIDRType: 'calico' } })
  t.strictSame(phasesOf(await written({ ...cluster, spidercoordinators: [calico] }, by)), ['NotReady'])
})

t.test('podCIDRType auto survives a conf directory that is removed, replaced or emptied', async t => {
  const parent = mkdtempSync(join(tmpdir(), 'netd-'))
  t.teardown(() => rmSync(parent, { recursive: true }))
  const dir = join(parent, 'net.d')
  const fill = (at: string): void => {
    mkdirSync(at)
    writeFileSync(join(at, '10-flannel.conflist'), '{"name":"flannel"}')
  }
  const by = making({ SPIDERPOOL_CNI_CONFIG_DIR: dir })
  const auto = { spec: { podCIDRType: 'auto' } }
  const cluster = { configmaps: [kubeadm], spidercoordinators: [coordinator({ ...auto, status: SYNCED })] }
  t.strictSame(await written(cluster, by, 0), [], 'a process that begins with the folder gone keeps the status')
  const fresh = { ...cluster, spidercoordinators: [coordinator(auto)] }
  t.strictSame(phasesOf(await written(fresh, making({ SPIDERPOOL_CNI_CONFIG_DIR: dir }))), ['NotReady'])
  fill(dir)
  t.strictSame(await written(cluster, by, 1_000), [])
  rmSync(dir, { recursive: true })
  t.strictSame(await written(cluster, by, 500_000), [], 'for however long it is gone')
  mkdirSync(dir)
  t.strictSame(await written(cluster, by, 501_000), [], 'emptied for a moment')
  rmSync(dir, { recursive: true })
  fill(`${dir}.new`)
  renameSync(`${dir}.new`, dir)
  t.strictSame(await written(cluster, by, 502_000), [])
  writeFileSync(join(dir, '05-mine.conf'), '{"name":"mine"}')
  t.strictSame(await written(cluster, by, 503_000), [])
  const [last] = await written(cluster, by, 513_000)
  t.match(last, { body: { status: { phase: 'Synced', overlayPodCIDR: [] } } }, 'what stays counts')
})
