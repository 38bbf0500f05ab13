// Assignment of the pod's own routes to interfaces, and the routes that they replace.
import t from 'tap'
import type { EndpointNic, PoolRoute } from '../../../../lib/crd/types.js'
import { Refused } from '../../../../lib/ipam/errors.js'
import { dstOf, refuseUnreachable, withRoutes } from '../../../../lib/ipam/allocation/routes.js'

const route = (text: string): PoolRoute => {
  const [dst = '', gw = ''] = text.split(' via ')
  return { dst, gw }
}
const text = ({ dst, gw }: PoolRoute): string => `${dst} via ${gw}`
const nicOf = (nic: string, { net, routes, ...more }: Partial<EndpointNic> & { net: number }): EndpointNic => ({
  ...{ interface: nic, vlan: 0, ipv4: `10.${net}.0.9/16`, ipv6: `fd0${net}::9/64` },
  ...{ ipv4Gateway: `10.${net}.0.1`, ipv6Gateway: `fd0${net}::1`, ...(routes && { routes }) },
  ...more,
})

/** The refused route and the subnets of the sentence; '' where all routes are reachable. */
const refusedOf = (nics: readonly EndpointNic[], routes: readonly string[]): string => {
  try {
    refuseUnreachable(nics, routes.map(route), { namespace: 'default', name: 'p' })
    return ''
  } catch (error) {
    if (!(error instanceof Refused) || error.refusal !== 'routeFitsNothing') throw error
    return error.message
  }
}
const sentence = (gw: string, dst: string, subnets: string): string =>
  `wrong input: annotation ipam.spidernet.io/routes of pod default/p: gw ${gw} of route ${dst} is in the subnet of no interface (${subnets}); correct it or take the route out`

interface Row {
  readonly of: string
  /** Of eth0, and of net1 where there is one. */
  readonly pools: readonly (readonly string[])[]
  readonly routes: readonly string[]
  readonly become: readonly (readonly string[])[]
  /** The route that is refused. */
  readonly left?: readonly [dst: string, gw: string]
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
    left: ['10.8.0.0/16', '10.9.0.1'],
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
    left: ['::/0', 'fe80::1'],
  },
]
for (const { of, pools, routes, become, left } of rows)
  t.test(`withRoutes() and refuseUnreachable() of ${of}`, t => {
    const nics = pools.map((own, at) => nicOf(at === 0 ? 'eth0' : 'net1', { net: 6 + at, routes: own.map(route) }))
    const among = { nics, isOnly: nics.length === 1 }
    const found = withRoutes(among, routes.map(route)).map(({ routes: own = [] }) => own.map(text))
    t.strictSame(found, become)
    const subnets = nics.map(({ ipv4 = '', ipv6 = '' }) => `${ipv4}, ${ipv6}`).join(', ')
    t.strictSame(refusedOf(nics, routes), left ? sentence(left[1], left[0], subnets) : '')
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

t.test('withRoutes() keeps an interface without a route unchanged', async t => {
  const [nic, plain] = [
    nicOf('eth0', { net: 6, routes: [route('10.8.0.0/16 via 10.6.0.2')] }),
    nicOf('net1', { net: 7 }),
  ]
  t.strictSame(withRoutes({ nics: [nic, plain], isOnly: false }, []), [nic, plain])
})

t.test('refuseUnreachable() refuses a route whose gateway is not an address', async t =>
  t.strictSame(
    refusedOf([nicOf('eth0', { net: 6 })], ['10.8.0.0/16 via 10.6.0.2', '10.9.0.0/16 via x']),
    sentence('x', '10.9.0.0/16', '10.6.0.9/16, fd06::9/64'),
  ),
)

t.test('refuseUnreachable() refuses a link-local gateway where the only interface has no IPv6', async t => {
  const { ipv6: _, ...only4 } = nicOf('eth0', { net: 6 })
  t.strictSame(refusedOf([only4], ['::/0 via fe80::1']), sentence('fe80::1', '::/0', '10.6.0.9/16'))
})

const destinations: readonly (readonly [dst: string, is: string])[] = [
  ['10.0.0.5/8', '10.0.0.0/8'],
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['fd08::7/16', 'fd08::/16'],
  ['0::/0', '::/0'],
  ['10.0.0.5', '10.0.0.5'],
]
for (const [dst, is] of destinations) t.test(`dstOf() ${dst} is ${is}`, async t => t.strictSame(dstOf({ dst }), is))
