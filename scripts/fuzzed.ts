// The decoders of `make fuzz`, with good inputs and the errors they may throw.
import { CniError } from '../lib/cni/error.js'
import { decodeConf } from '../lib/cni/json.js'
import { decodePrevResult, decodeResult } from '../lib/cni/result.js'
import { bytesOf, ipOfObjectName, IpError, objectNameOf, parseIp } from '../lib/ip/address.js'
import { cidr, formatPrefix, networkOf, parsePrefix } from '../lib/ip/cidr.js'
import { macBytes, parseMac } from '../lib/ip/mac.js'
import { parseRange } from '../lib/ip/range.js'
import { expressionsOf, ruleFrom } from '../lib/kernel/nft-compile.js'
import { doneOf, errorOf, framesOf } from '../lib/netlink/message.js'
import { ruleAdd } from '../lib/netlink/nft/rule.js'
import { WireError, type Codec } from '../lib/bytes.js'
import { nftRuleText } from '../lib/plan/nft-table.js'
import { arpAnnouncements, decodeArp } from '../lib/probe/arp.js'
import { decodeNdp, ndpAnnouncement, ndpProbe } from '../lib/probe/ndp.js'
import * as addr from '../test/lib/netlink/captures/addr.js'
import * as link from '../test/lib/netlink/captures/link.js'
import * as nft from '../test/lib/netlink/captures/nft.js'
import * as neigh from '../test/lib/netlink/captures/neigh.js'
import * as route from '../test/lib/netlink/captures/route.js'
import type { Capture } from '../test/lib/netlink/captures/row.js'
import * as rule from '../test/lib/netlink/captures/rule.js'
import { isDeepStrictEqual } from 'node:util'

export interface Fuzzed {
  readonly name: string
  /** May throw its refusals. A check of what was decoded throws any other error. */
  readonly decode: (bytes: Uint8Array) => void
  readonly refusals: readonly (new (...args: never) => Error)[]
  readonly good: readonly Uint8Array[]
}

/** What was decoded is written and read again as the same. */
function bothWays<T>(codec: Codec<T>, bytes: Uint8Array): void {
  const value = codec.decode(bytes)
  let again: T
  try {
    again = codec.decode(codec.encode(value))
  } catch (thrown) {
    throw new Error('a decoded value cannot be encoded and decoded again', { cause: thrown })
  }
  if (!isDeepStrictEqual(again, value)) throw new Error('encode(decode(bytes)) differs')
}

const NLMSGHDR = 16

const codecs = Object.entries({
  link,
  addr,
  route,
  rule,
  neigh,
  nft: { golden: nft.batch, iproute2: nft.reads, answers: nft.answers },
}).flatMap(([name, { golden, iproute2, answers }]) => {
  const requests: readonly Capture[] = [...golden, ...iproute2]
  return [...new Set([...requests, ...answers].map(({ op }) => op.codec))].map(codec => ({
    name: `netlink ${name}`,
    decode: (bytes: Uint8Array) => bothWays(codec, bytes),
    refusals: [WireError],
    good: [
      ...requests.filter(({ op }) => op.codec === codec).map(({ bytes }) => bytes.subarray(NLMSGHDR)),
      ...answers.filter(({ op }) => op.codec === codec).map(({ bytes }) => bytes),
    ],
  }))
})

/** The kernel's rules decompile; a rule of known expressions only compiles to the same bytes. */
const nftWords: Fuzzed = {
  name: 'nft words',
  decode: bytes => {
    const words = ruleFrom(ruleAdd.codec.decode(bytes).attrs.expressions ?? [])
    nftRuleText(words)
    if (words.some(statement => 'other' in statement)) return
    if (!isDeepStrictEqual(ruleFrom(expressionsOf(words)), words)) throw new Error('decompile(compile(rule)) differs')
  },
  refusals: [WireError],
  good: nft.answers.filter(({ op }) => op.codec === ruleAdd.codec).map(({ bytes }) => bytes),
}

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))

const datagrams: Fuzzed = {
  name: 'netlink datagram',
  decode: bytes => {
    for (const frame of framesOf(bytes)) (frame.header.type === 2 ? errorOf : doneOf)(frame)
  },
  refusals: [WireError],
  good: [
    hex(
      '38000000 02000003 01000000 11110000 eaffffff 20000000 10000500 00000000 00000000 0c000100 6e6f2077 61790000 08000200 14000000',
    ),
    hex(
      '38000000 03002202 fdee036b 89180000 feffffff 23000100 69707634 3a204649 42207461 626c6520 646f6573 206e6f74 20657869 73740000',
    ),
    hex(
      '14000000 03000200 01000000 11110000 00000000 24000000 02000001 01000000 11110000 00000000 20000000 10000500 00000000 00000000',
    ),
  ],
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** A decoder of text. */
const ofText = (
  name: string,
  decode: (value: string) => void,
  refusals: Fuzzed['refusals'],
  good: readonly string[],
): Fuzzed => ({
  name,
  decode: bytes => decode(new TextDecoder().decode(bytes)),
  refusals,
  good: good.map(text),
})

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what)
}

