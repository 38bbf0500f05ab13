// Links of other programs that are deleted during a dump: their objects are left out, and no call
// fails.
import t from 'tap'
import { removeNeigh } from '../../../lib/kernel/acts/neigh.js'
import { removeRoute } from '../../../lib/kernel/acts/route.js'
import { observe, type Query } from '../../../lib/kernel/observe.js'
import type { Namespaces } from '../../../lib/kernel/netns-pair.js'
import { ERRNO, NetlinkError } from '../../../lib/netlink/errno.js'
import type { DumpOp, GetOp } from '../../../lib/netlink/message.js'
import { anyAddress } from '../../../lib/netlink/rtnl/addr.js'
import { anyLink } from '../../../lib/netlink/rtnl/link.js'
import { anyNeigh } from '../../../lib/netlink/rtnl/neigh.js'
import { anyRoute } from '../../../lib/netlink/rtnl/route.js'
import { ip } from '../../../lib/ip/address.js'
import { cidr } from '../../../lib/ip/cidr.js'

const [THERE, GONE] = [2, 3]
const on = (index: number, last: number) => Uint8Array.of(10, 6, index, last)
const DUMPS: Readonly<Record<string, readonly object[]>> = {
  'addr.dump': [THERE, GONE].map(index => ({
    header: { ...anyAddress, family: 2, prefixLength: 16, index },
    attrs: { local: on(index, 1) },
  })),
  'route.dump': [
    ...[THERE, GONE].map(oif => ({
      header: { ...anyRoute, family: 2, dstLength: 32, table: 254, type: 1 },
      attrs: { dst: on(oif, 2), oif },
    })),
    {
      header: { ...anyRoute, family: 2, dstLength: 32, table: 254, type: 1 },
      attrs: { dst: on(9, 9), multipath: [THERE, GONE].map(index => ({ flags: 0, hops: 0, index, attrs: {} })) },
    },
  ],
  'neigh.dump': [THERE, GONE].map(index => ({
    header: { ...anyNeigh, family: 2, index, state: 128 },
    attrs: { dst: on(index, 3) },
  })),
}

const noDevice = (op: string): never => {
  throw new NetlinkError({ op, errno: ERRNO.ENODEV })
}

/** A kernel with one link that dumps objects of a deleted one. `strict`: ENODEV for its index. */
const placesOf = (strict: boolean): Namespaces => {
  const conn = {
    received: 0,
    dump: (op: DumpOp<unknown>) => (strict ? noDevice(op.name) : DUMPS[op.name]),
    get: (op: GetOp<unknown>, value: unknown) => {
      const { header, attrs } = value as { header: { index: number }; attrs: { name?: string } }
      const isThere = header.index === THERE || attrs.name === 'eth0'
      return isThere ? { header: { ...anyLink, index: THERE }, attrs: { name: 'eth0' } } : noDevice(op.name)
    },
    change: (op: { readonly name: string }) => noDevice(op.name),
  }
  return { at: () => conn, indexes: new Map() } as unknown as Namespaces
}

t.test('observe() leaves out objects of a deleted link', t => {
  const query: Query = { addressesOn: 'all', routes: {}, neighsOn: 'all' }
  const { addresses, routes, neighs } = observe(placesOf(false), 'node', query)
  t.strictSame(
    addresses.map(({ dev, address }) => [dev, address.ip]),
    [['eth0', '10.6.2.1']],
  )
  t.strictSame(
    routes.map(({ dev, dst }) => [dev, dst]),
    [['eth0', '10.6.2.2/32']],
    'a route of several paths too, one of which has gone',
  )
  t.strictSame(
    neighs.map(({ dev, ip }) => [dev, ip]),
    [['eth0', '10.6.2.3']],
  )
  t.end()
})

t.test('observe() of a link deleted before the dump is empty', t => {
  const { addresses, routes } = observe(placesOf(true), 'node', { addressesOn: 'eth0', routes: { on: 'eth0' } })
  t.strictSame([addresses, routes], [[], []])
  t.end()
})

t.test('removeNeigh and removeRoute succeed on a deleted link', t => {
  const namespaces = placesOf(false)
  const route = { dst: cidr('10.6.3.2/32'), dev: 'veth9', table: 500, metric: 0, type: 1 }
  t.doesNotThrow(() => removeRoute.apply(namespaces, { verb: 'removeRoute', where: 'node', route }))
  t.doesNotThrow(() =>
    removeNeigh.apply(namespaces, {
      verb: 'removeNeigh',
      where: 'node',
      name: 'veth9',
      ip: ip('10.6.3.3'),
      mac: undefined,
    }),
  )
  t.end()
})
