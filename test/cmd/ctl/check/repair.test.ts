// repairAll() on a cluster that changes between the plan and the write: a fresh read decides.
import t from 'tap'
import { repairAll, type RepairOutcome } from '../../../../cmd/ctl/check/repair.js'
import type { Cluster } from '../../../../cmd/ctl/cluster.js'
import { differencesOf } from '../../../../lib/check/decide.js'
import type { CheckState } from '../../../../lib/check/state.js'
import type { Kube } from '../../../../lib/kube/client.js'
import { KubeError } from '../../../../lib/kube/errors.js'
import type { Kind, ObjectKey } from '../../../../lib/kube/kinds.js'
import { healthy } from '../../../lib/check/world.js'

interface Written {
  readonly verb: string
  readonly path: string
  readonly preconditions: string
}

/** A cluster that answers from `state`, and what was written to it. */
function clusterOf(state: CheckState): { readonly cluster: Cluster; readonly written: Written[] } {
  const written: Written[] = []
  const lists: Readonly<
    Record<string, readonly { readonly metadata: { readonly name: string; readonly namespace?: string } }[]>
  > = {
    spideripaddresses: state.addresses,
    spiderendpoints: state.endpoints,
    pods: state.pods,
    spiderippools: state.pools,
  }
  const named = (kind: Kind, ref: ObjectKey): unknown =>
    (lists[kind.plural] ?? []).find(
      ({ metadata }) => metadata.name === ref.name && (!kind.namespaced || metadata.namespace === ref.namespace),
    )
  const kube = {
    get: (kind: Kind, ref: ObjectKey) => {
      const object = named(kind, ref)
      return object === undefined
        ? Promise.reject(new KubeError(404, 'NotFound', `"${ref.name}" not found`))
        : Promise.resolve(object)
    },
    create: (kind: Kind, object: { metadata: { name: string } }) => {
      if (kind.plural !== 'events')
        written.push({ verb: 'create', path: `${kind.plural}/${object.metadata.name}`, preconditions: '' })
      return Promise.resolve({ ...object, metadata: { ...object.metadata, uid: 'new' } })
    },
    replace: (kind: Kind, object: { metadata: { name: string; resourceVersion?: string } }) => {
      written.push({
        verb: 'replace',
        path: `${kind.plural}/${object.metadata.name}`,
        preconditions: object.metadata.resourceVersion ?? '',
      })
      return Promise.resolve(object)
    },
    delete: (
      kind: Kind,
      ref: ObjectKey,
      { uid = '', resourceVersion = '' }: { uid?: string; resourceVersion?: string },
    ) => {
      written.push({ verb: 'delete', path: `${kind.plural}/${ref.name}`, preconditions: `${uid} ${resourceVersion}` })
      return Promise.resolve()
    },
    patch: (kind: Kind, ref: ObjectKey) => {
      if (kind.plural !== 'events')
        written.push({ verb: 'patch', path: `${kind.plural}/${ref.name}`, preconditions: '' })
      return Promise.resolve({ metadata: { name: ref.name } })
    },
  } as unknown as Kube
  const cluster = {
    kube,
    namespace: 'default',
    find: (kind: Kind, ref: ObjectKey) => Promise.resolve(named(kind, ref)),
  } as unknown as Cluster
  return { cluster, written }
}

async function repaired(planned: CheckState, now: CheckState, isInterrupted = (): boolean => false) {
  const { cluster, written } = clusterOf(now)
  const outcomes: RepairOutcome[] = []
  const found = differencesOf(planned)
  const deps = {
    cluster,
    applyOnNode: () => undefined,
    isInterrupted,
    onOutcome: (one: RepairOutcome) => void outcomes.push(one),
  }
  await repairAll(found, planned, deps)
  return { found, written, outcomes }
}

/** The pod of an address with two interfaces was deleted without a DEL. */
function withoutTwo(): ReturnType<typeof healthy> {
  const world = healthy()
  world.pods = world.pods.filter(({ metadata }) => metadata.name !== 'two')
  return world
}

t.test('repairAll() deletes with UID and resourceVersion as just read', async t => {
  const { written, outcomes } = await repaired(withoutTwo(), withoutTwo())
  t.strictSame(
    written.filter(({ path }) => path.startsWith('spideripaddresses')),
    [
      { verb: 'delete', path: 'spideripaddresses/10.0.0.11', preconditions: 'uid-10.0.0.11 7' },
      { verb: 'delete', path: 'spideripaddresses/10.1.0.11', preconditions: 'uid-10.1.0.11 7' },
    ],
  )
  t.ok(outcomes.length >= 3 && outcomes.every(({ outcome }) => outcome !== 'failed'), JSON.stringify(outcomes))
})

t.test('repairAll() releases nothing where the pod is there again', async t => {
  const { written, outcomes } = await repaired(withoutTwo(), healthy())
  t.strictSame(written, [])
  t.strictSame([...new Set(outcomes.map(({ outcome }) => outcome))], ['changed'])
})

t.test('repairAll() releases no address that another pod has taken over meanwhile', async t => {
  const now = withoutTwo()
  const next = structuredClone(healthy().pods.find(({ metadata }) => metadata.name === 'two'))
  const address = now.addresses.find(({ metadata }) => metadata.name === '10.0.0.11')
  if (!next || !address) throw new Error('the world has neither')
  next.metadata.name = 'next'
  next.metadata.uid = 'uid-next'
  now.pods.push(next)
  address.spec.pod = { namespace: 'default', name: 'next', uid: 'uid-next' }
  address.metadata.labels = { ...address.metadata.labels, 'ipam.spidernet.io/pod-uid': 'uid-next' }
  const { written } = await repaired(withoutTwo(), now)
  t.notOk(
    written.some(({ verb, path }) => verb === 'delete' && path.endsWith('/10.0.0.11')),
    JSON.stringify(written),
  )
})

t.test('repairAll() begins no write after a Ctrl-C', async t => {
  let count = 0
  const { written, outcomes } = await repaired(withoutTwo(), withoutTwo(), () => count++ > 0)
  t.equal(outcomes.length, 1)
  t.equal(written.length, 1)
})
