// Address messages of other programs and of the kernel. Rows are made by scripts/capture.ts.
import { addrAdd, addrDel, addrDump, addrReplace } from '../../../../lib/netlink/rtnl/addr.js'
import { answer, capture, hex, type Capture } from './row.js'

/** Complete requests, most accepted by Linux 6.18; some as Go programs send them. */
export const golden: readonly Capture[] = [
  capture(addrAdd, {
    of: 'addr 10.6.0.20/16 brd 10.6.255.255 dev 3',
    bytes: `30000000 14000506 01000000 00000000 02100000 03000000 08000200 0a060014 08000100 0a060014 08000400 0a06ffff`,
    value: {
      header: { family: 2, prefixLength: 16, flags: 0, scope: 0, index: 3 },
      attrs: { local: hex('0a060014'), address: hex('0a060014'), broadcast: hex('0a06ffff') },
    },
  }),
  capture(addrAdd, {
    of: 'addr fd06::20/64 nodad dev 3',
    bytes: `40000000 14000506 01000000 00000000 0a400200 03000000 14000200 fd060000 00000000 00000000 00000020 14000100
fd060000 00000000 00000000 00000020`,
    value: {
      header: { family: 10, prefixLength: 64, flags: 2, scope: 0, index: 3 },
      attrs: { local: hex('fd060000000000000000000000000020'), address: hex('fd060000000000000000000000000020') },
    },
  }),
  capture(addrDel, {
    of: 'del addr 10.6.0.20/16 dev 3',
    bytes: `20000000 15000500 01000000 00000000 02100000 03000000 08000200 0a060014`,
    value: { header: { family: 2, prefixLength: 16, flags: 0, scope: 0, index: 3 }, attrs: { local: hex('0a060014') } },
  }),
  capture(addrDump, {
    of: 'strict dump addresses of ifindex 2',
    bytes: `18000000 16000103 01000000 00000000 00000000 02000000`,
    value: { header: { family: 0, prefixLength: 0, flags: 0, scope: 0, index: 2 }, attrs: {} },
  }),
]

/** Requests of iproute2 6.1; the kernel rejects link kinds that it does not have. */
export const iproute2: readonly Capture[] = [
  capture(addrAdd, {
    of: 'ip addr add 10.6.0.21/16 brd + dev v0',
    bytes: `30000000 14000506 7fec036b 00000000 02100000 03000000 08000200 0a060015 08000100 0a060015 08000400 0a06ffff`,
    value: {
      header: { family: 2, prefixLength: 16, flags: 0, scope: 0, index: 3 },
      attrs: { local: hex('0a060015'), address: hex('0a060015'), broadcast: hex('0a06ffff') },
    },
  }),
  capture(addrAdd, {
    of: 'ip addr add 10.6.0.22 peer 10.7.0.22/32 dev v0 label v0:one scope link',
    bytes: `34000000 14000506 80ec036b 00000000 022000fd 03000000 08000200 0a060016 08000100 0a070016 0b000300 76303a6f
6e650000`,
    value: {
      header: { family: 2, prefixLength: 32, flags: 0, scope: 253, index: 3 },
      attrs: { local: hex('0a060016'), address: hex('0a070016'), label: 'v0:one' },
    },
  }),
  capture(addrAdd, {
    of: 'ip addr add fd06::21/64 dev v0 nodad noprefixroute valid_lft 600 preferred_lft 300',
    bytes: `5c000000 14000506 82ec036b 00000000 0a400000 03000000 14000200 fd060000 00000000 00000000 00000021 08000800
02020000 14000100 fd060000 00000000 00000000 00000021 14000600 2c010000 58020000 00000000 00000000`,
    value: {
      header: { family: 10, prefixLength: 64, flags: 0, scope: 0, index: 3 },
      attrs: {
        local: hex('fd060000000000000000000000000021'),
        flags: 514,
        address: hex('fd060000000000000000000000000021'),
        cacheinfo: { preferred: 300, valid: 600, created: 0, updated: 0 },
      },
    },
  }),
  capture(addrReplace, {
    of: 'ip addr replace 10.6.0.20/16 dev v0 metric 50',
    bytes: `30000000 14000505 83ec036b 00000000 02100000 03000000 08000200 0a060014 08000900 32000000 08000100 0a060014`,
    value: {
      header: { family: 2, prefixLength: 16, flags: 0, scope: 0, index: 3 },
      attrs: { local: hex('0a060014'), routePriority: 50, address: hex('0a060014') },
    },
  }),
  capture(addrDel, {
    of: 'ip addr del 10.6.0.20/16 dev v0',
    bytes: `28000000 15000500 84ec036b 00000000 02100000 03000000 08000200 0a060014 08000100 0a060014`,
    value: {
      header: { family: 2, prefixLength: 16, flags: 0, scope: 0, index: 3 },
      attrs: { local: hex('0a060014'), address: hex('0a060014') },
    },
  }),
  capture(addrDel, {
    of: 'ip addr del fd06::20/64 dev v0',
    bytes: `40000000 15000500 85ec036b 00000000 0a400000 03000000 14000200 fd060000 00000000 00000000 00000020 14000100
fd060000 00000000 00000000 00000020`,
    value: {
      header: { family: 10, prefixLength: 64, flags: 0, scope: 0, index: 3 },
      attrs: { local: hex('fd060000000000000000000000000020'), address: hex('fd060000000000000000000000000020') },
    },
  }),
  capture(addrDump, {
    of: 'ip -4 addr show dev v0',
    bytes: `18000000 16000103 4aed036b 00000000 02000000 03000000`,
    value: { header: { family: 2, prefixLength: 0, flags: 0, scope: 0, index: 3 }, attrs: {} },
  }),
]

