// Pods that restart and move: StatefulSets, a pool of exact size, updates, force, namespaces.
import type { Case } from '../case.js'
import { apply, kubectl, list, within, type Pod } from '../kubectl.js'
import { app, ippool, pool4, type App } from '../objects.js'
import { show, showKubectl } from '../say.js'
import { addressesOf, allocated, gone, launch, ready, remove } from '../wait.js'

export const stateful: Case = {
  name: 'stateful',
  says: 'a StatefulSet’s pod is deleted and comes back with its address; scaled down, the address is released',
  async run() {
    await apply(pool4('stateful', '172.18.31.1-172.18.31.5'))
    const set: App = { name: 'db', kind: 'StatefulSet', replicas: 2, annotations: ippool(['stateful']) }
    const before = addressesOf(await launch(set))
    for (const pod of ['db-0', 'db-1']) {
      await kubectl(`delete pod ${pod}`)
      const after = addressesOf(await ready('db', 2))
      if (after.join() !== before.join()) throw new Error(`addresses were ${before.join()} and are ${after.join()}`)
    }
    await showKubectl('get spiderendpoints')
    await kubectl('scale statefulset/db --replicas=1')
    await ready('db', 1)
    await allocated('stateful', 1, 40)
    await remove('db')
    await allocated('stateful', 0, 40)
    await kubectl('delete sp stateful')
  },
}

const FULL = 60

export const scale: Case = {
  name: 'scale',
  says: `0 → ${FULL} → 0 pods on a pool of exactly ${FULL}`,
  async run() {
    await apply(pool4('exact', `172.18.32.1-172.18.32.${FULL}`))
    const many: App = { name: 'many', replicas: FULL, annotations: ippool(['exact']) }
    await launch(many, 300)
    await allocated('exact', FULL)
    await showKubectl('get sp exact')
    await kubectl('scale deployment/many --replicas=0')
    await gone('many', 240)
    await allocated('exact', 0, 40)
    await showKubectl('get sp exact')
    await remove('many', 'exact')
  },
}

export const rolling: Case = {
  name: 'rolling',
  says: 'a rolling update on a full pool, pod for pod',
  async run() {
    await apply(pool4('full', '172.18.33.1-172.18.33.10'))
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 2 } }
    const web: App = { name: 'web', replicas: 10, annotations: ippool(['full']), strategy }
    const before = addressesOf(await launch(web))
    await apply(app({ ...web, annotations: { ...web.annotations, version: '2' } }))
    show(await kubectl('rollout status deployment/web --timeout=170s'))
    const after = addressesOf(await ready('web', 10))
    if (after.join() !== before.join()) throw new Error(`addresses were ${before.join()} and are ${after.join()}`)
    await remove('web', 'full')
  },
}

export const forced: Case = {
  name: 'forced',
  says: 'a pod is deleted by force; the next one gets the pool’s only address',
  async run() {
    await apply(pool4('single', '172.18.34.1'))
    const [first] = await launch({ name: 'one', replicas: 1, annotations: ippool(['single']) })
    await kubectl(`delete pod ${first?.metadata.name ?? ''} --force --grace-period=0`)
    const [next] = await within(90, 'another pod is ready', async () => {
      const pods = await ready('one', 1, 1)
      if (pods[0]?.metadata.uid === first?.metadata.uid) throw new Error('the pod was not replaced')
      return pods
    })
    show(`${first?.metadata.name ?? ''} had ${first?.status.podIP ?? ''}, ${next?.metadata.name ?? ''} has it now`)
    await remove('one', 'single')
  },
}

export const namespace: Case = {
  name: 'namespace',
  says: 'a namespace with pods is deleted',
  async run() {
    await kubectl('create namespace team')
    await apply(pool4('team', '172.18.35.1-172.18.35.5'))
    await apply(app({ name: 'crew', namespace: 'team', replicas: 5, annotations: ippool(['team']) }))
    await allocated('team', 5, 90)
    await kubectl('delete namespace team')
    await allocated('team', 0, 60)
    if ((await list<Pod>('pods -n team')).length > 0) throw new Error('pods are left')
    await kubectl('delete sp team')
  },
}
