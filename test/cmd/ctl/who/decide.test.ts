// Who: rows of address objects, Multus' MAC addresses, Events of reclaimed addresses.
import t from 'tap'
import { hasMac, macOf, reclaimEvent, rowOf, statusNics, unheld } from '../../../../cmd/ctl/who/decide.js'
import { ANNOTATION_CONFLICT_SINCE, IPAM_LABEL_POD_UID, LABEL_CONFLICT } from '../../../../lib/crd/names.js'
import type { Event, SpiderIPAddress, SpiderIPPool } from '../../../../lib/crd/types.js'
import { ip } from '../../../../lib/ip/address.js'
import { parseMac, type Mac } from '../../../../lib/ip/mac.js'

const object = (spec: Partial<SpiderIPAddress['spec']>, metadata: object = {}): SpiderIPAddress => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPAddress',
  metadata: { name: '10.0.0.5', creationTimestamp: '2026-12-01T00:00:00Z', ...metadata },
  spec: {
    ...{ address: '10.0.0.5/24', ipVersion: 4, pool: 'p', nic: 'eth0', node: 'n1', containerID: 'c' },
    pod: { namespace: 'default', name: 'a', uid: 'u1' },
    owner: { apiVersion: 'v1', kind: 'Pod', name: 'a' },
    ...spec,
  },
})

t.test('rowOf() has the state of an address object', async t => {
  t.match(rowOf(object({}), ''), { address: '10.0.0.5', state: 'held', since: '2026-12-01T00:00:00Z', owner: 'Pod/a' })
  t.match(rowOf(object({ containerID: '' }), ''), { state: 'kept' })
  const pod = { namespace: '', name: '', uid: '' }
  const metadata = {
    labels: { [IPAM_LABEL_POD_UID]: '', [LABEL_CONFLICT]: '0a-00-00-00-00-01' },
    annotations: { [ANNOTATION_CONFLICT_SINCE]: '2026-12-01T01:00:00Z' },
  }
  const conflict = { state: 'quarantined', mac: '0a:00:00:00:00:01', since: '2026-12-01T01:00:00Z', pod: '' }
  t.match(rowOf(object({ pod }, metadata), ''), conflict)
})

const STATUS = 'k8s.v1.cni.cncf.io/network-status'
const statusOf = (text: string) => ({ name: 'a', annotations: { [STATUS]: text } })

t.test('statusNics() reads what Multus wrote, and nothing of what is not that', async t => {
  const text = JSON.stringify([
    { name: 'cbr0', mac: '0a:00:00:00:00:01' },
    { interface: 'net1', mac: '0A:00:00:00:00:02' },
  ])
  t.match(statusNics(statusOf(text)), [{ interface: 'eth0' }, { interface: 'net1' }])
  t.equal(macOf('net1', undefined, statusOf(text)), '0A:00:00:00:00:02')
  t.equal(hasMac(statusOf(text), parseMac('0a:00:00:00:00:02') as Mac), true)
  for (const bad of ['', 'no JSON', '{}', 'null', '[null]', '[{"mac": 1}]', '[{"ips": "x"}]'])
    t.equal(hasMac(statusOf(bad), parseMac('0a:00:00:00:00:02') as Mac), false, bad)
})

const event = (message: string, lastTimestamp = '2026-12-01T00:00:00Z', reason = 'ReclaimedPodGone') =>
  ({ reason, message, lastTimestamp }) as Event

t.test('reclaimEvent() finds the latest Event that names the address, alone or in a range', async t => {
  const alone = event('reclaimed 10.0.0.5/24 of pod default/a (UID u, interface eth0): the pod is gone')
  const many = event('reclaimed 10.0.0.1, 10.0.0.4-10.0.0.9: the pod is gone', '2026-12-01T02:00:00Z')
  const other = event('reclaimed 10.0.0.50/24 of pod default/b (UID u, interface eth0): the pod is gone')
  t.equal(reclaimEvent(ip('10.0.0.5'), [other, alone]), alone)
  t.equal(reclaimEvent(ip('10.0.0.5'), [many, alone]), many)
  t.equal(reclaimEvent(ip('10.0.0.5'), [other, event('reclaimed nothing', undefined, 'Other')]), undefined)
  t.equal(
    reclaimEvent(ip('fd00::5'), [event('reclaimed fd00::1-fd00::9: the pod is gone')])?.reason,
    'ReclaimedPodGone',
  )
})

t.test('unheld() names the Go record of a shared pool', async t => {
  const allocatedIPs = JSON.stringify({ '10.0.0.5': { pod: 'default/go', podUid: 'u9' } })
  const pool: SpiderIPPool = {
    metadata: { name: 'p' },
    spec: { subnet: '10.0.0.0/24', ips: ['10.0.0.5'] },
    status: { allocatedIPs },
  }
  t.match(unheld(ip('10.0.0.5'), { pools: [pool], reserved: [] }), [{ state: 'recorded', pod: 'go', podUid: 'u9' }])
})