/** What Linux 6.18 answers. */
export const answers: readonly Capture[] = [
  answer(addrDump, {
    of: 'ip addr show',
    bytes: `02108000 03000000 08000100 0a060014 08000200 0a060014 07000300 76300000 08000800 80000000 14000600 ffffffff
ffffffff 05140b00 05140b00`,
    value: {
      header: { family: 2, prefixLength: 16, flags: 128, scope: 0, index: 3 },
      attrs: {
        address: hex('0a060014'),
        local: hex('0a060014'),
        label: 'v0',
        flags: 128,
        cacheinfo: { preferred: 4294967295, valid: 4294967295, created: 726021, updated: 726021 },
      },
    },
  }),
  answer(addrDump, {
    of: 'ip addr show',
    bytes: `02208000 05000000 08000100 0a070014 08000200 0a070014 07000300 6d300000 08000800 80000000 14000600 ffffffff
ffffffff 07140b00 07140b00`,
    value: {
      header: { family: 2, prefixLength: 32, flags: 128, scope: 0, index: 5 },
      attrs: {
        address: hex('0a070014'),
        local: hex('0a070014'),
        label: 'm0',
        flags: 128,
        cacheinfo: { preferred: 4294967295, valid: 4294967295, created: 726023, updated: 726023 },
      },
    },
  }),
  answer(addrDump, {
    of: 'ip addr show',
    bytes: `0a40c0fd 02000000 14000100 fe800000 00000000 b472b6ff fe38b6fb 14000600 ffffffff ffffffff 05140b00 05140b00
08000800 c0000000 05000b00 03000000`,
    value: {
      header: { family: 10, prefixLength: 64, flags: 192, scope: 253, index: 2 },
      attrs: {
        address: hex('fe80000000000000b472b6fffe38b6fb'),
        cacheinfo: { preferred: 4294967295, valid: 4294967295, created: 726021, updated: 726021 },
        flags: 192,
        protocol: 3,
      },
    },
  }),
  answer(addrDump, {
    of: 'ip addr show',
    bytes: `0a408200 03000000 14000100 fd060000 00000000 00000000 00000020 14000600 ffffffff ffffffff 06140b00 06140b00
08000800 82000000`,
    value: {
      header: { family: 10, prefixLength: 64, flags: 130, scope: 0, index: 3 },
      attrs: {
        address: hex('fd060000000000000000000000000020'),
        cacheinfo: { preferred: 4294967295, valid: 4294967295, created: 726022, updated: 726022 },
        flags: 130,
      },
    },
  }),
  answer(addrDump, {
    of: 'ip addr show',
    bytes: `0a40c0fd 03000000 14000100 fe800000 00000000 080000ff fe000002 14000600 ffffffff ffffffff 05140b00 05140b00
08000800 c0000000 05000b00 03000000`,
    value: {
      header: { family: 10, prefixLength: 64, flags: 192, scope: 253, index: 3 },
      attrs: {
        address: hex('fe80000000000000080000fffe000002'),
        cacheinfo: { preferred: 4294967295, valid: 4294967295, created: 726021, updated: 726021 },
        flags: 192,
        protocol: 3,
      },
    },
  }),
  answer(addrDump, {
    of: 'ip addr show',
    bytes: `0a40c0fd 04000000 14000100 fe800000 00000000 f8f6a8ff fea008eb 14000600 ffffffff ffffffff 06140b00 06140b00
08000800 c0000000 05000b00 03000000`,
    value: {
      header: { family: 10, prefixLength: 64, flags: 192, scope: 253, index: 4 },
      attrs: {
        address: hex('fe80000000000000f8f6a8fffea008eb'),
        cacheinfo: { preferred: 4294967295, valid: 4294967295, created: 726022, updated: 726022 },
        flags: 192,
        protocol: 3,
      },
    },
  }),
  answer(addrDump, {
    of: 'ip addr show',
    bytes: `0a40c0fd 05000000 14000100 fe800000 00000000 080000ff fe000009 14000600 ffffffff ffffffff 07140b00 07140b00
08000800 c0000000 05000b00 03000000`,
    value: {
      header: { family: 10, prefixLength: 64, flags: 192, scope: 253, index: 5 },
      attrs: {
        address: hex('fe80000000000000080000fffe000009'),
        cacheinfo: { preferred: 4294967295, valid: 4294967295, created: 726023, updated: 726023 },
        flags: 192,
        protocol: 3,
      },
    },
  }),
]
