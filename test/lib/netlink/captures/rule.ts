// Rule messages of other programs and of the kernel. Rows are made by scripts/capture.ts.
import { ruleAdd, ruleDel, ruleDump } from '../../../../lib/netlink/rtnl/rule.js'
import { answer, capture, hex, type Capture } from './row.js'

/** Complete requests, most accepted by Linux 6.18; some as Go programs send them. */
export const golden: readonly Capture[] = [
  capture(ruleAdd, {
    of: 'rule pref 1000 lookup 500 (v4)',
    bytes: `2c000000 20000506 01000000 00000000 02000000 00000001 00000000 08000600 e8030000 08000f00 f4010000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 0, action: 1, flags: 0 },
      attrs: { priority: 1000, table: 500 },
    },
  }),
  capture(ruleAdd, {
    of: 'rule pref 1000 lookup 500 (v6)',
    bytes: `2c000000 20000506 01000000 00000000 0a000000 00000001 00000000 08000600 e8030000 08000f00 f4010000`,
    value: {
      header: { family: 10, dstLength: 0, srcLength: 0, tos: 0, table: 0, action: 1, flags: 0 },
      attrs: { priority: 1000, table: 500 },
    },
  }),
  capture(ruleAdd, {
    of: 'rule fwmark 1 lookup 100 pref 1000',
    bytes: `2c000000 20000506 01000000 00000000 02000000 64000001 00000000 08000a00 01000000 08000600 e8030000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 100, action: 1, flags: 0 },
      attrs: { mark: 1, priority: 1000 },
    },
  }),
  capture(ruleAdd, {
    of: 'rule from 10.7.0.20/32 lookup 101',
    bytes: `24000000 20000506 01000000 00000000 02002000 65000001 00000000 08000200 0a070014`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 32, tos: 0, table: 101, action: 1, flags: 0 },
      attrs: { src: hex('0a070014') },
    },
  }),
  capture(ruleDel, {
    of: 'del that rule',
    bytes: `24000000 21000500 01000000 00000000 02002000 65000000 00000000 08000200 0a070014`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 32, tos: 0, table: 101, action: 0, flags: 0 },
      attrs: { src: hex('0a070014') },
    },
  }),
  capture(ruleDump, {
    of: 'strict dump v4 rules',
    bytes: `1c000000 22000103 01000000 00000000 02000000 00000000 00000000`,
    value: { header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 0, action: 0, flags: 0 }, attrs: {} },
  }),
  capture(ruleAdd, {
    of: 'rule lookup 500 pref 1000 (byte 5 = protocol boot 3 lands in res1)',
    bytes: `2c000000 20000506 2c000000 00000000 02000000 00030001 00000000 08000600 e8030000 08000f00 f4010000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 0, action: 1, flags: 0 },
      attrs: { priority: 1000, table: 500 },
    },
    differs: 'its protocol lands in a reserved byte',
  }),
  capture(ruleAdd, {
    of: 'rule fwmark 1 lookup 100 pref 1000',
    bytes: `2c000000 20000506 3e000000 00000000 02000000 64030001 00000000 08000600 e8030000 08000a00 01000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 100, action: 1, flags: 0 },
      attrs: { priority: 1000, mark: 1 },
    },
    differs: 'its protocol lands in a reserved byte',
  }),
]

