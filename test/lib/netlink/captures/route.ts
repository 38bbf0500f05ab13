// Route messages of other programs and of the kernel. Rows are made by scripts/capture.ts.
import {
  routeAdd,
  routeAppend,
  routeDel,
  routeDump,
  routeGet,
  routePrepend,
  routeReplace,
} from '../../../../lib/netlink/rtnl/route.js'
import { answer, capture, hex, type Capture } from './row.js'

/** Complete requests, most accepted by Linux 6.18; some as Go programs send them. */
export const golden: readonly Capture[] = [
  capture(routeAdd, {
    of: 'default via 10.6.0.1 dev 3',
    bytes: `2c000000 18000506 01000000 00000000 02000000 fe030001 00000000 08000500 0a060001 08000400 03000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: { gateway: hex('0a060001'), oif: 3 },
    },
  }),
  capture(routeAdd, {
    of: '10.6.0.10/32 dev 3 scope link src … table 101',
    bytes: `34000000 18000506 01000000 00000000 02200000 6503fd01 00000000 08000100 0a06000a 08000700 0a060014 08000400
03000000`,
    value: {
      header: {
        family: 2,
        dstLength: 32,
        srcLength: 0,
        tos: 0,
        table: 101,
        protocol: 3,
        scope: 253,
        type: 1,
        flags: 0,
      },
      attrs: { dst: hex('0a06000a'), prefSrc: hex('0a060014'), oif: 3 },
    },
  }),
  capture(routeAdd, {
    of: '10.6.0.99/32 dev 3 scope link table 500',
    bytes: `34000000 18000506 01000000 00000000 02200000 0003fd01 00000000 08000100 0a060063 08000f00 f4010000 08000400
03000000`,
    value: {
      header: { family: 2, dstLength: 32, srcLength: 0, tos: 0, table: 0, protocol: 3, scope: 253, type: 1, flags: 0 },
      attrs: { dst: hex('0a060063'), table: 500, oif: 3 },
    },
  }),
  capture(routeAdd, {
    of: 'fd06::99/128 dev 3 table 500',
    bytes: `40000000 18000506 01000000 00000000 0a800000 0003fd01 00000000 14000100 fd060000 00000000 00000000 00000099
08000f00 f4010000 08000400 03000000`,
    value: {
      header: {
        family: 10,
        dstLength: 128,
        srcLength: 0,
        tos: 0,
        table: 0,
        protocol: 3,
        scope: 253,
        type: 1,
        flags: 0,
      },
      attrs: { dst: hex('fd060000000000000000000000000099'), table: 500, oif: 3 },
    },
  }),
  capture(routeAdd, {
    of: 'default via fd06::1 dev 3',
    bytes: `38000000 18000506 01000000 00000000 0a000000 fe030001 00000000 14000500 fd060000 00000000 00000000 00000001
08000400 03000000`,
    value: {
      header: { family: 10, dstLength: 0, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: { gateway: hex('fd060000000000000000000000000001'), oif: 3 },
    },
  }),
  capture(routeAdd, {
    of: '10.96.0.0/12 via 10.6.0.10 dev 3 src 10.6.0.20',
    bytes: `3c000000 18000506 01000000 00000000 020c0000 fe030001 00000000 08000100 0a600000 08000700 0a060014 08000500
0a06000a 08000400 03000000`,
    value: {
      header: { family: 2, dstLength: 12, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: { dst: hex('0a600000'), prefSrc: hex('0a060014'), gateway: hex('0a06000a'), oif: 3 },
    },
  }),
  capture(routeAdd, {
    of: 'multipath default (.1 and .2) table 102',
    bytes: `40000000 18000506 01000000 00000000 02000000 66030001 00000000 24000900 10000000 03000000 08000500 0a060001
10000000 03000000 08000500 0a060002`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 102, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        multipath: [
          { flags: 0, hops: 0, index: 3, attrs: { gateway: hex('0a060001') } },
          { flags: 0, hops: 0, index: 3, attrs: { gateway: hex('0a060002') } },
        ],
      },
    },
  }),
  capture(routeAdd, {
    of: 'default via 169.254.1.1 onlink table 103',
    bytes: `2c000000 18000506 01000000 00000000 02000000 67030001 04000000 08000500 a9fe0101 08000400 03000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 103, protocol: 3, scope: 0, type: 1, flags: 4 },
      attrs: { gateway: hex('a9fe0101'), oif: 3 },
    },
  }),
  capture(routeDel, {
    of: 'del 10.6.0.99/32 table 500',
    bytes: `2c000000 19000500 01000000 00000000 02200000 0000ff00 00000000 08000100 0a060063 08000f00 f4010000`,
    value: {
      header: { family: 2, dstLength: 32, srcLength: 0, tos: 0, table: 0, protocol: 0, scope: 255, type: 0, flags: 0 },
      attrs: { dst: hex('0a060063'), table: 500 },
    },
  }),
  capture(routeGet, {
    of: 'lookup 10.6.0.77',
    bytes: `24000000 1a000100 01000000 00000000 02200000 00000000 00100000 08000100 0a06004d`,
    value: {
      header: { family: 2, dstLength: 32, srcLength: 0, tos: 0, table: 0, protocol: 0, scope: 0, type: 0, flags: 4096 },
      attrs: { dst: hex('0a06004d') },
    },
  }),
  capture(routeGet, {
    of: 'lookup fd06::77',
    bytes: `30000000 1a000100 01000000 00000000 0a800000 00000000 00000000 14000100 fd060000 00000000 00000000 00000077`,
    value: {
      header: { family: 10, dstLength: 128, srcLength: 0, tos: 0, table: 0, protocol: 0, scope: 0, type: 0, flags: 0 },
      attrs: { dst: hex('fd060000000000000000000000000077') },
    },
  }),
  capture(routeDump, {
    of: 'strict dump routes of table 101',
    bytes: `24000000 1a000103 01000000 00000000 02000000 00000000 00000000 08000f00 65000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 0, protocol: 0, scope: 0, type: 0, flags: 0 },
      attrs: { table: 101 },
    },
  }),
]

/** Requests of iproute2 6.1; the kernel rejects link kinds that it does not have. */
export const iproute2: readonly Capture[] = [
  capture(routeAdd, {
    of: 'ip route add 10.96.0.0/12 via 10.6.0.10 dev v0 src 10.6.0.20 metric 50 mtu 1400 advmss 1360',
    bytes: `58000000 18000506 89ec036b 00000000 020c0000 fe030001 00000000 08000100 0a600000 08000500 0a06000a 08000700
0a060014 08000600 32000000 08000400 03000000 14000800 08000200 78050000 08000800 50050000`,
    value: {
      header: { family: 2, dstLength: 12, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        dst: hex('0a600000'),
        gateway: hex('0a06000a'),
        prefSrc: hex('0a060014'),
        priority: 50,
        oif: 3,
        metrics: { mtu: 1400, advmss: 1360 },
      },
    },
  }),
  capture(routeAdd, {
    of: 'ip route add 10.97.0.0/16 via 10.6.0.10 mtu lock 1300 hoplimit 9 initcwnd 20 congctl reno',
    bytes: `58000000 18000506 8aec036b 00000000 02100000 fe030001 00000000 08000100 0a610000 08000500 0a06000a 2c000800
08000200 14050000 08000a00 09000000 08000b00 14000000 08001000 72656e6f 08000100 04000000`,
    value: {
      header: { family: 2, dstLength: 16, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        dst: hex('0a610000'),
        gateway: hex('0a06000a'),
        metrics: { mtu: 1300, hopLimit: 9, initCwnd: 20, ccAlgorithm: 'reno', lock: 4 },
      },
    },
    differs: 'no NUL after the name of the algorithm',
  }),
  capture(routeAdd, {
    of: 'ip route add 10.6.0.99/32 dev v0 scope link table 500 proto static',
    bytes: `34000000 18000506 8cec036b 00000000 02200000 0004fd01 00000000 08000100 0a060063 08000f00 f4010000 08000400
03000000`,
    value: {
      header: { family: 2, dstLength: 32, srcLength: 0, tos: 0, table: 0, protocol: 4, scope: 253, type: 1, flags: 0 },
      attrs: { dst: hex('0a060063'), table: 500, oif: 3 },
    },
  }),
  capture(routeAdd, {
    of: 'ip route add default table 102 nexthop via 10.6.0.1 dev v0 weight 1 nexthop via 10.6.0.2 dev v0 weight 5 onlink',
    bytes: `40000000 18000506 8dec036b 00000000 02000000 66030001 00000000 24000900 10000000 03000000 08000500 0a060001
10000404 03000000 08000500 0a060002`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 102, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        multipath: [
          { flags: 0, hops: 0, index: 3, attrs: { gateway: hex('0a060001') } },
          { flags: 4, hops: 4, index: 3, attrs: { gateway: hex('0a060002') } },
        ],
      },
    },
  }),
  capture(routeAdd, {
    of: 'ip route add 10.98.0.0/16 via inet6 fd06::1 dev v0',
    bytes: `44000000 18000506 8fec036b 00000000 02100000 fe030001 00000000 08000100 0a620000 16001200 0a00fd06 00000000
00000000 00000000 00010000 08000400 03000000`,
    value: {
      header: { family: 2, dstLength: 16, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: { dst: hex('0a620000'), via: { family: 10, address: hex('fd060000000000000000000000000001') }, oif: 3 },
    },
  }),
  capture(routeAdd, {
    of: 'ip route add blackhole 10.99.0.0/16',
    bytes: `24000000 18000506 91ec036b 00000000 02100000 fe030006 00000000 08000100 0a630000`,
    value: {
      header: { family: 2, dstLength: 16, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 6, flags: 0 },
      attrs: { dst: hex('0a630000') },
    },
  }),
  capture(routeAdd, {
    of: 'ip -6 route add default via fd06::1 dev v0 pref high expires 600',
    bytes: `5c000000 18000506 92ec036b 00000000 0a000000 fe030001 00000000 14000100 00000000 00000000 00000000 00000000
14000500 fd060000 00000000 00000000 00000001 05001400 01000000 08001700 58020000 08000400 03000000`,
    value: {
      header: { family: 10, dstLength: 0, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        dst: hex('00000000000000000000000000000000'),
        gateway: hex('fd060000000000000000000000000001'),
        pref: 1,
        expires: 600,
        oif: 3,
      },
    },
  }),
  capture(routeAdd, {
    of: 'ip -6 route add fd07::/64 nexthop via fd06::1 dev v0 nexthop via fd06::2 dev v0',
    bytes: `6c000000 18000506 93ec036b 00000000 0a400000 fe030001 00000000 14000100 fd070000 00000000 00000000 00000000
3c000900 1c000000 03000000 14000500 fd060000 00000000 00000000 00000001 1c000000 03000000 14000500 fd060000
00000000 00000000 00000002`,
    value: {
      header: { family: 10, dstLength: 64, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        dst: hex('fd070000000000000000000000000000'),
        multipath: [
          { flags: 0, hops: 0, index: 3, attrs: { gateway: hex('fd060000000000000000000000000001') } },
          { flags: 0, hops: 0, index: 3, attrs: { gateway: hex('fd060000000000000000000000000002') } },
        ],
      },
    },
  }),
  capture(routeAppend, {
    of: 'ip route append 10.96.0.0/12 via 10.6.0.11 dev v0',
    bytes: `34000000 1800050c 94ec036b 00000000 020c0000 fe030001 00000000 08000100 0a600000 08000500 0a06000b 08000400
03000000`,
    value: {
      header: { family: 2, dstLength: 12, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: { dst: hex('0a600000'), gateway: hex('0a06000b'), oif: 3 },
    },
  }),
  capture(routePrepend, {
    of: 'ip route prepend 10.96.0.0/12 via 10.6.0.11 dev v0',
    bytes: `34000000 18000504 95ec036b 00000000 020c0000 fe030001 00000000 08000100 0a600000 08000500 0a06000b 08000400
03000000`,
    value: {
      header: { family: 2, dstLength: 12, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: { dst: hex('0a600000'), gateway: hex('0a06000b'), oif: 3 },
    },
  }),
  capture(routeReplace, {
    of: 'ip route replace default via 10.6.0.2 dev v0',
    bytes: `2c000000 18000505 97ec036b 00000000 02000000 fe030001 00000000 08000500 0a060002 08000400 03000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: { gateway: hex('0a060002'), oif: 3 },
    },
  }),
  capture(routeDel, {
    of: 'ip route del 10.6.0.0/16 dev v0',
    bytes: `2c000000 19000500 98ec036b 00000000 02100000 fe00ff00 00000000 08000100 0a060000 08000400 03000000`,
    value: {
      header: {
        family: 2,
        dstLength: 16,
        srcLength: 0,
        tos: 0,
        table: 254,
        protocol: 0,
        scope: 255,
        type: 0,
        flags: 0,
      },
      attrs: { dst: hex('0a060000'), oif: 3 },
    },
  }),
  capture(routeGet, {
    of: 'ip route get 10.6.0.77 from 10.6.0.20 mark 5 ipproto tcp sport 10 dport 80',
    bytes: `4c000000 1a000100 9bec036b 00000000 02202000 00000000 00100000 08000100 0a06004d 08000200 0a060014 05001b00
06000000 06001c00 000a0000 06001d00 00500000 08001000 05000000`,
    value: {
      header: {
        family: 2,
        dstLength: 32,
        srcLength: 32,
        tos: 0,
        table: 0,
        protocol: 0,
        scope: 0,
        type: 0,
        flags: 4096,
      },
      attrs: { dst: hex('0a06004d'), src: hex('0a060014'), ipProto: 6, sourcePort: 10, destinationPort: 80, mark: 5 },
    },
  }),
  capture(routeDump, {
    of: 'ip route show table 500',
    bytes: `24000000 1a000103 48ed036b 00000000 02000000 00000000 00000000 08000f00 f4010000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 0, protocol: 0, scope: 0, type: 0, flags: 0 },
      attrs: { table: 500 },
    },
  }),
]

/** What Linux 6.18 answers. */
export const answers: readonly Capture[] = [
  answer(routeDump, {
    of: 'ip -4 route show table all',
    bytes: `02100000 fc030006 00000000 08000f00 f4010000 08000100 0a630000`,
    value: {
      header: { family: 2, dstLength: 16, srcLength: 0, tos: 0, table: 252, protocol: 3, scope: 0, type: 6, flags: 0 },
      attrs: { table: 500, dst: hex('0a630000') },
    },
  }),
  answer(routeDump, {
    of: 'ip -4 route show table all',
    bytes: `02000000 fe030001 00000000 08000f00 fe000000 0c000800 08000200 78050000 08000500 0a060001 08000400 03000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: { table: 254, metrics: { mtu: 1400 }, gateway: hex('0a060001'), oif: 3 },
    },
  }),
  answer(routeDump, {
    of: 'ip -4 route show table all',
    bytes: `02100000 fe02fd01 00000000 08000f00 fe000000 08000100 0a060000 08000700 0a060014 08000400 03000000`,
    value: {
      header: {
        family: 2,
        dstLength: 16,
        srcLength: 0,
        tos: 0,
        table: 254,
        protocol: 2,
        scope: 253,
        type: 1,
        flags: 0,
      },
      attrs: { table: 254, dst: hex('0a060000'), prefSrc: hex('0a060014'), oif: 3 },
    },
  }),
  answer(routeDump, {
    of: 'ip -4 route show table all',
    bytes: `02100000 fe030001 00000000 08000f00 fe000000 08000100 0a610000 24000900 10000000 03000000 08000500 0a060001
10000004 03000000 08000500 0a060002`,
    value: {
      header: { family: 2, dstLength: 16, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        table: 254,
        dst: hex('0a610000'),
        multipath: [
          { flags: 0, hops: 0, index: 3, attrs: { gateway: hex('0a060001') } },
          { flags: 0, hops: 4, index: 3, attrs: { gateway: hex('0a060002') } },
        ],
      },
    },
  }),
  answer(routeDump, {
    of: 'ip -4 route show table all',
    bytes: `02100000 fe030001 00000000 08000f00 fe000000 08000100 0a620000 16001200 0a00fd06 00000000 00000000 00000000
00010000 08000400 03000000`,
    value: {
      header: { family: 2, dstLength: 16, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        table: 254,
        dst: hex('0a620000'),
        via: { family: 10, address: hex('fd060000000000000000000000000001') },
        oif: 3,
      },
    },
  }),
  answer(routeDump, {
    of: 'ip -4 route show table all',
    bytes: `02200000 ff02fe02 00000000 08000f00 ff000000 08000100 0a060014 08000700 0a060014 08000400 03000000`,
    value: {
      header: {
        family: 2,
        dstLength: 32,
        srcLength: 0,
        tos: 0,
        table: 255,
        protocol: 2,
        scope: 254,
        type: 2,
        flags: 0,
      },
      attrs: { table: 255, dst: hex('0a060014'), prefSrc: hex('0a060014'), oif: 3 },
    },
  }),
  answer(routeDump, {
    of: 'ip -4 route show table all',
    bytes: `02200000 ff02fd03 00000000 08000f00 ff000000 08000100 0a06ffff 08000700 0a060014 08000400 03000000`,
    value: {
      header: {
        family: 2,
        dstLength: 32,
        srcLength: 0,
        tos: 0,
        table: 255,
        protocol: 2,
        scope: 253,
        type: 3,
        flags: 0,
      },
      attrs: { table: 255, dst: hex('0a06ffff'), prefSrc: hex('0a060014'), oif: 3 },
    },
  }),
  answer(routeDump, {
    of: 'ip -4 route show table all',
    bytes: `02200000 ff02fe02 00000000 08000f00 ff000000 08000100 0a070014 08000700 0a070014 08000400 05000000`,
    value: {
      header: {
        family: 2,
        dstLength: 32,
        srcLength: 0,
        tos: 0,
        table: 255,
        protocol: 2,
        scope: 254,
        type: 2,
        flags: 0,
      },
      attrs: { table: 255, dst: hex('0a070014'), prefSrc: hex('0a070014'), oif: 5 },
    },
  }),
  answer(routeDump, {
    of: 'ip -6 route show dev v0',
    bytes: `0a400000 fe020001 00000000 08000f00 fe000000 14000100 fd060000 00000000 00000000 00000000 08000600 00010000
08000400 03000000 24000c00 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 05001400
00000000`,
    value: {
      header: { family: 10, dstLength: 64, srcLength: 0, tos: 0, table: 254, protocol: 2, scope: 0, type: 1, flags: 0 },
      attrs: {
        table: 254,
        dst: hex('fd060000000000000000000000000000'),
        priority: 256,
        oif: 3,
        cacheinfo: { references: 0, lastUse: 0, expires: 0, error: 0, used: 0, id: 0, ts: 0, tsAge: 0 },
        pref: 0,
      },
    },
  }),
  answer(routeDump, {
    of: 'ip -6 route show dev v0',
    bytes: `0a400000 fe030001 00000000 08000f00 fe000000 14000100 fd070000 00000000 00000000 00000000 08000600 00040000
14000500 fd060000 00000000 00000000 00000001 08000400 03000000 24000c00 00000000 00000000 00000000 00000000
00000000 00000000 00000000 00000000 05001400 00000000`,
    value: {
      header: { family: 10, dstLength: 64, srcLength: 0, tos: 0, table: 254, protocol: 3, scope: 0, type: 1, flags: 0 },
      attrs: {
        table: 254,
        dst: hex('fd070000000000000000000000000000'),
        priority: 1024,
        gateway: hex('fd060000000000000000000000000001'),
        oif: 3,
        cacheinfo: { references: 0, lastUse: 0, expires: 0, error: 0, used: 0, id: 0, ts: 0, tsAge: 0 },
        pref: 0,
      },
    },
  }),
  answer(routeDump, {
    of: 'ip -6 route show dev v0',
    bytes: `0a400000 fe020001 00000000 08000f00 fe000000 14000100 fe800000 00000000 00000000 00000000 08000600 00010000
08000400 03000000 24000c00 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 05001400
00000000`,
    value: {
      header: { family: 10, dstLength: 64, srcLength: 0, tos: 0, table: 254, protocol: 2, scope: 0, type: 1, flags: 0 },
      attrs: {
        table: 254,
        dst: hex('fe800000000000000000000000000000'),
        priority: 256,
        oif: 3,
        cacheinfo: { references: 0, lastUse: 0, expires: 0, error: 0, used: 0, id: 0, ts: 0, tsAge: 0 },
        pref: 0,
      },
    },
  }),
  answer(routeDump, {
    of: 'ip route get 10.6.0.77',
    bytes: `02200000 fe000001 00020000 08000f00 fe000000 08000100 0a06004d 08000400 03000000 08000700 0a060014 08001900
00000000 24000c00 02000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000`,
    value: {
      header: {
        family: 2,
        dstLength: 32,
        srcLength: 0,
        tos: 0,
        table: 254,
        protocol: 0,
        scope: 0,
        type: 1,
        flags: 512,
      },
      attrs: {
        table: 254,
        dst: hex('0a06004d'),
        oif: 3,
        prefSrc: hex('0a060014'),
        uid: 0,
        cacheinfo: { references: 2, lastUse: 0, expires: 0, error: 0, used: 0, id: 0, ts: 0, tsAge: 0 },
      },
    },
  }),
]
