// Parsing of annotations; the error of an invalid one names source, key, value and remedy.
import t from 'tap'
import type { PoolRoute } from '../../../../lib/crd/types.js'
import {
  namesAnnotation,
  poolAnnotation,
  poolsAnnotation,
  requireInjected,
  routesAnnotation,
  subnetAnnotation,
  subnetsAnnotation,
  type PoolNamesByFamily,
} from '../../../../lib/ipam/pools/annotations.js'

const saidOf = (read: () => unknown): unknown => {
  try {
    return read()
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : error
  }
}
const plain = (names: PoolNamesByFamily): object => Object.fromEntries(names)

type Row = readonly [text: string, is: unknown]
const wrong = (why: string): string => `Refused: wrong input: HERE${why}`
const POOL = '{"ipv4":["pool"],"ipv6":["pool"]}'
const POOLS = '[{"interface":"eth0","ipv4":["pool"],"ipv6":["pool"]}]'

const pool: readonly Row[] = [
  ['{"ipv4":["a","b-*"],"ipv6":["c"]}', { 4: ['a', 'b-*'], 6: ['c'] }],
  ['{"IPv4":["a"],"other":5}', { 4: ['a'] }],
  ['{"ipv4":["a"],"IPV4":["b"]}', { 4: ['b'] }],
  ['{"ipv4":null,"ipv6":[]}', {}],
  ['{}', {}],
  ['', wrong(` is not JSON: ; write ${POOL}`)],
  ['a', wrong(` is not JSON: a; write ${POOL}`)],
  ['["a"]', wrong(` is ["a"]; write an object ${POOL}`)],
  ['null', wrong(` is null; write an object ${POOL}`)],
  ['"a"', wrong(` is "a"; write an object ${POOL}`)],
  ['{"ipv4":"a"}', wrong(': ipv4 is "a"; write a list of pool names')],
  ['{"ipv4":{"0":"a"}}', wrong(': ipv4 is {"0":"a"}; write a list of pool names')],
  ['{"ipv6":["a",1]}', wrong(': ipv6 is ["a",1]; write a list of pool names')],
  ['{"ipv4":[""]}', wrong(': ipv4 is [""]; write a list of pool names')],
  ['{"ipv4":["a","b","a"]}', wrong(': ipv4 names "a" twice; name it once')],
]
for (const [text, is] of pool)
  t.test(`poolAnnotation() ${text}`, async t =>
    t.strictSame(
      saidOf(() => plain(poolAnnotation(text, 'HERE'))),
      is,
    ),
  )

const item = (nic: string, names: object, cleanGateway = false): object => ({ nic, names, cleanGateway })
const INTERFACE = '; write the name of an interface, 15 letters at most'
const pools: readonly Row[] = [
  ['[{"interface":"eth0","ipv4":["a"]}]', [item('eth0', { 4: ['a'] })]],
  ['[{"Interface":"eth0","CleanGateway":true},{"interface":"net1"}]', [item('eth0', {}, true), item('net1', {})]],
  [
    '[{"ipv4":["a"]},{"ipv4":["a"],"interface":"","cleangateway":null}]',
    [item('', { 4: ['a'] }), item('', { 4: ['a'] })],
  ],
  ['[{"interface":"fifteen-letters"}]', [item('fifteen-letters', {})]],
  ['[{"interface":"sixteen--letters"}]', wrong(`, item 0: interface is "sixteen--letters"${INTERFACE}`)],
  ['[{"interface":"a b"}]', wrong(`, item 0: interface is "a b"${INTERFACE}`)],
  ['[{"interface":"a/b"}]', wrong(`, item 0: interface is "a/b"${INTERFACE}`)],
  ['[{"interface":"a:b"}]', wrong(`, item 0: interface is "a:b"${INTERFACE}`)],
  ['[{"interface":"."}]', wrong(`, item 0: interface is "."${INTERFACE}`)],
  ['[{},{"interface":".."}]', wrong(`, item 1: interface is ".."${INTERFACE}`)],
  ['[{"interface":5}]', wrong(`, item 0: interface is 5${INTERFACE}`)],
  ['[', wrong(` is not JSON: [; write ${POOLS}`)],
  ['{}', wrong(` is {}; write a list ${POOLS}`)],
  ['[]', wrong(` is an empty list; write ${POOLS}`)],
  ['[{},null]', wrong(', item 1 is null; write an object')],
  ['[[]]', wrong(', item 0 is []; write an object')],
  ['[{"cleangateway":"yes"}]', wrong(', item 0: cleangateway is "yes"; write true or false')],
  ['[{"ipv6":["a","a"]}]', wrong(', item 0: ipv6 names "a" twice; name it once')],
  ['[{"interface":"eth0"},{},{}]', wrong(' names an interface in 1 of 3 items; name it in every item or in none')],
  [
    '[{"interface":"eth0"},{"interface":"net1"},{"interface":"net1"}]',
    wrong(' has interface "net1" twice; write one item for it'),
  ],
]
for (const [text, is] of pools)
  t.test(`poolsAnnotation() ${text}`, async t => {
    const read = () => poolsAnnotation(text, 'HERE').map(one => ({ ...one, names: plain(one.names) }))
    t.strictSame(saidOf(read), is)
  })