const addresses = [
  '10.6.0.20',
  'fd06::20',
  '::ffff:10.6.0.1',
  '::',
  '0.0.0.0',
  '2001:db8:0:1:1:1:1:1',
  '255.255.255.255',
]

const texts: readonly Fuzzed[] = [
  ofText(
    'ip address',
    value => {
      const ip = parseIp(value)
      if (ip === undefined) return
      must(parseIp(ip) === ip, 'an address in its canonical form is itself')
      must(ipOfObjectName(objectNameOf(ip)) === ip, 'the name of an address names it')
      must([4, 16].includes(bytesOf(ip).length), 'an address has 4 or 16 bytes')
    },
    [],
    addresses,
  ),
  ofText(
    'ip prefix',
    value => {
      const prefix = parsePrefix(value)
      if (prefix === undefined) return
      must(isDeepStrictEqual(parsePrefix(formatPrefix(prefix)), prefix), 'a prefix is read as it is written')
      must(cidr(networkOf(prefix)) === networkOf(prefix), 'a network in its canonical form is itself')
    },
    [],
    ['10.6.0.20/16', 'fd06::20/64', '0.0.0.0/0', '::/0', '::ffff:10.6.0.1/112'],
  ),
  ofText(
    'ip range',
    value => void parseRange(value, value.includes(':') ? 6 : 4),
    [IpError],
    ['10.6.0.20-10.6.0.30', 'fd06::20-fd06::30', '10.6.0.1'],
  ),
  ofText('ip object name', value => void ipOfObjectName(value), [], ['10.6.0.20', 'fd06-0-0-0-0-0-0-20']),
  ofText(
    'mac',
    value => {
      const mac = parseMac(value)
      if (mac !== undefined) must(macBytes(mac).length === 6, 'a MAC has six bytes')
    },
    [],
    ['0a:00:00:00:00:01', '0a-00-00-00-00-01', '0a00.0000.0001'],
  ),
]

const results = [
  '{"cniVersion":"1.1.0","interfaces":[{"name":"net1","mac":"0a:00:00:00:00:01","mtu":1500,"sandbox":"/n"}],"ips":[{"address":"10.6.0.5/24","gateway":"10.6.0.1","interface":0}],"routes":[{"dst":"0.0.0.0/0","gw":"10.6.0.1","mtu":1400}],"dns":{"nameservers":["10.6.0.1"]}}',
  '{"cniVersion":"0.2.0","ip4":{"ip":"10.6.0.5/24","gateway":"10.6.0.1","routes":[{"dst":"0.0.0.0/0"}]},"ip6":{"ip":"fd06::5/64"},"dns":{}}',
  '{"cniVersion":"0.3.1","ips":[{"version":"4","address":"10.6.0.5/24"}]}',
]

const cni: readonly Fuzzed[] = [
  ofText(
    'cni conf',
    value => void decodeConf(value),
    [CniError],
    ['{"cniVersion":"1.1.0","name":"n","type":"t","ipam":{"type":"i"}}', ...results],
  ),
  ofText('cni result', value => void decodeResult(decodeConf(value).raw, '1.1.0'), [CniError], results),
  ofText('cni prevResult', value => void decodePrevResult(decodeConf(value).raw, '1.0.0'), [CniError], results),
]

const macOf = (last: number) => parseMac(`0a:00:00:00:00:0${last}`) ?? never()
const ipOf = (value: string) => parseIp(value) ?? never()
function never(): never {
  throw new Error('a good input is rejected')
}

const frames: readonly Fuzzed[] = [
  {
    name: 'arp',
    decode: bytes => void decodeArp(bytes),
    refusals: [WireError],
    good: arpAnnouncements({ from: macOf(1), ip: ipOf('10.6.0.20') }),
  },
  {
    name: 'ndp',
    decode: bytes => void decodeNdp(bytes),
    refusals: [WireError],
    good: [ndpProbe, ndpAnnouncement].map(frame => frame({ from: macOf(1), ip: ipOf('fd06::20') })),
  },
]

export const FUZZED: readonly Fuzzed[] = [...codecs, nftWords, datagrams, ...texts, ...cni, ...frames]
