// Pools in use: edited, disabled, deleted, exhausted; and an annotation that names no pool.
import type { Case } from '../case.js'
import { apply, kubectl, run, within } from '../kubectl.js'
import { app, ippool, pool, pool4 } from '../objects.js'
import { show, showKubectl } from '../say.js'
import { allocated, event, launch, ready, remove } from '../wait.js'

const SUBNET = { subnet: '172.18.0.0/16', gateway: '172.18.0.1' }

export const edited: Case = {
  name: 'edited',
  says: 'a pool in use is extended, disabled and enabled again',
  async run() {
    await apply(pool4('edited', '172.18.36.1-172.18.36.2'))
    const of = { name: 'edit', replicas: 2, annotations: ippool(['edited']) }
    await launch(of)
    await apply(pool('edited', { ...SUBNET, ips: ['172.18.36.1-172.18.36.4'], disable: true }))
    await within(10, 'the pool has 4', async () => {
      const total = await kubectl('get sp edited -o jsonpath={.status.totalIPCount}')
      if (total !== '4') throw new Error(`it says ${total}`)
    })
    await kubectl('scale deployment/edit --replicas=3')
    show(await event('edit', 'edited', 'disable'))
    await allocated('edited', 2)
    await apply(pool('edited', { ...SUBNET, ips: ['172.18.36.1-172.18.36.4'], disable: false }))
    await ready('edit', 3, 90)
    await remove('edit', 'edited')
  },
}

export const deleted: Case = {
  name: 'deleted',
  says: 'a pool in use is deleted: it stays until its last address is released, and allocates none meanwhile',
  async run() {
    await apply(pool4('going', '172.18.37.1-172.18.37.4'))
    await launch({ name: 'stay', replicas: 2, annotations: ippool(['going']) })
    await kubectl('delete sp going --wait=false')
    await kubectl('scale deployment/stay --replicas=3')
    show(await event('stay', 'going'))
    await allocated('going', 2)
    await showKubectl('get sp going')
    await remove('stay')
    await within(30, 'the pool is gone', async () => {
      const { status, stdout } = await run(['kubectl', 'get', 'sp', 'going'])
      if (status === 0) throw new Error(stdout)
    })
  },
}

export const exhausted: Case = {
  name: 'exhausted',
  says: 'a pool is too small, then extended: waiting pods start',
  async run() {
    await apply(pool4('small', '172.18.38.1-172.18.38.2'))
    await apply(app({ name: 'wait', replicas: 4, annotations: ippool(['small']) }))
    show(await event('wait', 'small'))
    await allocated('small', 2, 60)
    await showKubectl('get pods')
    await apply(pool('small', { ...SUBNET, ips: ['172.18.38.1-172.18.38.4'] }))
    await ready('wait', 4, 120)
    await remove('wait', 'small')
  },
}

export const misspelt: Case = {
  name: 'misspelt',
  says: 'an annotation that is not JSON: the Event on the pod names annotation and pod',
  async run() {
    const annotations = { 'ipam.spidernet.io/ippool': '{"ipv4":["nowhere"' }
    await apply(app({ name: 'typo', replicas: 1, annotations }))
    show(await event('typo', 'ipam.spidernet.io/ippool'))
    await remove('typo')
  },
}
