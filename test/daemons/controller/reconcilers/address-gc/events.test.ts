// Events of reclaimed addresses: one with its pod, many as ranges, none too long for an Event.
import t from 'tap'
import { messagesOf } from '../../../../../daemons/controller/reconcilers/address-gc/events.js'
import type { SpiderIPAddress } from '../../../../../lib/crd/types.js'

const address = (text: string): SpiderIPAddress => ({
  apiVersion: '',
  kind: '',
  metadata: { name: text },
  spec: {
    address: text,
    ipVersion: text.includes(':') ? 6 : 4,
    pool: 'p',
    nic: 'eth0',
    node: '',
    containerID: '',
    pod: { namespace: 'ns', name: 'a', uid: 'u1' },
    owner: { apiVersion: 'v1', kind: 'Pod', name: 'a' },
  },
})

t.test('messagesOf() names the pod of a single address', async t =>
  t.strictSame(messagesOf([address('10.0.0.1/24')], 'PodGone'), [
    'reclaimed 10.0.0.1/24 of pod ns/a (UID u1, interface eth0): the pod is gone',
  ]),
)

t.test('messagesOf() writes several addresses as ranges by family', async t =>
  t.strictSame(
    messagesOf(['10.0.0.3/24', '10.0.0.1/24', 'fd00::1/64', '10.0.0.2/24', '10.0.0.9/24'].map(address), 'OwnerGone'),
    ['reclaimed 10.0.0.1-10.0.0.3, 10.0.0.9, fd00::1: its StatefulSet or virtual machine will not use it again'],
  ),
)

t.test('messagesOf() writes a thousand addresses in messages that fit an Event', async t => {
  const texts = Array.from({ length: 1000 }, (_, at) => `10.0.${Math.floor(at / 100)}.${(at % 100) * 2}`)
  const messages = messagesOf(
    texts.map(text => address(`${text}/16`)),
    'PodGone',
  )
  t.ok(messages.length > 1 && messages.every(message => message.length <= 1024))
  t.strictSame(
    messages.flatMap(message => message.match(/10\.[0-9.]+[0-9]/g) ?? []),
    texts,
  )
})
