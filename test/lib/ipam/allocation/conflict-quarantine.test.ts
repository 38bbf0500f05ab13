// An address in quarantine: without a holder, and still taken.
import t from 'tap'
import { ip } from '../../../../lib/ip/address.js'
import { isQuarantined, quarantine } from '../../../../lib/ipam/allocation/conflict-quarantine.js'
import { addressObject } from '../../../../lib/ipam/allocation/address-object.js'
import { poolOf } from '../../../../lib/ipam/allocation/pool.js'
import { claimantOf, poolObject } from '../../../fixtures/memory.js'

const pool = poolOf(poolObject('a'), 4)
const held = addressObject({ ip: ip('10.1.0.5'), pool, nic: 'eth0', claimant: claimantOf('p') })
const CONFLICT = 'ipam.spidernet.io/conflict'

t.test('quarantine() keeps name, pool and resourceVersion, and removes the holder', async t => {
  const known = { ...held, metadata: { ...held.metadata, resourceVersion: '7', annotations: { other: 'x' } } }
  const { metadata, spec } = quarantine(known, { mac: '02:00:00:00:00:01', now: 0 })
  t.strictSame(spec, {
    ...{ address: '10.1.0.5/24', ipVersion: 4, pool: 'a', node: 'n1', nic: '', containerID: '' },
    pod: { namespace: '', name: '', uid: '' },
    owner: { apiVersion: '', kind: '', name: '' },
  })
  t.strictSame([metadata.name, metadata.resourceVersion], ['10.1.0.5', '7'])
  t.strictSame(metadata.labels, {
    ...held.metadata.labels,
    ...{ 'ipam.spidernet.io/pod-uid': '', [CONFLICT]: '02-00-00-00-00-01' },
  })
  t.strictSame(metadata.annotations, { other: 'x', 'ipam.spidernet.io/conflict-since': '1970-01-01T00:00:00.000Z' })
})

const marked = { ...held, metadata: { ...held.metadata, labels: { [CONFLICT]: 'note' } } }
const free = { ...held, spec: { ...held.spec, pod: { namespace: '', name: '', uid: '' } } }
const rows: readonly (readonly [of: string, object: typeof held, is: boolean])[] = [
  ['an address of a pod', held, false],
  ['an address of a pod with a label of its own', marked, false],
  ['an address of no pod without the label', free, false],
  ['an address in quarantine', quarantine(held, { mac: '02:00:00:00:00:01', now: 0 }), true],
]
for (const [of, object, is] of rows)
  t.test(`isQuarantined() of ${of} is ${is}`, async t => t.strictSame(isQuarantined(object), is))
