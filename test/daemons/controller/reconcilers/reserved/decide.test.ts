// Which allocated addresses a SpiderReservedIP covers, and the sentences about them.
import t from 'tap'
import {
  isCovered,
  messageForPod,
  messageForReserved,
  namesWithin,
  rangesOfReserved,
} from '../../../../../daemons/controller/reconcilers/reserved/decide.js'
import type { ObjectMeta, SpiderIPAddress, SpiderReservedIP } from '../../../../../lib/crd/types.js'
import { ip, objectNameOf } from '../../../../../lib/ip/address.js'

const reserved = (ips: readonly string[], metadata: Partial<ObjectMeta> = {}): SpiderReservedIP => ({
  metadata: { name: 'routers', ...metadata },
  spec: { ips: [...ips] },
})
const address = (text: string, uid = 'pod-uid'): SpiderIPAddress => ({
  ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPAddress' },
  metadata: { name: objectNameOf(ip(text)) },
  spec: {
    ...{ address: `${text}/16`, ipVersion: text.includes(':') ? 6 : 4, pool: 'pool', nic: 'eth0', node: 'n' },
    ...{ containerID: 'c', pod: { namespace: 'default', name: 'web', uid } },
    owner: { apiVersion: 'v1', kind: 'Pod', name: 'web' },
  },
})

const cases: readonly [string, SpiderReservedIP, SpiderIPAddress, boolean][] = [
  ['the address itself', reserved(['10.6.0.5']), address('10.6.0.5'), true],
  ['the first of a range', reserved(['10.6.0.5-10.6.0.9']), address('10.6.0.5'), true],
  ['the last of a range', reserved(['10.6.0.5-10.6.0.9']), address('10.6.0.9'), true],
  ['one after a range', reserved(['10.6.0.5-10.6.0.9']), address('10.6.0.10'), false],
  ['one of a later range', reserved(['10.6.0.1', '10.6.0.9']), address('10.6.0.9'), true],
  ['IPv6', reserved(['fd00::1-fd00::ffff:ffff:ffff:ffff']), address('fd00::abc'), true],
  ['an IPv4 address and a reservation of IPv6', reserved(['::a06:5']), address('10.6.0.5'), false],
  ['an address in quarantine, which no pod has', reserved(['10.6.0.5']), address('10.6.0.5', ''), false],
  [
    'a reservation that is being deleted',
    reserved(['10.6.0.5'], { deletionTimestamp: 'x' }),
    address('10.6.0.5'),
    false,
  ],
  ['a reservation without addresses', reserved([]), address('10.6.0.5'), false],
]

t.test('isCovered()', async t => {
  for (const [title, one, object, expected] of cases) t.equal(isCovered(object, rangesOfReserved(one)), expected, title)
})

t.test('namesWithin() lists the objects of few addresses and not those of many', async t => {
  const few = rangesOfReserved(reserved(['10.6.0.5-10.6.0.6', 'fd00::1']))
  t.strictSame(
    namesWithin(few, 3),
    ['10.6.0.5', '10.6.0.6', 'fd00::1'].map(text => objectNameOf(ip(text))),
  )
  t.equal(namesWithin(few, 2), undefined)
  t.equal(namesWithin(rangesOfReserved(reserved(['fd00::1-fd00::ffff:ffff:ffff:ffff'])), 100_000), undefined)
})

t.test('messages name reservation, address and pod, within 1024 characters', async t => {
  const one = address('10.6.0.5')
  t.match(
    messageForReserved('routers', [one]),
    /^SpiderReservedIP routers covers the allocated address 10\.6\.0\.5 of pod default\/web \(eth0\); delete the pod, or/,
  )
  t.match(
    messageForPod('routers', one),
    /^10\.6\.0\.5\/16 of interface eth0 \(SpiderIPPool pool\) is reserved by SpiderReservedIP routers; delete the pod/,
  )
  const two = messageForReserved('routers', [one, address('10.6.0.6')])
  t.match(two, /the allocated 2 addresses 10\.6\.0\.5-10\.6\.0\.6; delete the pods/)
  const many = Array.from({ length: 500 }, (_, at) => address(`10.6.${at >> 7}.${(at % 128) * 2}`))
  const long = messageForReserved('routers', many)
  t.match(long, /the allocated 500 addresses .* and \d+ more ranges; /)
  t.ok(long.length <= 1024, `${long.length} characters`)
})
