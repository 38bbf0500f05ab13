// Results in every version: as the reference plugins print them, converted both ways, and
// prevResult.
import t from 'tap'
import { decodePrevResult, decodeResult, encodeResult, type Result } from '../../../lib/cni/result.js'
import { ALL_VERSIONS } from '../../../lib/cni/versions.js'
import { STATIC } from './golden.js'

const A = ['0.1.0', '0.2.0']
const B = ['0.3.0', '0.3.1', '0.4.0']
const C = ['1.0.0', '1.1.0']

const WHOLE: Result = {
  interfaces: [
    { name: 'eth0', mac: '0a:1b:2c:00:00:01' },
    {
      name: 'net1',
      mac: '0a:1b:2c:00:00:02',
      mtu: 9000,
      sandbox: '/run/netns/pod',
      socketPath: '/run/s',
      pciID: '0000:00:1f.6',
    },
  ],
  ips: [
    { address: '10.7.0.20/16', gateway: '10.7.0.1', interface: 0 },
    { address: '2001:db8::14/64', interface: 1 },
  ],
  routes: [
    { dst: '0.0.0.0/0', gw: '10.7.0.1', mtu: 1400, advmss: 1300, priority: 5, table: 0, scope: 0 },
    { dst: '::/0' },
  ],
  dns: { nameservers: ['10.7.0.2'], domain: 'd', search: ['x'], options: ['o'] },
}

const ROUTES = WHOLE.routes ?? []
const BARE_INTERFACES = [
  { name: 'eth0', mac: '0a:1b:2c:00:00:01' },
  { name: 'net1', mac: '0a:1b:2c:00:00:02', sandbox: '/run/netns/pod' },
]

const inA = (version: string): object => ({
  cniVersion: version,
  ip4: { ip: '10.7.0.20/16', gateway: '10.7.0.1', routes: [{ dst: '0.0.0.0/0', gw: '10.7.0.1' }] },
  ip6: { ip: '2001:db8::14/64', routes: [{ dst: '::/0' }] },
  dns: WHOLE.dns,
})
const inB = (version: string): object => ({
  cniVersion: version,
  interfaces: BARE_INTERFACES,
  ips: [
    { version: '4', interface: 0, address: '10.7.0.20/16', gateway: '10.7.0.1' },
    { version: '6', interface: 1, address: '2001:db8::14/64' },
  ],
  routes: ROUTES,
  dns: WHOLE.dns,
})

