// nf_tables messages of Debian's nft 1.0.6 and of Linux 6.18. Rows are made by scripts/capture.ts.
import { batchBegin, batchEnd } from '../../../../lib/netlink/nft/message.js'
import { ruleAdd, ruleDump } from '../../../../lib/netlink/nft/rule.js'
import { chainAdd, chainDump, tableAdd, tableDel, tableGet } from '../../../../lib/netlink/nft/table.js'
import { answer, capture, hex, type Capture } from './row.js'

/** One batch of `nft -f`: the table of reply marks, and expressions that we do not write. */
export const batch: readonly Capture[] = [
  capture(batchBegin, {
    of: 'nft: the begin of a batch',
    bytes: `14000000 10000100 00000000 00000000 0000000a`,
    value: { family: 0, version: 0, resource: 10 },
  }),
  capture(tableAdd, {
    of: 'nft: table inet spiderpool',
    bytes: `2c000000 000a0100 01000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000 08000200 00000000`,
    value: { header: { family: 1, version: 0, resource: 0 }, attrs: { name: 'spiderpool', flags: 0 } },
  }),
  capture(chainAdd, {
    of: 'nft: chain prerouting { type filter hook prerouting priority mangle; policy accept; }',
    bytes: `5c000000 030a0104 02000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000 0f000300 70726572 6f757469
6e670000 0b000700 66696c74 65720000 08000500 00000001 14000480 08000100 00000000 08000200 ffffff6a`,
    value: {
      header: { family: 1, version: 0, resource: 0 },
      attrs: { table: 'spiderpool', name: 'prerouting', type: 'filter', policy: 1, hook: { hook: 0, priority: -150 } },
    },
  }),
  capture(chainAdd, {
    of: 'nft: chain output { type route hook output priority mangle; policy accept; }',
    bytes: `58000000 030a0104 03000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000 0b000300 6f757470 75740000
0a000700 726f7574 65000000 08000500 00000001 14000480 08000100 00000003 08000200 ffffff6a`,
    value: {
      header: { family: 1, version: 0, resource: 0 },
      attrs: { table: 'spiderpool', name: 'output', type: 'route', policy: 1, hook: { hook: 3, priority: -150 } },
    },
  }),
  capture(ruleAdd, {
    of: 'nft: iifname "veth0" ct state new meta mark set 0x1',
    bytes: `74010000 060a010c 04000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000 0f000200 70726572 6f757469
6e670000 40010480 24000180 09000100 6d657461 00000000 14000280 08000200 00000006 08000100 00000001 38000180
08000100 636d7000 2c000280 08000100 00000001 08000200 00000000 18000380 14000100 76657468 30000000 00000000
00000000 20000180 07000100 63740000 14000280 08000200 00000000 08000100 00000001 44000180 0c000100 62697477
69736500 34000280 08000100 00000001 08000200 00000001 08000300 00000004 0c000480 08000100 08000000 0c000580
08000100 00000000 2c000180 08000100 636d7000 20000280 08000100 00000001 08000200 00000001 0c000380 08000100
00000000 2c000180 0e000100 696d6d65 64696174 65000000 18000280 08000100 00000001 0c000280 08000100 01000000
24000180 09000100 6d657461 00000000 14000280 08000200 00000003 08000300 00000001`,
    value: {
      header: { family: 1, version: 0, resource: 0 },
      attrs: {
        table: 'spiderpool',
        chain: 'prerouting',
        expressions: [
          { kind: 'meta', data: { key: 6, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('76657468300000000000000000000000') } } },
          { kind: 'ct', data: { key: 0, destination: 1 } },
          {
            kind: 'bitwise',
            data: {
              source: 1,
              destination: 1,
              length: 4,
              mask: { value: hex('08000000') },
              xor: { value: hex('00000000') },
            },
          },
          { kind: 'cmp', data: { source: 1, op: 1, data: { value: hex('00000000') } } },
          { kind: 'immediate', data: { destination: 1, data: { value: hex('01000000') } } },
          { kind: 'meta', data: { key: 3, source: 1 } },
        ],
      },
    },
  }),
  capture(ruleAdd, {
    of: 'nft: meta mark 0x1 ct mark set meta mark',
    bytes: `cc000000 060a010c 05000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000 0f000200 70726572 6f757469
6e670000 98000480 24000180 09000100 6d657461 00000000 14000280 08000200 00000003 08000100 00000001 2c000180
08000100 636d7000 20000280 08000100 00000001 08000200 00000000 0c000380 08000100 01000000 24000180 09000100
6d657461 00000000 14000280 08000200 00000003 08000100 00000001 20000180 07000100 63740000 14000280 08000200
00000003 08000400 00000001`,
    value: {
      header: { family: 1, version: 0, resource: 0 },
      attrs: {
        table: 'spiderpool',
        chain: 'prerouting',
        expressions: [
          { kind: 'meta', data: { key: 3, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('01000000') } } },
          { kind: 'meta', data: { key: 3, destination: 1 } },
          { kind: 'ct', data: { key: 3, source: 1 } },
        ],
      },
    },
  }),
  capture(ruleAdd, {
    of: 'nft: oifname != "net1" ct direction reply meta mark & 0xff != 0x2 counter accept',
    bytes: `bc010000 060a010c 06000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000 0b000200 6f757470 75740000
8c010480 24000180 09000100 6d657461 00000000 14000280 08000200 00000007 08000100 00000001 38000180 08000100
636d7000 2c000280 08000100 00000001 08000200 00000001 18000380 14000100 6e657431 00000000 00000000 00000000
20000180 07000100 63740000 14000280 08000200 00000001 08000100 00000001 2c000180 08000100 636d7000 20000280
08000100 00000001 08000200 00000000 0c000380 05000100 01000000 24000180 09000100 6d657461 00000000 14000280
08000200 00000003 08000100 00000001 4c000180 0c000100 62697477 69736500 3c000280 08000100 00000001 08000200
00000001 08000600 00000000 08000300 00000004 0c000480 08000100 ff000000 0c000580 08000100 00000000 2c000180
08000100 636d7000 20000280 08000100 00000001 08000200 00000001 0c000380 08000100 02000000 14000180 0c000100
636f756e 74657200 04000280 30000180 0e000100 696d6d65 64696174 65000000 1c000280 08000100 00000000 10000280
0c000280 08000100 00000001`,
    value: {
      header: { family: 1, version: 0, resource: 0 },
      attrs: {
        table: 'spiderpool',
        chain: 'output',
        expressions: [
          { kind: 'meta', data: { key: 7, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 1, data: { value: hex('6e657431000000000000000000000000') } } },
          { kind: 'ct', data: { key: 1, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('01') } } },
          { kind: 'meta', data: { key: 3, destination: 1 } },
          {
            kind: 'bitwise',
            data: {
              source: 1,
              destination: 1,
              op: 0,
              length: 4,
              mask: { value: hex('ff000000') },
              xor: { value: hex('00000000') },
            },
          },
          { kind: 'cmp', data: { source: 1, op: 1, data: { value: hex('02000000') } } },
          { kind: 'counter', data: {} },
          { kind: 'immediate', data: { destination: 0, data: { verdict: { code: 1 } } } },
        ],
      },
    },
  }),
  capture(ruleAdd, {
    of: 'nft: ip saddr 10.6.0.0/16 meta iif 1 drop',
    bytes: `64010000 060a010c 07000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000 0b000200 6f757470 75740000
34010480 24000180 09000100 6d657461 00000000 14000280 08000200 0000000f 08000100 00000001 2c000180 08000100
636d7000 20000280 08000100 00000001 08000200 00000000 0c000380 05000100 02000000 34000180 0c000100 7061796c
6f616400 24000280 08000100 00000001 08000200 00000001 08000300 0000000c 08000400 00000002 2c000180 08000100
636d7000 20000280 08000100 00000001 08000200 00000000 0c000380 06000100 0a060000 24000180 09000100 6d657461
00000000 14000280 08000200 00000004 08000100 00000001 2c000180 08000100 636d7000 20000280 08000100 00000001
08000200 00000000 0c000380 08000100 01000000 30000180 0e000100 696d6d65 64696174 65000000 1c000280 08000100
00000000 10000280 0c000280 08000100 00000000`,
    value: {
      header: { family: 1, version: 0, resource: 0 },
      attrs: {
        table: 'spiderpool',
        chain: 'output',
        expressions: [
          { kind: 'meta', data: { key: 15, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('02') } } },
          { kind: 'payload', data: { destination: 1, base: 1, offset: 12, length: 2 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('0a06') } } },
          { kind: 'meta', data: { key: 4, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('01000000') } } },
          { kind: 'immediate', data: { destination: 0, data: { verdict: { code: 0 } } } },
        ],
      },
    },
  }),
  capture(batchEnd, {
    of: 'nft: the end of a batch',
    bytes: `14000000 11000100 08000000 00000000 0000000a`,
    value: { family: 0, version: 0, resource: 10 },
  }),
  capture(tableDel, {
    of: 'nft: delete table inet spiderpool',
    bytes: `24000000 020a0100 01000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000`,
    value: { header: { family: 1, version: 0, resource: 0 }, attrs: { name: 'spiderpool' } },
  }),
]

