// What ifacer makes of NetworkManager's state files: which of its links are managed, and the one sentence that it says of them.
import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { NOWHERE, type Place, type SeenLink } from '../../../lib/plan/seen.js'
import { accepts } from '../../../plugins/ifacer/config.js'
import { networkManagerWarning } from '../../../plugins/ifacer/networkmanager-state.js'
import { isManaged, oursIn, warningOf } from '../../../plugins/ifacer/networkmanager.js'

const states: readonly [what: string, state: string, managed: boolean][] = [
  ['a link that it configures', '[device]\nmanaged=true\nperm-hw-addr-fake=86:8A:75:D9:5E:D7\nnm-owned=false\n', true],
  [
    'one that is connected externally',
    '[device]\nmanaged=true\nconnection-uuid=676ac661-ed6f-409e-a2d5-f96f2234784e\nnm-owned=false\n',
    true,
  ],
  ['one that it is told to leave', '[device]\nmanaged=false\n', false],
  ['one that it has not decided on', '[device]\nperm-hw-addr-fake=5E:EE:0D:76:98:D4\nnm-owned=false\n', false],
  ['a file with blanks and comments', '# internal\n\n[device]\n managed = true \n', true],
  ['a file that was written again', '[device]\nmanaged=true\nmanaged=false\n', false],
  ['the word in another group', '[connection]\nmanaged=true\n', false],
  ['the word before any group', 'managed=true\n', false],
  ['a key that only begins so', '[device]\nmanaged-by=true\n', false],
  ['an empty file', '', false],
]
for (const [what, state, managed] of states)
  t.test(`${what} is ${managed ? 'managed' : 'not managed'}`, async t => t.equal(isManaged(state), managed))

const link = (index: number, name: string): SeenLink => ({
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
const node: Place = {
  ...NOWHERE,
  links: ['eth1', 'eth2', 'b', 'b.5', 'eth1.5'].map((name, at) => link(at + 2, name)),
}
const bond = accepts({ interfaces: ['eth1', 'eth2'], vlanID: 5, bond: { name: 'b' } }, 'ADD')
const vlan = accepts({ interfaces: ['eth1'], vlanID: 5 }, 'ADD')

t.test('the bond, its VLAN and its members are ours; a NIC below a VLAN is the node’s', async t => {
  const named = (config: typeof bond) => oursIn(config, node).map(({ name }) => name)
  t.strictSame(named(bond), ['b', 'b.5', 'eth1', 'eth2'])
  t.strictSame(named(vlan), ['eth1.5'])
  t.strictSame(named(accepts({ interfaces: ['eth9'], vlanID: 5 }, 'ADD')), [], 'what is not there is nobody’s')
})

t.test('the sentence names the links and the line to write', async t => {
  t.equal(warningOf([]), undefined)
  t.equal(
    warningOf(['b', 'eth1']),
    'NetworkManager manages b, eth1 and may change or remove what pods stand on: put unmanaged-devices=interface-name:b;interface-name:eth1 below [keyfile] in /etc/NetworkManager/conf.d/spidernet.conf and run nmcli general reload',
  )
})

t.test('only the files of our links are read, and what cannot be read is no warning', async t => {
  const folder = t.testdir({
    2: '[device]\nmanaged=true\n',
    3: '[device]\nmanaged=false\n',
    6: '[device]\nmanaged=true\n',
  })
  mkdirSync(`${folder}/4`) // a folder where a file should be
  t.match(networkManagerWarning(bond, node, folder), /^NetworkManager manages eth1 and /)
  t.match(networkManagerWarning(vlan, node, folder), /^NetworkManager manages eth1\.5 and /)
  writeFileSync(`${folder}/6`, '[device]\nmanaged=false\n')
  t.equal(networkManagerWarning(vlan, node, folder), undefined)
  t.equal(networkManagerWarning(bond, node, `${folder}/none`), undefined, 'NetworkManager is not installed')
})
