// Which addresses of a subnet a host can have, as a table: RFC 3021, RFC 6164, RFC 4291 and the
// special-purpose registries of IANA.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { intervalOfPrefix, parsePrefix, type Prefix } from '../../../lib/ip/cidr.js'
import { familyOf } from '../../../lib/ip/address.js'
import { formatRanges } from '../../../lib/ip/range.js'
import { isLinkLocal6, usableIn, whyNoRouter, whyUnusable } from '../../../lib/ip/usable.js'

const prefixOf = (text: string): Prefix => {
  const prefix = parsePrefix(text)
  if (!prefix) throw new Error(text)
  return prefix
}

const whole: readonly [subnet: string, usable: readonly string[]][] = [
  ['172.18.0.0/16', ['172.18.0.1-172.18.255.254']],
  ['172.18.0.9/16', ['172.18.0.1-172.18.255.254']],
  ['172.29.0.0/30', ['172.29.0.1-172.29.0.2']],
  ['172.29.0.0/31', ['172.29.0.0-172.29.0.1']],
  ['172.29.0.3/32', ['172.29.0.3']],
  [
    '0.0.0.0/0',
    [
      '1.0.0.0-126.255.255.255',
      '128.0.0.0-169.253.255.255',
      '169.255.0.0-223.255.255.255',
      '240.0.0.0-255.255.255.254',
    ],
  ],
  ['127.0.0.0/31', []],
  ['224.0.0.0/4', []],
  ['169.254.0.0/16', []],
  ['0.0.0.0/8', []],
  ['255.255.255.255/32', []],
  ['fd00::/64', ['fd00::1-fd00::ffff:ffff:ffff:ffff']],
  ['fd00::/126', ['fd00::1-fd00::3']],
  ['fd00::/127', ['fd00::-fd00::1']],
  ['fd00::5/128', ['fd00::5']],
  ['fe80::/64', []],
  ['febf::/16', []],
  ['ff02::/64', []],
  ['::/127', []],
  ['::/64', ['::2-::fffe:ffff:ffff', '::1:0:0:0-::ffff:ffff:ffff:ffff']],
]
t.test('usableIn() keeps what a host of the subnet can have', t => {
  for (const [text, usable] of whole) {
    const subnet = prefixOf(text)
    const family = familyOf(subnet.ip)
    t.strictSame(formatRanges(usableIn([intervalOfPrefix(subnet)], family, { subnet }), family), usable, text)
  }
  t.end()
})

t.test('usableIn() drops the gateway, and without a subnet only addresses that no host can have', t => {
  const subnet = prefixOf('172.29.0.0/29')
  const all = [intervalOfPrefix(subnet)]
  const found = usableIn(all, 4, { subnet, gateway: ip('172.29.0.2') })
  t.strictSame(formatRanges(found, 4), ['172.29.0.1', '172.29.0.3-172.29.0.6'])
  t.strictSame(usableIn(all, 4, { subnet, gateway: ip('fd00::2') }), usableIn(all, 4, { subnet }))
  t.strictSame(usableIn(all, 4, { subnet: undefined }), all)
  t.strictSame(usableIn(all, 4, { subnet: prefixOf('fd00::/64') }), all)
  t.end()
})

const reasons: readonly [address: string, subnet: string, host: string | undefined, router: string | undefined][] = [
  ['172.18.0.1', '172.18.0.0/16', undefined, undefined],
  ['172.18.1.255', '172.18.0.0/16', undefined, undefined],
  ['172.18.0.0', '172.18.0.0/16', 'is the network address of 172.18.0.0/16', 'is the network address of 172.18.0.0/16'],
  [
    '172.18.255.255',
    '172.18.0.0/16',
    'is the broadcast address of 172.18.0.0/16',
    'is the broadcast address of 172.18.0.0/16',
  ],
  ['172.18.0.1', '172.18.0.0/31', undefined, undefined],
  ['224.0.0.5', '172.18.0.0/16', 'is a multicast address (224.0.0.0/4)', 'is a multicast address (224.0.0.0/4)'],
  ['fd00::', 'fd00::/64', 'is the subnet-router anycast address of fd00::/64', undefined],
  ['fd00::', 'fd00::/127', undefined, undefined],
  ['fe80::1', 'fd00::/64', 'is a link-local address (fe80::/10)', undefined],
  ['ff02::1', 'fd00::/64', 'is a multicast address (ff00::/8)', 'is a multicast address (ff00::/8)'],
  ['::1', 'fd00::/64', 'is the loopback address', 'is the loopback address'],
]
t.test('whyUnusable() and whyNoRouter() name the reason', t => {
  for (const [address, subnet, host, router] of reasons) {
    t.equal(whyUnusable(ip(address), prefixOf(subnet)), host, `${address} in ${subnet}`)
    t.equal(whyNoRouter(ip(address), prefixOf(subnet)), router, `${address} in ${subnet}`)
  }
  t.end()
})

t.test('isLinkLocal6() is fe80::/10', t => {
  const link = ['fe80::', 'fe80::1', 'febf:ffff::', 'fe7f::', 'fec0::', '169.254.1.1', 'fd00::fe80'].filter(text =>
    isLinkLocal6(ip(text)),
  )
  t.strictSame(link, ['fe80::', 'fe80::1', 'febf:ffff::'])
  t.end()
})
