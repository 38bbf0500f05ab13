// `release`: deletes the SpiderIPAddress of a holder that is gone. The one command that writes.
import type { Pod, SpiderIPAddress } from '../../../lib/crd/types.js'
import { objectNameOf, parseIp } from '../../../lib/ip/address.js'
import { deleteAllocation } from '../../../lib/ipam/allocation/shared-pool.js'
import { eventOf } from '../../../lib/ipam/store/event.js'
import { kubeStore } from '../../../lib/ipam/store/kube.js'
import { PODS, SPIDER_IPADDRESSES } from '../../../lib/kube/kinds.js'
import type { CtlCommand } from '../context.js'
import { poolEvent } from '../pool-event.js'
import { CtlError } from '../status.js'
import { releaseVerdict } from './decide.js'

const REASON = 'AddressReleased'

/** `release ADDRESS [--force]` */
export const release: CtlCommand<{ readonly force?: boolean }> = async (context, [text = ''], { force = false }) => {
  const { cluster, now, print, warn } = context
  const ip = parseIp(text)
  if (ip === undefined) throw new CtlError('usage', `"${text}" is not an IP address; write 172.18.30.5`)
  const object = await cluster.find<SpiderIPAddress>(SPIDER_IPADDRESSES, { name: objectNameOf(ip) })
  if (!object) {
    warn(`${ip} is not allocated: there is no SpiderIPAddress of it`)
    return 'no'
  }
  const { namespace, name, uid } = object.spec.pod
  const pod = name === '' ? undefined : await cluster.find<Pod>(PODS, { namespace, name })
  const verdict = releaseVerdict(object, pod, { force })
  if (verdict.kind === 'refuse') {
    warn(`${ip} is not released: ${verdict.why}${verdict.force ? '; --force releases it' : ''}`)
    return 'no'
  }
  const store = kubeStore(cluster.kube)
  // With UID and resourceVersion as read: a pod that has taken it over meanwhile keeps it.
  if (!(await deleteAllocation(object, store))) {
    warn(`${ip} is not released: its SpiderIPAddress was changed at the same moment; see spiderpoolctl who ${ip}`)
    return 'no'
  }
  const message = `spiderpoolctl released ${object.spec.address} of pool ${object.spec.pool}: ${verdict.because}`
  if (name !== '') {
    const about = { pod: { namespace, name, uid }, node: '', reason: REASON, about: ip }
    await store.recordEvent(eventOf({ ...about, message, now }))
  }
  // `who` looks for it there.
  await store.recordEvent(poolEvent({ pool: object.spec.pool, reason: REASON, about: ip, message, now }))
  print(`spideripaddress/${objectNameOf(ip)} released: ${verdict.because}\n`)
  return 'ok'
}
