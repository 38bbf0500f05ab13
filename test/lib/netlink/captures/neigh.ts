// Neighbour messages of other programs and of the kernel. Rows are made by scripts/capture.ts.
import { neighAdd, neighDel, neighDump, neighGet, neighReplace } from '../../../../lib/netlink/rtnl/neigh.js'
import { answer, capture, hex, type Capture } from './row.js'

/** Complete requests, most accepted by Linux 6.18; some as Go programs send them. */
export const golden: readonly Capture[] = [
  capture(neighAdd, {
    of: 'neigh 10.6.0.99 permanent dev 3',
    bytes: `30000000 1c000506 01000000 00000000 02000000 03000000 80000000 08000100 0a060063 0a000200 0a000000 00010000`,
    value: {
      header: { family: 2, index: 3, state: 128, flags: 0, type: 0 },
      attrs: { dst: hex('0a060063'), mac: hex('0a0000000001') },
    },
  }),
  capture(neighAdd, {
    of: 'neigh fd06::99 permanent dev 3',
    bytes: `3c000000 1c000506 01000000 00000000 0a000000 03000000 80000000 14000100 fd060000 00000000 00000000 00000099
0a000200 0a000000 00010000`,
    value: {
      header: { family: 10, index: 3, state: 128, flags: 0, type: 0 },
      attrs: { dst: hex('fd060000000000000000000000000099'), mac: hex('0a0000000001') },
    },
  }),
  capture(neighDel, {
    of: 'del neigh 10.6.0.99 dev 3',
    bytes: `24000000 1d000500 01000000 00000000 02000000 03000000 00000000 08000100 0a060063`,
    value: { header: { family: 2, index: 3, state: 0, flags: 0, type: 0 }, attrs: { dst: hex('0a060063') } },
  }),
  capture(neighDump, {
    of: 'strict dump v4 neighbours of ifindex 2',
    bytes: `24000000 1e000103 01000000 00000000 02000000 00000000 00000000 08000800 02000000`,
    value: { header: { family: 2, index: 0, state: 0, flags: 0, type: 0 }, attrs: { index: 2 } },
  }),
  capture(neighAdd, {
    of: 'neigh 10.6.0.20 permanent dev 4, with ndm_type 2',
    bytes: `30000000 1c000506 1d000000 00000000 02000000 04000000 80000002 08000100 0a060014 0a000200 9eb1e6d9 defd0000`,
    value: {
      header: { family: 2, index: 4, state: 128, flags: 0, type: 2 },
      attrs: { dst: hex('0a060014'), mac: hex('9eb1e6d9defd') },
    },
  }),
]

/** Requests of iproute2 6.1; the kernel rejects link kinds that it does not have. */
export const iproute2: readonly Capture[] = [
  capture(neighReplace, {
    of: 'ip neigh replace fd06::99 lladdr 0a:00:00:00:00:01 nud reachable router dev v0',
    bytes: `3c000000 1c000505 abec036b 00000000 0a000000 03000000 02008000 14000100 fd060000 00000000 00000000 00000099
0a000200 0a000000 00010000`,
    value: {
      header: { family: 10, index: 3, state: 2, flags: 128, type: 0 },
      attrs: { dst: hex('fd060000000000000000000000000099'), mac: hex('0a0000000001') },
    },
  }),
  capture(neighAdd, {
    of: 'ip neigh add proxy 10.6.0.98 dev v0',
    bytes: `24000000 1c000506 adec036b 00000000 02000000 03000000 80000800 08000100 0a060062`,
    value: { header: { family: 2, index: 3, state: 128, flags: 8, type: 0 }, attrs: { dst: hex('0a060062') } },
  }),
  capture(neighAdd, {
    of: 'ip neigh change 10.6.0.99 lladdr 0a:00:00:00:00:02 dev v0 protocol static',
    bytes: `38000000 1c000501 aeec036b 00000000 02000000 03000000 80000000 05000c00 04000000 08000100 0a060063 0a000200
0a000000 00020000`,
    value: {
      header: { family: 2, index: 3, state: 128, flags: 0, type: 0 },
      attrs: { protocol: 4, dst: hex('0a060063'), mac: hex('0a0000000002') },
    },
    differs: 'without NLM_F_CREATE, so that there must be one',
  }),
  capture(neighDel, {
    of: 'ip neigh del 10.6.0.99 dev v0',
    bytes: `24000000 1d000500 afec036b 00000000 02000000 03000000 80000000 08000100 0a060063`,
    value: { header: { family: 2, index: 3, state: 128, flags: 0, type: 0 }, attrs: { dst: hex('0a060063') } },
  }),
  capture(neighGet, {
    of: 'ip neigh get 10.6.0.99 dev v0',
    bytes: `24000000 1e000100 afec036b 00000000 02000000 03000000 00000000 08000100 0a060063`,
    value: { header: { family: 2, index: 3, state: 0, flags: 0, type: 0 }, attrs: { dst: hex('0a060063') } },
  }),
  capture(neighDump, {
    of: 'ip -4 neigh show dev v0',
    bytes: `24000000 1e000103 4bed036b 00000000 02000000 00000000 00000000 08000800 03000000`,
    value: { header: { family: 2, index: 0, state: 0, flags: 0, type: 0 }, attrs: { index: 3 } },
  }),
]

