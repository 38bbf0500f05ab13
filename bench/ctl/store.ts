// Writes the objects of seed.ts into the database of a stopped standalone server. On Bun.
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { ObjectStore } from '../../daemons/apiserver/storage/store.js'
import type { Stored } from '../../daemons/apiserver/schema/stored-object.js'
import type { KubeObject } from '../../demo/api.js'
import { allocationOf, groundOf, podOf, type Seed } from './seed.js'

const GROUP = 'spiderpool.spidernet.io'
const EVENTS_MAX = 10_000
const [dataDir = '', pools = '', pods = ''] = process.argv.slice(2)
const size = { pools: Number(pools), pods: Number(pods) }
const store = new ObjectStore(join(dataDir, 'state.db'), { eventsMax: EVENTS_MAX })
const creationTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')

const put = ({ plural, object }: Seed): Promise<KubeObject> =>
  store.write(tx => {
    const metadata = { uid: randomUUID(), ...object.metadata, creationTimestamp, generation: 1 }
    const resource = `${object.apiVersion === 'v1' ? '' : GROUP}/${plural}`
    return tx.put(resource, { ...object, metadata } as unknown as Stored) as unknown as KubeObject
  })

const made = new Map<string, KubeObject>()
for (const one of await Promise.all(groundOf(size).map(put))) made.set(one.metadata.name ?? '', one)
await Promise.all(
  Array.from({ length: size.pods }, async (_, at) => {
    const pod = await put({ plural: 'pods', object: podOf(at, size) })
    const pool = made.get(`pool-${at % size.pools}`)
    if (!pool) throw new Error(`pool-${at % size.pools} was not made`)
    const [address, record] = allocationOf(at, pod, pool, size)
    if (address && record) await Promise.all([put(address), put(record)])
  }),
)
store.close()
