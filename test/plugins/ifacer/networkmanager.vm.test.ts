// ifacer's links beside a real NetworkManager: what the drop-in file keeps, what becomes of them
// where it says nothing, and that ifacer tells.
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { BIN } from '../../fixtures/executable.js'
import type { Shown } from '../../fixtures/links.js'

interface Address {
  readonly local: string
  readonly scope: string
}
type Link = Shown & { readonly addr_info: readonly Address[] }
interface Status {
  readonly cniVersion: string
  readonly details: string
}
interface Scene {
  readonly before: readonly Link[]
  readonly after: readonly Link[]
  /** What STATUS says of the VLAN on eth1, and of the bond. */
  readonly vlan: Status | null
  readonly bond: Status | null
  readonly warned: readonly object[]
  readonly devices: string
  /**
   * After the end of NetworkManager: its files that call a link managed, and what STATUS says of
   * the bond.
   */
  readonly left: number
  readonly stopped: Status | null
}

const none = spawnSync('scripts/networkmanager.sh', ['--fetch'], { encoding: 'utf8' })
const skip = none.status === 0 ? false : `no NetworkManager can be had: ${none.stderr.trim().split('\n').at(-1) ?? ''}`

/** With this below [keyfile] in the drop-in file. It is over when the command `until` succeeds. */
function sceneWith(unmanaged: string, until: string): Scene {
  const NM_CONF = `[keyfile]\nunmanaged-devices=${unmanaged}`
  const ran = spawnSync('scripts/networkmanager.sh', ['test/plugins/ifacer/networkmanager.sh', BIN, until], {
    encoding: 'utf8',
    env: { ...process.env, NM_CONF },
  })
  if (ran.status !== 0) throw new Error(`status ${ran.status}: ${ran.stderr}`)
  return JSON.parse(ran.stdout) as Scene
}

const OURS = ['vethcafe', 'vethpeer', 'net1', 'eth1.100', 'bond9', 'bond9.200']
const MEMBERS = ['eth2', 'eth3']
const find = (links: readonly Link[], name: string): Link | undefined => links.find(({ ifname }) => ifname === name)
/** What pods stand on; the kernel's link-local addresses come when they come. */
const standing = (links: readonly Link[], name: string) => {
  const { ifindex, mtu, master, flags = [], addr_info = [] } = find(links, name) ?? {}
  const addresses = addr_info.filter(({ scope }) => scope === 'global').map(({ local }) => local)
  return { ifindex, mtu, master, up: flags.includes('UP'), addresses }
}
const membersOf = (links: readonly Link[]) => MEMBERS.map(name => find(links, name)?.master)
/** The kernel makes it of the MAC (RFC 4291, appendix A), NetworkManager of a secret. */
const OF_MAC = /ff:fe/
const linkLocal = (links: readonly Link[], name: string): string =>
  find(links, name)?.addr_info.find(({ scope }) => scope === 'link')?.local ?? 'none'
/** Without a DHCP reply NetworkManager gives up on a managed NIC. */
const givenUp = (nic: string): string =>
  `grep -q "(${nic}): state change: failed -> disconnected" /run/NetworkManager.log`

t.test(
  'with a drop-in file for veths, VLAN, bond and members all stays as it is, without a warning',
  { skip },
  async t => {
    const names = ['veth*', 'eth1.100', 'bond9*', ...MEMBERS].map(name => `interface-name:${name}`)
    const { before, after, vlan, bond, warned, devices } = sceneWith(names.join(';'), givenUp('port1'))
    for (const name of [...OURS, ...MEMBERS]) t.strictSame(standing(after, name), standing(before, name), name)
    t.strictSame(membersOf(after), ['bond9', 'bond9'])
    for (const name of ['vethcafe', 'vethpeer']) t.match(linkLocal(after, name), OF_MAC, name)
    t.match(devices, /vethcafe:unmanaged/)
    t.strictSame([vlan, bond, warned], [null, null, []])
  },
)

t.test(
  '^veth* is no pattern, so it is as without a drop-in file: a bond loses its members, and ifacer says so',
  { skip },
  async t => {
    const until = '[ -z "$(ip link show master bond9)" ]'
    const { after, bond, warned, devices, left, stopped } = sceneWith('interface-name:^veth*', until)
    for (const name of ['vethcafe', 'vethpeer']) t.match(devices, new RegExp(`${name}:(?!unmanaged)`))
    t.notMatch(linkLocal(after, 'vethpeer'), OF_MAC)
    t.strictSame(membersOf(after), [undefined, undefined])
    for (const name of OURS) t.ok(find(after, name), `${name} is there`)
    const details = /^NetworkManager manages .*eth2, eth3 .*unmanaged-devices=.*interface-name:eth2;interface-name:eth3/
    t.match(bond, { cniVersion: '1.1.0', details })
    t.match(warned.at(-1), { level: 'WARN', msg: bond?.details ?? 'none', command: 'STATUS', network: 'net' })
    t.ok(left > 0, 'once it was stopped, its files still call links managed')
    t.equal(stopped, null, 'and there is no warning of it')
  },
)