/** What Linux 6.18 answers. */
export const answers: readonly Capture[] = [
  answer(neighDump, {
    of: 'ip neigh show nud all',
    bytes: `02000000 04000000 40000005 08000100 e0000016 0a000200 01005e00 00160000 08000400 00000000 14000300 73170000
03000000 03000000 00000000`,
    value: {
      header: { family: 2, index: 4, state: 64, flags: 0, type: 5 },
      attrs: {
        dst: hex('e0000016'),
        mac: hex('01005e000016'),
        probes: 0,
        cacheinfo: { confirmed: 6003, used: 3, updated: 3, references: 0 },
      },
    },
  }),
  answer(neighDump, {
    of: 'ip neigh show nud all',
    bytes: `02000000 03000000 80000001 08000100 0a060063 0a000200 0a000000 00010000 08000400 00000000 14000300 02000000
02000000 02000000 00000000`,
    value: {
      header: { family: 2, index: 3, state: 128, flags: 0, type: 1 },
      attrs: {
        dst: hex('0a060063'),
        mac: hex('0a0000000001'),
        probes: 0,
        cacheinfo: { confirmed: 2, used: 2, updated: 2, references: 0 },
      },
    },
  }),
  answer(neighDump, {
    of: 'ip neigh show nud all',
    bytes: `0a000000 05000000 40000005 14000100 ff020000 00000000 00000000 00000016 0a000200 33330000 00160000 08000400
00000000 14000300 72170000 02000000 02000000 00000000`,
    value: {
      header: { family: 10, index: 5, state: 64, flags: 0, type: 5 },
      attrs: {
        dst: hex('ff020000000000000000000000000016'),
        mac: hex('333300000016'),
        probes: 0,
        cacheinfo: { confirmed: 6002, used: 2, updated: 2, references: 0 },
      },
    },
  }),
  answer(neighDump, {
    of: 'ip neigh show nud all',
    bytes: `0a000000 04000000 40000005 14000100 ff020000 00000000 00000000 00000016 0a000200 33330000 00160000 08000400
00000000 14000300 73170000 03000000 03000000 00000000`,
    value: {
      header: { family: 10, index: 4, state: 64, flags: 0, type: 5 },
      attrs: {
        dst: hex('ff020000000000000000000000000016'),
        mac: hex('333300000016'),
        probes: 0,
        cacheinfo: { confirmed: 6003, used: 3, updated: 3, references: 0 },
      },
    },
  }),
  answer(neighDump, {
    of: 'ip neigh show nud all',
    bytes: `0a000000 02000000 40000005 14000100 ff020000 00000000 00000000 00000016 0a000200 33330000 00160000 08000400
00000000 14000300 74170000 04000000 04000000 00000000`,
    value: {
      header: { family: 10, index: 2, state: 64, flags: 0, type: 5 },
      attrs: {
        dst: hex('ff020000000000000000000000000016'),
        mac: hex('333300000016'),
        probes: 0,
        cacheinfo: { confirmed: 6004, used: 4, updated: 4, references: 0 },
      },
    },
  }),
  answer(neighDump, {
    of: 'ip neigh show nud all',
    bytes: `0a000000 03000000 40000005 14000100 ff020000 00000000 00000000 00000016 0a000200 33330000 00160000 08000400
00000000 14000300 74170000 04000000 04000000 00000000`,
    value: {
      header: { family: 10, index: 3, state: 64, flags: 0, type: 5 },
      attrs: {
        dst: hex('ff020000000000000000000000000016'),
        mac: hex('333300000016'),
        probes: 0,
        cacheinfo: { confirmed: 6004, used: 4, updated: 4, references: 0 },
      },
    },
  }),
  answer(neighDump, {
    of: 'ip neigh show nud all',
    bytes: `0a000000 03000000 80000001 14000100 fd060000 00000000 00000000 00000099 0a000200 0a000000 00010000 08000400
00000000 14000300 02000000 02000000 02000000 00000000`,
    value: {
      header: { family: 10, index: 3, state: 128, flags: 0, type: 1 },
      attrs: {
        dst: hex('fd060000000000000000000000000099'),
        mac: hex('0a0000000001'),
        probes: 0,
        cacheinfo: { confirmed: 2, used: 2, updated: 2, references: 0 },
      },
    },
  }),
]