/** Requests of iproute2 6.1; the kernel rejects link kinds that it does not have. */
export const iproute2: readonly Capture[] = [
  capture(ruleAdd, {
    of: 'ip rule add from 10.7.0.0/24 to 10.8.0.0/16 fwmark 0x1/0xff iif v0 oif v1 tos 0x10 table 101',
    bytes: `4c000000 20000506 a0ec036b 00000000 02101810 65000001 00000000 08000200 0a070000 08000100 0a080000 08000a00
01000000 08001000 ff000000 07000300 76300000 07001100 76310000`,
    value: {
      header: { family: 2, dstLength: 16, srcLength: 24, tos: 16, table: 101, action: 1, flags: 0 },
      attrs: { src: hex('0a070000'), dst: hex('0a080000'), mark: 1, mask: 255, iifName: 'v0', oifName: 'v1' },
    },
  }),
  capture(ruleAdd, {
    of: 'ip rule add not from all ipproto tcp sport 10-20 dport 80 uidrange 0-99 suppress_prefixlength 0 table main',
    bytes: `4c000000 20000506 a1ec036b 00000000 02000000 fe000001 02000000 04000200 05001600 06000000 08001700 0a001400
08001800 50005000 0c001400 00000000 63000000 08000e00 00000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 254, action: 1, flags: 2 },
      attrs: {
        src: hex(''),
        ipProto: 6,
        sourcePorts: { start: 10, end: 20 },
        destinationPorts: { start: 80, end: 80 },
        uidRange: { start: 0, end: 99 },
        suppressPrefixLength: 0,
      },
    },
  }),
  capture(ruleAdd, {
    of: 'ip rule add pref 90 goto 32766',
    bytes: `2c000000 20000506 a2ec036b 00000000 02000000 00000002 00000000 08000600 5a000000 08000400 fe7f0000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 0, action: 2, flags: 0 },
      attrs: { priority: 90, goto: 32766 },
    },
  }),
  capture(ruleAdd, {
    of: 'ip rule add pref 91 blackhole protocol static',
    bytes: `2c000000 20000506 a4ec036b 00000000 02000000 00000006 00000000 08000600 5b000000 05001500 04000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 0, action: 6, flags: 0 },
      attrs: { priority: 91, protocol: 4 },
    },
  }),
  capture(ruleAdd, {
    of: 'ip rule add l3mdev pref 92',
    bytes: `2c000000 20000506 a5ec036b 00000000 02000000 00000001 00000000 05001300 01000000 08000600 5c000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 0, action: 1, flags: 0 },
      attrs: { l3mdev: 1, priority: 92 },
    },
  }),
]

/** What Linux 6.18 answers. */
export const answers: readonly Capture[] = [
  answer(ruleDump, {
    of: 'ip rule show',
    bytes: `02000000 ff000001 00000000 08000f00 ff000000 08000e00 ffffffff 05001500 02000000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 255, action: 1, flags: 0 },
      attrs: { table: 255, suppressPrefixLength: 4294967295, protocol: 2 },
    },
  }),
  answer(ruleDump, {
    of: 'ip rule show',
    bytes: `02001800 fc000001 00000000 08000f00 f4010000 08000e00 ffffffff 05001500 04000000 08000600 5a000000 08000a00
01000000 08001000 ff000000 08000200 0a070000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 24, tos: 0, table: 252, action: 1, flags: 0 },
      attrs: {
        table: 500,
        suppressPrefixLength: 4294967295,
        protocol: 4,
        priority: 90,
        mark: 1,
        mask: 255,
        src: hex('0a070000'),
      },
    },
  }),
  answer(ruleDump, {
    of: 'ip rule show',
    bytes: `02000000 fe000001 00000000 08000f00 fe000000 08000e00 ffffffff 05001500 02000000 08000600 fe7f0000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 254, action: 1, flags: 0 },
      attrs: { table: 254, suppressPrefixLength: 4294967295, protocol: 2, priority: 32766 },
    },
  }),
  answer(ruleDump, {
    of: 'ip rule show',
    bytes: `02000000 fd000001 00000000 08000f00 fd000000 08000e00 ffffffff 05001500 02000000 08000600 ff7f0000`,
    value: {
      header: { family: 2, dstLength: 0, srcLength: 0, tos: 0, table: 253, action: 1, flags: 0 },
      attrs: { table: 253, suppressPrefixLength: 4294967295, protocol: 2, priority: 32767 },
    },
  }),
  answer(ruleDump, {
    of: 'ip -6 rule show',
    bytes: `0a000000 ff000001 00000000 08000f00 ff000000 08000e00 ffffffff 05001500 02000000`,
    value: {
      header: { family: 10, dstLength: 0, srcLength: 0, tos: 0, table: 255, action: 1, flags: 0 },
      attrs: { table: 255, suppressPrefixLength: 4294967295, protocol: 2 },
    },
  }),
  answer(ruleDump, {
    of: 'ip -6 rule show',
    bytes: `0a000000 fe000001 00000000 08000f00 fe000000 08000e00 ffffffff 05001500 02000000 08000600 fe7f0000`,
    value: {
      header: { family: 10, dstLength: 0, srcLength: 0, tos: 0, table: 254, action: 1, flags: 0 },
      attrs: { table: 254, suppressPrefixLength: 4294967295, protocol: 2, priority: 32766 },
    },
  }),
]