/** What is left of WHOLE after it was printed in the family and read again. */
const KEPT: Readonly<Record<'A' | 'B' | 'C', Result>> = {
  A: {
    ips: [{ address: '10.7.0.20/16', gateway: '10.7.0.1' }, { address: '2001:db8::14/64' }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.7.0.1' }, { dst: '::/0' }],
    dns: { nameservers: ['10.7.0.2'], domain: 'd', search: ['x'], options: ['o'] },
  },
  B: { ...WHOLE, interfaces: BARE_INTERFACES },
  C: WHOLE,
}
const familyOf = (version: string): 'A' | 'B' | 'C' => (A.includes(version) ? 'A' : B.includes(version) ? 'B' : 'C')

t.test('encodeResult(decodeResult()) is identity for results of the reference plugin', t => {
  for (const [version, text] of Object.entries(STATIC)) {
    const result = decodeResult(JSON.parse(text) as object, version)
    t.equal(encodeResult(result, version), text, version)
  }
  t.end()
})

t.test('encodeResult() converts as the reference plugin does', t => {
  for (const [from, text] of Object.entries(STATIC))
    for (const [to, expected] of Object.entries(STATIC))
      t.equal(encodeResult(decodeResult(JSON.parse(text) as object, from), to), expected, `${from} to ${to}`)
  t.end()
})

t.test('encodeResult() prints the JSON of each version', t => {
  for (const version of A) t.strictSame(JSON.parse(encodeResult(WHOLE, version)), inA(version), version)
  for (const version of B) t.strictSame(JSON.parse(encodeResult(WHOLE, version)), inB(version), version)
  for (const version of C)
    t.strictSame(JSON.parse(encodeResult(WHOLE, version)), { cniVersion: version, ...WHOLE }, version)
  t.end()
})

t.test('decodeResult(encodeResult()) keeps what the version has', t => {
  for (const version of ALL_VERSIONS)
    t.strictSame(
      decodeResult(JSON.parse(encodeResult(WHOLE, version)) as object, '1.1.0'),
      KEPT[familyOf(version)],
      version,
    )
  t.end()
})

t.test('conversion between versions loses only what one of them lacks', t => {
  const through = (result: Result, version: string): Result =>
    decodeResult(JSON.parse(encodeResult(result, version)) as object, version)
  for (const first of ALL_VERSIONS)
    for (const second of ALL_VERSIONS) {
      const poorest = [first, second].map(familyOf).sort()[0] ?? 'A'
      t.strictSame(through(through(WHOLE, first), second), KEPT[poorest], `${first} to ${second}`)
    }
  t.end()
})

const V6_FIRST: Result = {
  ips: [
    { address: 'fd00::5/64' },
    { address: '10.0.0.5/24', interface: 0 },
    { address: '10.0.0.6/24', gateway: '10.0.0.1' },
  ],
  routes: [{ dst: 'fd01::/64' }, { dst: '10.1.0.0/16' }],
}
const V4_ONLY: Result = { ips: [{ address: '10.0.0.5/24' }], routes: [{ dst: '::/0' }] }

const PRINTED: readonly [string, Result, string, object][] = [
  ['nothing, oldest family with dns', {}, '0.4.0', { cniVersion: '0.4.0', dns: {} }],
  ['nothing, newest', {}, '1.1.0', { cniVersion: '1.1.0' }],
  ['no version is 0.1.0', V4_ONLY, '', { cniVersion: '0.1.0', ip4: { ip: '10.0.0.5/24' }, dns: {} }],
  [
    'empty lists and texts are left out',
    {
      interfaces: [{ name: 'a', mac: '', sandbox: '', mtu: 0 }],
      ips: [{ address: '10.0.0.5/24', gateway: '' }],
      routes: [{ dst: '0.0.0.0/0', gw: '', priority: 0 }],
      dns: { nameservers: [], domain: '', search: [], options: [] },
    },
    '1.1.0',
    {
      cniVersion: '1.1.0',
      interfaces: [{ name: 'a' }],
      ips: [{ address: '10.0.0.5/24' }],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  ],
  ['empty lists', { interfaces: [], ips: [], routes: [] }, '1.0.0', { cniVersion: '1.0.0' }],
  [
    'the first of each family, routes with their own',
    V6_FIRST,
    '0.2.0',
    {
      cniVersion: '0.2.0',
      ip4: { ip: '10.0.0.5/24', routes: [{ dst: '10.1.0.0/16' }] },
      ip6: { ip: 'fd00::5/64', routes: [{ dst: 'fd01::/64' }] },
      dns: {},
    },
  ],
  [
    'a route without an address of its family goes',
    V4_ONLY,
    '0.1.0',
    { cniVersion: '0.1.0', ip4: { ip: '10.0.0.5/24' }, dns: {} },
  ],
]

t.test('encodeResult() omits empty values, except interface 0 and dns of old versions', t => {
  for (const [of, result, version, expected] of PRINTED)
    t.strictSame(JSON.parse(encodeResult(result, version)), expected, of)
  t.end()
})

t.test('encodeResult() rejects what a version cannot express', t => {
  for (const version of A)
    t.throws(() => encodeResult({ interfaces: [{ name: 'a' }] }, version), {
      code: 999,
      message: 'cannot convert: no valid IP addresses',
    })
  for (const version of ['9.9.9', '1.0', 'constructor', 'one'])
    t.throws(() => encodeResult(WHOLE, version), {
      code: 1,
      message: `no converter for CNI result version 1.1.0 to ${version}`,
    })
  t.end()
})

t.test('decodeResult() without version takes the conf’s', t => {
  const old = { ip4: { ip: '10.0.0.5/24' } }
  const newer = { ips: [{ address: '10.0.0.5/24' }] }
  const expected = { ips: [{ address: '10.0.0.5/24' }] }
  t.strictSame(decodeResult(old, '0.2.0'), expected)
  t.strictSame(decodeResult(old, ''), expected, 'no version at all is 0.1.0')
  t.strictSame(decodeResult({ ...old, cniVersion: '' }, '0.1.0'), expected)
  t.strictSame(decodeResult(newer, '1.0.0'), expected)
  t.strictSame(decodeResult({ ...old, CNIVersion: '0.2.0' }, '1.0.0'), expected, 'its own version counts more')
  t.end()
})

const BAD: readonly [string, object, RegExp][] = [
  ['a version that does not exist', { cniVersion: '0.5.0' }, /^unsupported CNI result version "0\.5\.0"$/],
  ['a version that every object has', { cniVersion: 'toString' }, /^unsupported CNI result version "toString"$/],
  ['a version that is a number', { cniVersion: 1 }, /^cniVersion is 1; it must be a string$/],
  ['interfaces that are no list', { interfaces: {} }, /^interfaces is an object; it must be a list$/],
  ['an address without an address', { ips: [{ gateway: '10.0.0.1' }] }, /^ips\[0\]\.address is missing/],
  [
    'an interface that is no number',
    { ips: [{ address: '10.0.0.5/24', interface: '0' }] },
    /^ips\[0\]\.interface is "0"/,
  ],
  ['a route without a destination', { routes: [{}, {}] }, /^routes\[0\]\.dst is missing/],
  ['a table with a fraction', { routes: [{ dst: '::/0', table: 1.5 }] }, /^routes\[0\]\.table is 1\.5/],
  ['dns that is a list', { dns: [] }, /^dns is a list; it must be an object$/],
  [
    'name servers that are numbers',
    { dns: { nameservers: [1] } },
    /^dns\.nameservers is a list; it must be a list of strings$/,
  ],
  ['an old address without an address', { cniVersion: '0.2.0', ip4: {} }, /^ip4\.ip is missing/],
]

t.test('decodeResult() names the invalid key', t => {
  for (const [of, value, message] of BAD) t.throws(() => decodeResult(value, '1.0.0'), { code: 6, message }, of)
  t.end()
})

t.test('decodePrevResult() requires the family of the conf’s version', t => {
  for (const conf of ALL_VERSIONS)
    for (const own of [...ALL_VERSIONS, '9.9.9']) {
      const value = { cniVersion: own, ips: [{ address: '10.0.0.5/24' }], ip4: { ip: '10.0.0.5/24' } }
      const family = { A, B, C }[familyOf(conf)]
      if (family.includes(own))
        t.strictSame(decodePrevResult(value, conf), { ips: [{ address: '10.0.0.5/24' }] }, `${own} for ${conf}`)
      else
        t.throws(() => decodePrevResult(value, conf), {
          code: 6,
          message: `could not parse prevResult: result type supports [${family.join(' ')}] but unmarshalled CNIVersion is "${own}"`,
        })
    }
  t.strictSame(decodePrevResult({ ip4: { ip: '10.0.0.5/24' } }, ''), { ips: [{ address: '10.0.0.5/24' }] })
  t.strictSame(
    decodePrevResult({ ips: [] }, '0.3.1'),
    { ips: [] },
    'without a version it is of the version of the conf',
  )
  t.end()
})
