// `quarantine lift`: ends a quarantine by hand, after its evidence.
import type { SpiderIPAddress } from '../../../lib/crd/types.js'
import { objectNameOf, parseIp } from '../../../lib/ip/address.js'
import { isQuarantined } from '../../../lib/ipam/allocation/conflict-quarantine.js'
import { kubeStore } from '../../../lib/ipam/store/kube.js'
import { NODES, SPIDER_IPADDRESSES } from '../../../lib/kube/kinds.js'
import { printValue, type CtlCommand } from '../context.js'
import { fieldsOf } from '../output.js'
import { poolEvent } from '../pool-event.js'
import type { NodeAddresses } from '../pool/decide.js'
import { CtlError } from '../status.js'
import { rowOf } from '../who/decide.js'

const REASON = 'QuarantineLifted'

/** `quarantine lift ADDRESS [--force]` */
export const quarantineLift: CtlCommand<{ readonly force?: boolean }> = async (context, [text = ''], options) => {
  const { cluster, print, warn, now } = context
  const ip = parseIp(text)
  if (ip === undefined) throw new CtlError('usage', `"${text}" is not an IP address; write 172.18.30.5`)
  const object = await cluster.find<SpiderIPAddress>(SPIDER_IPADDRESSES, { name: objectNameOf(ip) })
  if (!object || !isQuarantined(object)) {
    warn(`${ip} is not in quarantine; see spiderpoolctl who ${ip}`)
    return 'no'
  }
  const row = rowOf(object, '')
  const nodes = (await cluster.ifAllowed(NODES, cluster.all<NodeAddresses>(NODES))) ?? []
  const owner = nodes.find(({ status }) => status?.addresses?.some(({ address }) => parseIp(address) === ip))
  const evidence = {
    ...{ address: ip, pool: row.pool, mac: row.mac, since: row.since, seenBy: row.node },
    ...(owner && { addressOfNode: owner.metadata.name }),
  }
  const isPlain = context.format === 'table' || context.format === 'wide'
  if (isPlain)
    print(
      fieldsOf([
        ['Address', `${ip} of pool ${row.pool}`],
        ['Other host', row.mac || 'its MAC address is not known'],
        ['Seen', `by node ${row.node || 'unknown'} since ${row.since || 'an unknown time'}`],
        ...(owner ? [['Node', `${owner.metadata.name} has the address in its status`] as const] : []),
      ]),
    )
  if (owner && options.force !== true) {
    warn(
      `${ip} stays in quarantine: node ${owner.metadata.name} has it; take it out of the pool (spec.excludeIPs), or --force`,
    )
    return 'no'
  }
  const store = kubeStore(cluster.kube)
  // With UID and resourceVersion as read: a quarantine that has just been renewed stays.
  if (!(await store.deleteAddress(object))) {
    warn(`${ip} was changed at the same moment; see spiderpoolctl who ${ip}`)
    return 'no'
  }
  const message = `spiderpoolctl ended the quarantine of ${object.spec.address}: MAC address ${row.mac}, since ${row.since}, seen by node ${row.node}`
  await store.recordEvent(poolEvent({ pool: row.pool, reason: REASON, about: ip, message, now }))
  if (context.format === 'name') print(`spideripaddress/${objectNameOf(ip)}\n`)
  else if (!printValue(context, { ...evidence, lifted: true }))
    print(`spideripaddress/${objectNameOf(ip)} lifted: the next ADD that tries it probes the network again\n`)
  return 'ok'
}