const names: readonly Row[] = [
  ['["a","b-*"]', ['a', 'b-*']],
  ['[]', []],
  ['null', []],
  ['"a"', wrong(' is "a"; write a list of pool names')],
  ['[1]', wrong(' is [1]; write a list of pool names')],
  ['a', wrong(' is not JSON: a; write ["pool"]')],
]
for (const [text, is] of names)
  t.test(`namesAnnotation() ${text}`, async t =>
    t.strictSame(
      saidOf(() => namesAnnotation(text, 'HERE')),
      is,
    ),
  )

const SUBNET = '{"ipv4":["subnet"],"ipv6":["subnet"]}'
const subnet: readonly Row[] = [
  ['{"ipv4":["s4","other"],"ipv6":["s6"]}', { nic: 'eth0', subnets: { 4: 's4', 6: 's6' } }],
  ['{"interface":"net1","ipv6":["s6"]}', { nic: 'net1', subnets: { 6: 's6' } }],
  ['{"interface":"","ipv4":["s4"]}', { nic: 'eth0', subnets: { 4: 's4' } }],
  ['{}', wrong(' names no SpiderSubnet; write {"ipv4":["subnet"]}')],
  ['{"ipv4":[]}', wrong(' names no SpiderSubnet; write {"ipv4":["subnet"]}')],
  ['{"ipv4":"s4"}', wrong(': ipv4 is "s4"; write a list of SpiderSubnet names')],
  ['{"interface":"a/b","ipv4":["s4"]}', wrong(`: interface is "a/b"${INTERFACE}`)],
  ['["s4"]', wrong(` is ["s4"]; write an object ${SUBNET}`)],
  ['s4', wrong(` is not JSON: s4; write ${SUBNET}`)],
]
for (const [text, is] of subnet)
  t.test(`subnetAnnotation() ${text}`, async t => {
    const read = () => {
      const { nic, subnets } = subnetAnnotation(text, 'HERE')
      return { nic, subnets: Object.fromEntries(subnets) }
    }
    t.strictSame(saidOf(read), is)
  })

const subnets: readonly Row[] = [
  ['[{"interface":"eth0","ipv4":["a"]},{"interface":"net1","ipv4":["b"]}]', ['eth0', 'net1']],
  ['[{"ipv4":["a"]}]', ['eth0']],
  ['[]', wrong(' is an empty list; write [{"interface":"eth0","ipv4":["subnet"]}]')],
  ['{}', wrong(' is {}; write a list [{"interface":"eth0","ipv4":["subnet"]}]')],
  ['[5]', wrong(', item 0 is 5; write an object')],
  ['[{}]', wrong(', item 0 names no SpiderSubnet; write {"ipv4":["subnet"]}')],
  ['[{"ipv4":["a"]},{"interface":"eth0","ipv4":["b"]}]', wrong(' has interface "eth0" twice; write one item for it')],
  [
    '[{"ipv4":["a"]},{"interface":"net1","ipv4":["a"]}]',
    wrong(' names SpiderSubnet "a" twice; each can serve one interface'),
  ],
]
for (const [text, is] of subnets)
  t.test(`subnetsAnnotation() ${text}`, async t =>
    t.strictSame(
      saidOf(() => subnetsAnnotation(text, 'HERE').map(({ nic }) => nic)),
      is,
    ),
  )

const route = (text: string): PoolRoute => {
  const [dst = '', gw = ''] = text.split(' via ')
  return { dst, gw }
}
const text = ({ dst, gw }: PoolRoute): string => `${dst} via ${gw}`

