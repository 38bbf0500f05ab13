// A data directory of the standalone server with N pods, their SpiderIPAddresses and their
// SpiderEndpoints, written straight to its store: 100,000 in a minute. Runs under Bun.
import { ObjectStore } from '../../daemons/apiserver/storage/store.js'
import type { Stored } from '../../daemons/apiserver/schema/stored-object.js'
import { addressObject } from '../../lib/ipam/allocation/address-object.js'
import type { Claimant } from '../../lib/ipam/allocation/claimant.js'
import { newEndpoint } from '../../lib/ipam/allocation/endpoint.js'
import { poolOf } from '../../lib/ipam/allocation/pool.js'
import { fromBigint, ip, toBigint } from '../../lib/ip/address.js'
import { SPIDERPOOL_API, SPIDERPOOL_GROUP } from '../../lib/crd/names.js'

/** Addresses of one pool. */
export const POOL_SIZE = 10_000
const NODES = 100
const BATCH = 1_000
/** A pod of a Deployment has so much of annotations, spec and status that no reconciler reads. */
const UNREAD_BYTES = 2_000

const at = (object: object, uid: string, created: string): Stored => {
  const { metadata, ...rest } = object as Stored
  return { ...rest, metadata: { ...metadata, uid, creationTimestamp: created, resourceVersion: '' } } as Stored
}

/** Fills the database of a data directory; returns the bytes of one SpiderIPAddress. */
export async function fillDatabase(path: string, pods: number): Promise<number> {
  const store = new ObjectStore(path, { eventsMax: 1_000 })
  const created = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  let addressBytes = 0
  for (let from = 0; from < pods; from += BATCH)
    await store.write(tx => {
      for (let i = from; i < Math.min(from + BATCH, pods); i++) {
        const index = Math.floor(i / POOL_SIZE)
        const spec = {
          ipVersion: 4 as const,
          subnet: `10.${index}.0.0/16`,
          ips: [`10.${index}.0.1-10.${index}.250.250`],
        }
        const metadata = { name: `pool-${index}`, uid: `pool-uid-${index}`, generation: 1 }
        const object = { apiVersion: SPIDERPOOL_API, kind: 'SpiderIPPool', metadata, spec }
        if (i % POOL_SIZE === 0) tx.put(`${SPIDERPOOL_GROUP}/spiderippools`, at(object, metadata.uid, created))
        const pool = poolOf(object, 4)
        const name = `app-${i}`
        const uid = `6f1c2b52-0000-4000-8000-${String(i).padStart(12, '0')}`
        const node = `n${i % NODES}`
        const claimant: Claimant = {
          ...{ namespace: 'default', name, uid, record: name, node, containerID: `c-${i}` },
          owner: { apiVersion: 'v1', kind: 'Pod', name },
        }
        const address = fromBigint(toBigint(ip(`10.${index}.0.1`)) + BigInt(i % POOL_SIZE), 4)
        const pod = {
          ...{ apiVersion: 'v1', kind: 'Pod' },
          metadata: { name, namespace: 'default', annotations: { unread: 'x'.repeat(UNREAD_BYTES) } },
          spec: { nodeName: node, restartPolicy: 'Always', containers: [{ name: 'c', image: 'i' }] },
          status: { phase: 'Running', podIPs: [{ ip: address }] },
        }
        tx.put('/pods', at(pod, uid, created))
        const held = addressObject({ ip: address, pool, nic: 'eth0', claimant })
        const stored = tx.put(`${SPIDERPOOL_GROUP}/spideripaddresses`, at(held, `a-${uid}`, created))
        addressBytes = JSON.stringify(stored).length
        const nic = { interface: 'eth0', ipv4: `${address}/16`, ipv4Pool: pool.name, vlan: 0 }
        const record = newEndpoint(claimant, [nic], false)
        tx.put(`${SPIDERPOOL_GROUP}/spiderendpoints`, at(record, `e-${uid}`, created))
      }
    })
  store.close()
  return addressBytes
}
