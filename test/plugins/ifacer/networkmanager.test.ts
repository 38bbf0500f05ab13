// What ifacer makes of NetworkManager's state files: which of its links are managed, and the one
// sentence that it says of them.
import { mkdirSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { EMPTY_NETNS, type NetnsState, type ObservedLink } from '../../../lib/plan/state.js'
import { accepts } from '../../../plugins/ifacer/config.js'
import { isManaged } from '../../../lib/kernel/network-manager.js'
import { networkManagerWarning, ownLinksIn, warningOf } from '../../../plugins/ifacer/networkmanager.js'

const states: readonly [what: string, state: string, managed: boolean][] = [
  ['a link that it configures', '[device]\nmanaged=true\nperm-hw-addr-fake=86:8A:75:D9:5E:D7\nnm-owned=false\n', true],
  [
    'one that is connected externally',
    '[device]\nmanaged=true\nconnection-uuid=676ac661-ed6f-409e-a2d5-f96f2234784e\nnm-owned=false\n',
    true,
  ],
  ['an unmanaged link', '[device]\nmanaged=false\n', false],
  ['one that it has not decided on', '[device]\nperm-hw-addr-fake=5E:EE:0D:76:98:D4\nnm-owned=false\n', false],
  ['a file with blanks and comments', '# internal\n\n[device]\n managed = true \n', true],
  ['a file that was written again', '[device]\nmanaged=true\nmanaged=false\n', false],
  ['the word in another group', '[connection]\nmanaged=true\n', false],
  ['the word before any group', 'managed=true\n', false],
  ['a key that only begins so', '[device]\nmanaged-by=true\n', false],
  ['an empty file', '', false],
]
for (const [what, state, managed] of states)
  t.test(`isManaged() of ${what}: ${managed}`, async t => t.equal(isManaged(state), managed))

const link = (index: number, name: string): ObservedLink => ({
  index,
  name,
  kind: undefined,
  mtu: 1500,
  mac: undefined,
  flags: 0,
  up: true,
  operState: 6,
  queueLength: 0,
  parent: undefined,
  parentElsewhere: false,
  master: undefined,
})
const node: NetnsState = {
  ...EMPTY_NETNS,
  links: ['eth1', 'eth2', 'b', 'b.5', 'eth1.5'].map((name, at) => link(at + 2, name)),
}
const bond = accepts({ interfaces: ['eth1', 'eth2'], vlanID: 5, bond: { name: 'b' } }, 'ADD')
const vlan = accepts({ interfaces: ['eth1'], vlanID: 5 }, 'ADD')

t.test('ownLinksIn() has the bond, its VLAN and its members, not the parent of a VLAN', async t => {
  const named = (config: typeof bond) => ownLinksIn(config, node).map(({ name }) => name)
  t.strictSame(named(bond), ['b', 'b.5', 'eth1', 'eth2'])
  t.strictSame(named(vlan), ['eth1.5'])
  t.strictSame(named(accepts({ interfaces: ['eth9'], vlanID: 5 }, 'ADD')), [], 'a missing link is not included')
})

t.test('warningOf() names the links and the configuration', async t => {
  t.equal(warningOf([]), undefined)
  t.equal(
    warningOf(['b', 'eth1']),
    'NetworkManager manages b, eth1 and may change or remove what pods stand on: put unmanaged-devices=interface-name:b;interface-name:eth1 below [keyfile] in /etc/NetworkManager/conf.d/spidernet.conf and run nmcli general reload',
  )
})

/** Folders of /proc: what runs under which name in which network namespace; we are in net:[1]. */
const procOf = (t: Test, processes: Readonly<Record<string, readonly [comm: string, netns: string]>>): string =>
  t.testdir(
    Object.fromEntries(
      Object.entries({ self: ['ifacer', 'net:[1]'] as const, ...processes }).map(([pid, [comm, netns]]) => [
        pid,
        { comm: `${comm}\n`, ns: { net: t.fixture('symlink', netns) } },
      ]),
    ),
  )

t.test('networkManagerWarning() reads only the files of own links, and ignores unreadable ones', async t => {
  const folder = t.testdir({
    2: '[device]\nmanaged=true\n',
    3: '[device]\nmanaged=false\n',
    6: '[device]\nmanaged=true\n',
    proc: { 7: { comm: 'NetworkManager\n' } },
  })
  mkdirSync(`${folder}/4`) // a folder where a file should be
  const warned = (config: typeof bond, of = folder) => networkManagerWarning(config, node, of, `${folder}/proc`)
  t.match(warned(bond), /^NetworkManager manages eth1 and /)
  t.match(warned(vlan), /^NetworkManager manages eth1\.5 and /)
  writeFileSync(`${folder}/6`, '[device]\nmanaged=false\n')
  t.equal(warned(vlan), undefined)
  t.equal(warned(bond, `${folder}/none`), undefined, 'NetworkManager is not installed')
})

const running: readonly [what: string, processes: Parameters<typeof procOf>[1], warns: boolean][] = [
  ['it runs', { 1: ['systemd', 'net:[1]'], 77: ['NetworkManager', 'net:[1]'] }, true],
  ['it was stopped, and its files are still there', { 1: ['systemd', 'net:[1]'] }, false],
  ['it runs in a container with links of its own', { 77: ['NetworkManager', 'net:[2]'] }, false],
  ['only a program runs whose name begins so', { 77: ['NetworkManager-', 'net:[1]'] }, false],
  ['what has its name is no process', { acpi: ['NetworkManager', 'net:[1]'] }, false],
]
for (const [what, processes, warns] of running)
  t.test(`networkManagerWarning() ${warns ? 'warns' : 'is undefined'}: ${what}`, async t => {
    const folder = t.testdirName
    const proc = procOf(t, processes)
    mkdirSync(`${folder}/devices`)
    writeFileSync(`${folder}/devices/6`, '[device]\nmanaged=true\n')
    t.equal(networkManagerWarning(vlan, node, `${folder}/devices`, proc) !== undefined, warns)
  })

t.test('networkManagerWarning() is undefined without /proc', async t => {
  const folder = t.testdir({ 6: '[device]\nmanaged=true\n' })
  t.equal(networkManagerWarning(vlan, node, folder, `${folder}/none`), undefined)
})