const said: readonly (readonly [of: string, routes: readonly string[], becomes: readonly string[] | RegExp])[] = [
  ['one', ['10.8.0.0/16 via 10.6.0.1'], ['10.8.0.0/16 via 10.6.0.1']],
  ['none', [], []],
  ['one twice', ['10.8.0.0/16 via 10.6.0.1', '10.8.0.0/16 via 10.6.0.1'], ['10.8.0.0/16 via 10.6.0.1']],
  ['one written in two ways', ['fd08::/16 via fd06::1', 'fd08::7/16 via fd06:0::1'], ['fd08::/16 via fd06::1']],
  ['the default route', ['0.0.0.0/0 via 10.6.0.1', '::/0 via fe80::1'], ['0.0.0.0/0 via 10.6.0.1', '::/0 via fe80::1']],
  [
    'two ways to one destination',
    ['10.8.0.0/16 via 10.6.0.1', '10.8.0.5/16 via 10.6.0.2'],
    /^wrong input: HERE has two routes to 10\.8\.0\.0\/16: \{"dst":"10\.8\.0\.0\/16","gw":"10\.6\.0\.1"\} and \{"dst":"10\.8\.0\.5\/16","gw":"10\.6\.0\.2"\}; /,
  ],
  ['two default routes', ['::/0 via fd06::1', '::/0 via fd06::2'], /HERE has two routes to ::\/0: /],
]
for (const [of, routes, becomes] of said)
  t.test(`routesAnnotation() of ${of}: ${becomes instanceof RegExp ? 'refused' : 'fine'}`, t => {
    const read = (): readonly string[] => routesAnnotation(JSON.stringify(routes.map(route)), 'HERE').map(text)
    if (becomes instanceof RegExp) t.throws(read, becomes)
    else t.strictSame(read(), becomes)
    t.end()
  })

const CIDR = '; write a CIDR such as 10.0.0.0/16'
const badRoutes: readonly (readonly [text: string, why: string])[] = [
  ['x', ' is not JSON: x; write [{"dst":"10.0.0.0/16","gw":"192.168.1.1"}]'],
  ['{}', ' is {}; write a list [{"dst":"10.0.0.0/16","gw":"192.168.1.1"}]'],
  ['["x"]', ', item 0 is "x"; write an object'],
  ['[{"gw":"10.0.0.1"}]', `, item 0: dst is ""${CIDR}`],
  ['[{"dst":5,"gw":"10.0.0.1"}]', `, item 0: dst is 5${CIDR}`],
  ['[{"dst":"10.0.0.1","gw":"10.0.0.1"}]', `, item 0: dst is "10.0.0.1"${CIDR}`],
  ['[{"dst":"10.0.0.0/33","gw":"10.0.0.1"}]', `, item 0: dst is "10.0.0.0/33"${CIDR}`],
  ['[{"dst":"10.0.0.0/8"}]', ', item 0: gw is ""; write an IP address'],
  ['[{"dst":"10.0.0.0/8","gw":["10.0.0.1"]}]', ', item 0: gw is ["10.0.0.1"]; write an IP address'],
  [
    '[{"dst":"10.0.0.0/8","gw":"10.0.0.1"},{"dst":"::/0","gw":"10.0.0.1"}]',
    ', item 1: dst ::/0 and gw 10.0.0.1 are not of one family; write both IPv4 or both IPv6',
  ],
]
for (const [said, why] of badRoutes)
  t.test(`routesAnnotation() ${said} is refused`, async t =>
    t.strictSame(
      saidOf(() => routesAnnotation(said, 'HERE')),
      wrong(why),
    ),
  )

const [RDMA, NETWORK] = ['cni.spidernet.io/rdma-resource-inject', 'cni.spidernet.io/network-resource-inject'] as const
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'

const CASES: readonly (readonly [
  what: string,
  annotations: Record<string, string> | undefined,
  refused: RegExp | undefined,
])[] = [
  ['a pod without annotations', undefined, undefined],
  ['a pod that chooses nothing', { [RDMA]: '' }, undefined],
  ['a pod that the webhook processed', { [RDMA]: 'gpu', [NETWORKS]: 'a/b' }, undefined],
  [
    'a pod with RDMA inject that the webhook did not process',
    { [RDMA]: 'gpu' },
    /rdma-resource-inject is "gpu".*has no annotation k8s\.v1\.cni\.cncf\.io\/networks/,
  ],
  [
    'a pod with network inject that the webhook did not process',
    { [NETWORK]: 'x' },
    /network-resource-inject is "x".*delete it once/,
  ],
]
for (const [what, annotations, refused] of CASES)
  t.test(`requireInjected(): ${what}`, async t => {
    const call = (): void => requireInjected({ metadata: { name: 'p', ...(annotations && { annotations }) } })
    t.match(String(saidOf(call)), refused ?? /^undefined$/)
  })
