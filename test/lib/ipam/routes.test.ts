// The pod's own routes: what the annotation may say, what they replace, and what a CNI result has of it, as tables.
import t from 'tap'
import type { EndpointNic, Route } from '../../../lib/crd/types.js'
import { routesAnnotation } from '../../../lib/ipam/annotations.js'
import { answerOf } from '../../../lib/ipam/result.js'
import { homeless, withRoutes } from '../../../lib/ipam/routes.js'

const route = (text: string): Route => {
  const [dst = '', gw = ''] = text.split(' via ')
  return { dst, gw }
}
const text = ({ dst, gw }: Route): string => `${dst} via ${gw}`
const nicOf = (nic: string, { net, routes, ...more }: Partial<EndpointNic> & { net: number }): EndpointNic => ({
  ...{ interface: nic, vlan: 0, ipv4: `10.${net}.0.9/16`, ipv6: `fd0${net}::9/64` },
  ...{ ipv4Gateway: `10.${net}.0.1`, ipv6Gateway: `fd0${net}::1`, ...(routes && { routes }) },
  ...more,
})

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

interface Row {
  readonly of: string
  /** Of eth0, and of net1 where there is one. */
  readonly pools: readonly (readonly string[])[]
  readonly routes: readonly string[]
  readonly become: readonly (readonly string[])[]
  readonly left?: readonly string[]
}
const rows: readonly Row[] = [
  { of: 'nothing', pools: [['10.8.0.0/16 via 10.6.0.2']], routes: [], become: [['10.8.0.0/16 via 10.6.0.2']] },
  {
    ...{ of: 'another destination', pools: [['10.8.0.0/16 via 10.6.0.2']], routes: ['10.9.0.0/16 via 10.6.0.3'] },
    become: [['10.8.0.0/16 via 10.6.0.2', '10.9.0.0/16 via 10.6.0.3']],
  },
  {
    ...{ of: 'the destination of a pool', pools: [['10.8.0.1/16 via 10.6.0.2', '10.7.0.0/16 via 10.6.0.2']] },
    ...{ routes: ['10.8.0.0/16 via 10.6.0.3'], become: [['10.7.0.0/16 via 10.6.0.2', '10.8.0.0/16 via 10.6.0.3']] },
  },
  {
    ...{ of: "the destination of another interface's pool", pools: [['fd08::/16 via fd06::2'], []] },
    ...{ routes: ['fd08::/16 via fd07::3'], become: [[], ['fd08::/16 via fd07::3']] },
  },
  {
    of: 'a gateway of no interface',
    pools: [[], []],
    routes: ['10.8.0.0/16 via 10.9.0.1'],
    become: [[], []],
    left: ['10.8.0.0/16 via 10.9.0.1'],
  },
  {
    of: 'a link-local gateway and one interface',
    pools: [[]],
    routes: ['::/0 via fe80::1'],
    become: [['::/0 via fe80::1']],
  },
  {
    of: 'a link-local gateway and two interfaces',
    pools: [[], []],
    routes: ['::/0 via fe80::1'],
    become: [[], []],
    left: ['::/0 via fe80::1'],
  },
]
for (const { of, pools, routes, become, left = [] } of rows)
  t.test(`withRoutes() of ${of}`, t => {
    const nics = pools.map((own, at) => nicOf(at === 0 ? 'eth0' : 'net1', { net: 6 + at, routes: own.map(route) }))
    const among = { nics, isOnly: nics.length === 1 }
    const found = withRoutes(among, routes.map(route)).map(({ routes: own = [] }) => own.map(text))
    t.strictSame(found, become)
    t.strictSame(homeless(among, routes.map(route)).map(text), left)
    t.end()
  })

t.test('withRoutes() gives a link-local next hop to the interface whose pool has it as gateway', t => {
  const nics = [nicOf('eth0', { net: 6 }), nicOf('net1', { net: 7, ipv6Gateway: 'fe80::1' })]
  const found = withRoutes({ nics, isOnly: false }, [route('fd08::/16 via fe80::1')])
  t.strictSame(
    found.map(({ routes = [] }) => routes.length),
    [0, 1],
  )
  t.end()
})

const answers: readonly (readonly [of: string, nic: Partial<EndpointNic>, routes: readonly string[]])[] = [
  ['no routes', {}, ['0.0.0.0/0 via 10.6.0.1', '::/0 via fd06::1']],
  ['cleanGateway', { cleanGateway: true }, []],
  ['a default of IPv4', { routes: [route('0.0.0.0/0 via 10.6.0.9')] }, ['0.0.0.0/0 via 10.6.0.9', '::/0 via fd06::1']],
  ['a default of IPv6', { routes: [route('0::/0 via fe80::9')] }, ['0.0.0.0/0 via 10.6.0.1', '::/0 via fe80::9']],
  [
    ...(['a default and cleanGateway', { cleanGateway: true, routes: [route('::/0 via fe80::9')] }] as const),
    ['::/0 via fe80::9'],
  ],
  [
    'two of one destination, as a record of an older version has them',
    { cleanGateway: true, routes: [route('10.8.0.0/16 via 10.6.0.2'), route('10.8.0.5/16 via 10.6.0.3')] },
    ['10.8.0.0/16 via 10.6.0.3'],
  ],
]
t.test("answerOf() has one route to a destination, the pod's own before the pool's and the gateway's", t => {
  for (const [of, nic, routes] of answers)
    t.strictSame(answerOf(nicOf('eth0', { net: 6, ...nic })).routes.map(text), routes, of)
  t.end()
})
