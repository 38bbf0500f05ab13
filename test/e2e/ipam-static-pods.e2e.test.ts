// Static pods: K8S_POD_UID is the kubelet's, the mirror on the API server has another UID.
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { eventually, startController } from '../fixtures/controller.js'
import { first, openIpam } from '../fixtures/ipam.js'
import type { PodRef } from '../fixtures/cluster.js'

const ipam = await openIpam()
const { cluster, name, sandbox, holders } = ipam
t.teardown(() => ipam.stop())

const pool = name('mirror')
await cluster.pool(pool, { subnet: '10.191.0.0/24', ips: ['10.191.0.10-10.191.0.19'] })

const MIRROR = 'kubernetes.io/config.mirror'

/** The kubelet's mirror of a static pod with this UID; returns the CNI_ARGS of the pod. */
async function staticPod(text: string, uid: string): Promise<PodRef> {
  const annotations = {
    [MIRROR]: uid,
    'kubernetes.io/config.hash': uid,
    'kubernetes.io/config.source': 'file',
    'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: [pool] }),
  }
  const made = await cluster.pod(name(text), annotations)
  t.not(made.uid, uid)
  return { ...made, uid }
}

t.test('ADD of a mirror pod uses the UID of its static pod, CHECK passes, DEL keeps and releases', async t => {
  const pod = await staticPod('static', '1fa4')
  const box = sandbox(pod)
  const result = await box.add()
  t.match(first(result), /^10\.191\.0\./)
  t.strictSame(
    await box.check('eth0', { cniVersion: '1.1.0', ips: result.ips }).then(({ code }) => code),
    110,
    'no NIC here',
  )
  t.equal((await box.del()).status, 0)
  t.equal((await holders(pool)).length, 1, 'the pod lives')
  const again = sandbox(pod)
  t.equal(first(await again.add()), first(result), 'its next sandbox keeps the address')
  await cluster.removePod(pod)
  t.equal((await again.del()).status, 0)
  t.strictSame(await holders(pool), [])
  t.strictSame(
    (await cluster.endpoints()).map(({ metadata }) => metadata.name),
    [],
  )
})

t.test('ADD of a changed static pod fails until its mirror is updated', async t => {
  const pod = await staticPod('changed', randomUUID())
  const { code, msg } = await sandbox({ ...pod, uid: 'newer' }).add()
  t.equal(code, 101)
  t.match(msg, new RegExp(`has UID ${pod.uid}, not newer`))
  t.equal((await sandbox({ ...pod, uid: 'newer' }).del()).status, 0)
})

t.test(
  'the controller keeps the address of a static pod whose mirror is made again, and reclaims it with the pod',
  async t => {
    const controller = await startController(ipam.kubeconfig, {
      name: 'static',
      env: { SPIDERPOOL_GC_UNRECORDED_GRACE: '1', SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION: '1' },
    })
    t.teardown(() => controller.end('SIGTERM'))
    await controller.said('started leading', 30_000)
    const pod = await staticPod('again', randomUUID())
    const address = first(await sandbox(pod).add())
    await cluster.removePod(pod)
    await staticPod('again', pod.uid)
    await new Promise(resolve => setTimeout(resolve, 5_000))
    t.match(await holders(pool), [new RegExp(`^${address.replace('/24', '')} ${pod.name} `)])
    t.equal(first(await sandbox(pod).add()), address)
    await cluster.removePod(pod)
    t.ok(await eventually(async () => ((await holders(pool)).length === 0 ? true : undefined), 20_000))
    const left = async (): Promise<true | undefined> => ((await cluster.endpoints()).length === 0 ? true : undefined)
    t.ok(await eventually(left, 30_000), 'and its record')
  },
)