export const reads: readonly Capture[] = [
  capture(tableGet, {
    of: 'nft list table inet spiderpool',
    bytes: `24000000 010a0500 00000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000`,
    value: { header: { family: 1, version: 0, resource: 0 }, attrs: { name: 'spiderpool' } },
    differs: 'it asks for an ack besides',
  }),
  capture(chainDump, {
    of: 'nft list table inet spiderpool',
    bytes: `14000000 040a0103 00000000 00000000 00000000`,
    value: { header: { family: 0, version: 0, resource: 0 }, attrs: {} },
  }),
  capture(ruleDump, {
    of: 'nft list table inet spiderpool',
    bytes: `24000000 070a0103 00000000 00000000 01000000 0f000100 73706964 6572706f 6f6c0000`,
    value: { header: { family: 1, version: 0, resource: 0 }, attrs: { table: 'spiderpool' } },
  }),
]

/** What the kernel answers to `nft list table inet spiderpool` when that is there. */
export const answers: readonly Capture[] = [
  answer(tableGet, {
    of: 'the table',
    bytes: `01000002 0f000100 73706964 6572706f 6f6c0000 08000300 00000002 0c000400 00000000 00000001 08000200 00000000`,
    value: {
      header: { family: 1, version: 0, resource: 2 },
      attrs: { name: 'spiderpool', use: 2, handle: hex('0000000000000001'), flags: 0 },
    },
  }),
  answer(chainDump, {
    of: 'chain prerouting { type filter hook prerouting priority mangle; policy accept; }',
    bytes: `01000002 0f000100 73706964 6572706f 6f6c0000 0f000300 70726572 6f757469 6e670000 0c000200 00000000 00000001
14000400 08000100 00000000 08000200 ffffff6a 08000500 00000001 0b000700 66696c74 65720000 08000a00 00000001
08000600 00000002`,
    value: {
      header: { family: 1, version: 0, resource: 2 },
      attrs: {
        table: 'spiderpool',
        name: 'prerouting',
        handle: hex('0000000000000001'),
        hook: { hook: 0, priority: -150 },
        policy: 1,
        type: 'filter',
        flags: 1,
        use: 2,
      },
    },
  }),
  answer(chainDump, {
    of: 'chain output { type route hook output priority mangle; policy accept; }',
    bytes: `01000002 0f000100 73706964 6572706f 6f6c0000 0b000300 6f757470 75740000 0c000200 00000000 00000002 14000400
08000100 00000003 08000200 ffffff6a 08000500 00000001 0a000700 726f7574 65000000 08000a00 00000001 08000600
00000002`,
    value: {
      header: { family: 1, version: 0, resource: 2 },
      attrs: {
        table: 'spiderpool',
        name: 'output',
        handle: hex('0000000000000002'),
        hook: { hook: 3, priority: -150 },
        policy: 1,
        type: 'route',
        flags: 1,
        use: 2,
      },
    },
  }),
  answer(ruleDump, {
    of: 'iifname "veth0" ct state new meta mark set 0x1',
    bytes: `01000002 0f000100 73706964 6572706f 6f6c0000 0f000200 70726572 6f757469 6e670000 0c000300 00000000 00000003
48010400 24000100 09000100 6d657461 00000000 14000200 08000200 00000006 08000100 00000001 38000100 08000100
636d7000 2c000200 08000100 00000001 08000200 00000000 18000300 14000100 76657468 30000000 00000000 00000000
20000100 07000100 63740000 14000200 08000100 00000001 08000200 00000000 4c000100 0c000100 62697477 69736500
3c000200 08000100 00000001 08000200 00000001 08000300 00000004 08000600 00000000 0c000400 08000100 08000000
0c000500 08000100 00000000 2c000100 08000100 636d7000 20000200 08000100 00000001 08000200 00000001 0c000300
08000100 00000000 2c000100 0e000100 696d6d65 64696174 65000000 18000200 08000100 00000001 0c000200 08000100
01000000 24000100 09000100 6d657461 00000000 14000200 08000200 00000003 08000300 00000001`,
    value: {
      header: { family: 1, version: 0, resource: 2 },
      attrs: {
        table: 'spiderpool',
        chain: 'prerouting',
        handle: hex('0000000000000003'),
        expressions: [
          { kind: 'meta', data: { key: 6, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('76657468300000000000000000000000') } } },
          { kind: 'ct', data: { destination: 1, key: 0 } },
          {
            kind: 'bitwise',
            data: {
              source: 1,
              destination: 1,
              length: 4,
              op: 0,
              mask: { value: hex('08000000') },
              xor: { value: hex('00000000') },
            },
          },
          { kind: 'cmp', data: { source: 1, op: 1, data: { value: hex('00000000') } } },
          { kind: 'immediate', data: { destination: 1, data: { value: hex('01000000') } } },
          { kind: 'meta', data: { key: 3, source: 1 } },
        ],
      },
    },
  }),
  answer(ruleDump, {
    of: 'meta mark 0x1 ct mark set meta mark',
    bytes: `01000002 0f000100 73706964 6572706f 6f6c0000 0f000200 70726572 6f757469 6e670000 0c000300 00000000 00000004
0c000600 00000000 00000003 98000400 24000100 09000100 6d657461 00000000 14000200 08000200 00000003 08000100
00000001 2c000100 08000100 636d7000 20000200 08000100 00000001 08000200 00000000 0c000300 08000100 01000000
24000100 09000100 6d657461 00000000 14000200 08000200 00000003 08000100 00000001 20000100 07000100 63740000
14000200 08000400 00000001 08000200 00000003`,
    value: {
      header: { family: 1, version: 0, resource: 2 },
      attrs: {
        table: 'spiderpool',
        chain: 'prerouting',
        handle: hex('0000000000000004'),
        position: hex('0000000000000003'),
        expressions: [
          { kind: 'meta', data: { key: 3, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('01000000') } } },
          { kind: 'meta', data: { key: 3, destination: 1 } },
          { kind: 'ct', data: { source: 1, key: 3 } },
        ],
      },
    },
  }),
  answer(ruleDump, {
    of: 'oifname != "net1" ct direction reply meta mark & 0xff != 0x2 counter accept',
    bytes: `01000002 0f000100 73706964 6572706f 6f6c0000 0b000200 6f757470 75740000 0c000300 00000000 00000005 a4010400
24000100 09000100 6d657461 00000000 14000200 08000200 00000007 08000100 00000001 38000100 08000100 636d7000
2c000200 08000100 00000001 08000200 00000001 18000300 14000100 6e657431 00000000 00000000 00000000 20000100
07000100 63740000 14000200 08000100 00000001 08000200 00000001 2c000100 08000100 636d7000 20000200 08000100
00000001 08000200 00000000 0c000300 05000100 01000000 24000100 09000100 6d657461 00000000 14000200 08000200
00000003 08000100 00000001 4c000100 0c000100 62697477 69736500 3c000200 08000100 00000001 08000200 00000001
08000300 00000004 08000600 00000000 0c000400 08000100 ff000000 0c000500 08000100 00000000 2c000100 08000100
636d7000 20000200 08000100 00000001 08000200 00000001 0c000300 08000100 02000000 2c000100 0c000100 636f756e
74657200 1c000200 0c000100 00000000 00000000 0c000200 00000000 00000000 30000100 0e000100 696d6d65 64696174
65000000 1c000200 08000100 00000000 10000200 0c000200 08000100 00000001`,
    value: {
      header: { family: 1, version: 0, resource: 2 },
      attrs: {
        table: 'spiderpool',
        chain: 'output',
        handle: hex('0000000000000005'),
        expressions: [
          { kind: 'meta', data: { key: 7, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 1, data: { value: hex('6e657431000000000000000000000000') } } },
          { kind: 'ct', data: { destination: 1, key: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('01') } } },
          { kind: 'meta', data: { key: 3, destination: 1 } },
          {
            kind: 'bitwise',
            data: {
              source: 1,
              destination: 1,
              length: 4,
              op: 0,
              mask: { value: hex('ff000000') },
              xor: { value: hex('00000000') },
            },
          },
          { kind: 'cmp', data: { source: 1, op: 1, data: { value: hex('02000000') } } },
          { kind: 'counter', data: { bytes: hex('0000000000000000'), packets: hex('0000000000000000') } },
          { kind: 'immediate', data: { destination: 0, data: { verdict: { code: 1 } } } },
        ],
      },
    },
  }),
  answer(ruleDump, {
    of: 'ip saddr 10.6.0.0/16 meta iif 1 drop',
    bytes: `01000002 0f000100 73706964 6572706f 6f6c0000 0b000200 6f757470 75740000 0c000300 00000000 00000006 0c000600
00000000 00000005 34010400 24000100 09000100 6d657461 00000000 14000200 08000200 0000000f 08000100 00000001
2c000100 08000100 636d7000 20000200 08000100 00000001 08000200 00000000 0c000300 05000100 02000000 34000100
0c000100 7061796c 6f616400 24000200 08000100 00000001 08000200 00000001 08000300 0000000c 08000400 00000002
2c000100 08000100 636d7000 20000200 08000100 00000001 08000200 00000000 0c000300 06000100 0a060000 24000100
09000100 6d657461 00000000 14000200 08000200 00000004 08000100 00000001 2c000100 08000100 636d7000 20000200
08000100 00000001 08000200 00000000 0c000300 08000100 01000000 30000100 0e000100 696d6d65 64696174 65000000
1c000200 08000100 00000000 10000200 0c000200 08000100 00000000`,
    value: {
      header: { family: 1, version: 0, resource: 2 },
      attrs: {
        table: 'spiderpool',
        chain: 'output',
        handle: hex('0000000000000006'),
        position: hex('0000000000000005'),
        expressions: [
          { kind: 'meta', data: { key: 15, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('02') } } },
          { kind: 'payload', data: { destination: 1, base: 1, offset: 12, length: 2 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('0a06') } } },
          { kind: 'meta', data: { key: 4, destination: 1 } },
          { kind: 'cmp', data: { source: 1, op: 0, data: { value: hex('01000000') } } },
          { kind: 'immediate', data: { destination: 0, data: { verdict: { code: 0 } } } },
        ],
      },
    },
  }),
]
