// addLink: golden messages of every kind, byte for byte, without a socket.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { parseMac, type Mac } from '../../../lib/ip/mac.js'
import { addLink } from '../../../lib/kernel/acts/link.js'
import type { Namespaces } from '../../../lib/kernel/netns-pair.js'
import { Conn } from '../../../lib/netlink/conn.js'
import { framesOf, NLMSG, nlmsghdr } from '../../../lib/netlink/message.js'
import { anyLink, linkGet } from '../../../lib/netlink/rtnl/link.js'
import { concat } from '../../../lib/bytes.js'
import type { StepOf } from '../../../lib/plan/step.js'

const INDEX = 7 // of every link that is asked for
const FD = 5 // of the other place

/** A kernel that has every link and accepts every change; `sent` are the changes, with seq 1. */
function recorder(): { namespaces: Namespaces; sent: string[] } {
  const sent: string[] = []
  let answer: Uint8Array = new Uint8Array(0)
  const conn = new Conn({
    send(bytes) {
      const [frame] = framesOf(bytes)
      if (frame === undefined) throw new Error('an empty datagram')
      const { seq, type } = frame.header
      const isGet = type === linkGet.type
      if (!isGet)
        sent.push(
          Buffer.from(bytes)
            .toString('hex')
            .replace(/^(.{16}).{8}/, '$101000000'),
        )
      const payload = isGet
        ? linkGet.codec.encode({ header: { ...anyLink, index: INDEX }, attrs: {} })
        : concat([new Uint8Array(4), bytes.subarray(0, nlmsghdr.size)])
      const header = { length: nlmsghdr.size + payload.length, type: isGet ? 16 : NLMSG.error, flags: 0, seq, pid: 0 }
      answer = concat([nlmsghdr.encode(header), payload])
    },
    sendAsync: () => Promise.reject(new Error('not on another thread here')),
    receive: () => answer,
    close: () => undefined,
  })
  const places: Pick<Namespaces, 'at' | 'fdOf' | 'indexes'> = { at: () => conn, fdOf: () => FD, indexes: new Map() }
  return { namespaces: places as Namespaces, sent }
}

const mac = (text: string): Mac =>
  parseMac(text) ??
  (() => {
    throw new Error(text)
  })()

const golden: readonly [what: string, step: Omit<StepOf<'addLink'>, 'verb'>, bytes: string][] = [
  [
    'a veth pair, its peer in the pod',
    {
      where: 'node',
      name: 'vethabcdef01234',
      mtu: 1500,
      mac: mac('0a:00:00:00:00:02'),
      link: { kind: 'veth', peer: { where: 'pod', name: 'veth0', mtu: 1500, mac: mac('0a:00:00:00:00:01') } },
    },
    `98000000 10000506 01000000 00000000 00000000 00000000 00000000 00000000 14000300 76657468 61626364 65663031
     32333400 08000400 dc050000 0a000100 0a000000 00020000 50001200 09000100 76657468 00000000 40000200 3c000100
     00000000 00000000 00000000 00000000 0a000300 76657468 30000000 08000400 dc050000 0a000100 0a000000 00010000
     08001c00 05000000`,
  ],
  [
    'a macvlan, into the pod',
    {
      where: 'pod',
      name: 'vethcafe0123',
      mtu: 1400,
      mac: mac('0a:00:00:00:00:01'),
      link: { kind: 'macvlan', on: 'eth1', mode: 'bridge', broadcastQueueLength: 2000 },
    },
    `7c000000 10000506 01000000 00000000 00000000 00000000 00000000 00000000 11000300 76657468 63616665 30313233
     00000000 08000400 78050000 08000500 07000000 0a000100 0a000000 00010000 08001c00 05000000 24001200 0c000100
     6d616376 6c616e00 14000200 08000100 04000000 08000700 d0070000`,
  ],
  [
    'a VLAN',
    { where: 'node', name: 'eth1.100', link: { kind: 'vlan', on: 'eth1', onWhere: 'node', id: 100 } },
    `54000000 10000506 01000000 00000000 00000000 00000000 00000000 00000000 0d000300 65746831 2e313030 00000000
     08000500 07000000 1c001200 09000100 766c616e 00000000 0c000200 06000100 64000000`,
  ],
  [
    'an ipvlan, into the pod',
    { where: 'pod', name: 'vethcafe0124', link: { kind: 'ipvlan', on: 'eth1', mode: 'l2' } },
    `60000000 10000506 01000000 00000000 00000000 00000000 00000000 00000000 11000300 76657468 63616665 30313234
     00000000 08000500 07000000 08001c00 05000000 1c001200 0b000100 6970766c 616e0000 0c000200 06000100 00000000`,
  ],
  [
    'a bond',
    {
      where: 'node',
      name: 'sp_bond0',
      link: { kind: 'bond', options: { mode: 1, miimon: 100, arpIpTarget: [ip('10.6.0.1'), ip('10.6.0.2')] } },
    },
    `68000000 10000506 01000000 00000000 00000000 00000000 00000000 00000000 0d000300 73705f62 6f6e6430 00000000
     38001200 09000100 626f6e64 00000000 28000200 05000100 01000000 08000300 64000000 14000800 08000000 0a060001
     08000100 0a060002`,
  ],
  [
    'a bond with every option that there is',
    {
      where: 'node',
      name: 'b0',
      link: {
        kind: 'bond',
        options: {
          mode: 4,
          miimon: 100,
          updelay: 200,
          downdelay: 200,
          useCarrier: 1,
          arpInterval: 50,
          arpIpTarget: [ip('10.6.0.1'), ip('10.6.0.2')],
          arpValidate: 1,
          arpAllTargets: 1,
          primary: 2,
          primaryReselect: 1,
          failOverMac: 1,
          xmitHashPolicy: 1,
          resendIgmp: 2,
          numPeerNotif: 3,
          allSlavesActive: 1,
          minLinks: 1,
          lpInterval: 4,
          packetsPerSlave: 5,
          adLacpRate: 1,
          adSelect: 2,
          adActorSysPrio: 10,
          adUserPortKey: 3,
          adActorSystem: mac('0a:00:00:00:00:01'),
          tlbDynamicLb: 1,
        },
      },
    },
    `14010000 10000506 01000000 00000000 00000000 00000000 00000000 00000000 07000300 62300000 ec001200 09000100
     626f6e64 00000000 dc000200 05000100 04000000 08000300 64000000 08000400 c8000000 08000500 c8000000 05000600
     01000000 08000700 32000000 08000900 01000000 08000a00 01000000
     08000b00 02000000 05000c00 01000000 05000d00 01000000 05000e00 01000000 08000f00 02000000 05001000 03000000
     05001100 01000000 08001200 01000000 08001300 04000000 08001400 05000000 05001500 01000000 05001600 02000000
     06001800 0a000000 06001900 03000000 05001b00 01000000 14000800 08000000 0a060001 08000100 0a060002 0a001a00
     0a000000 00010000`,
  ],
]
for (const [what, step, bytes] of golden)
  t.test(`addLink sends ${what}`, async t => {
    const { namespaces, sent } = recorder()
    addLink.apply(namespaces, { verb: 'addLink', ...step })
    t.strictSame(
      sent.map(one => one.replace(/(.{8})/g, '$1 ').trim()),
      [bytes.replace(/\s+/g, ' ').trim()],
    )
  })
