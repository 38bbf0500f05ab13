// Keys of a conf without effect.
import t from 'tap'
import { sentencesOf, unknownKeys } from '../../../lib/cni/unknown-keys.js'
import * as coordinator from '../../../schemas/netconf/generated/coordinator.js'
import * as ifacer from '../../../schemas/netconf/generated/ifacer.js'
import * as ipam from '../../../schemas/netconf/generated/ipam.js'
import * as macvlan from '../../../schemas/netconf/generated/macvlan-wrapper.js'

const { keys } = coordinator
const rows = [
  ['every general key', { cniVersion: '1.0.0', NAME: 'n', type: 't', prevResult: { a: 1 }, args: { b: 1 } }, keys, []],
  ['what is not ours to know', { ipam: { x: 1 }, runtimeConfig: { y: 1 }, capabilities: { z: 1 } }, keys, []],
  ['a key of the spec', { 'cni.dev/valid-attachments': [] }, keys, []],
  ['a key of the Go coordinator', { detectOptions: { timeout: '1s' } }, keys, []],
  ['a key in another case', { MODE: 'auto', hostruletable: 500 }, keys, []],
  [
    'a typo',
    { hostRuletabel: 500 },
    keys,
    ['hostRuletabel of the CNI conf is unknown and has no effect; did you mean hostRuleTable?'],
  ],
  [
    'below',
    { logOptions: { logfil: 'x' } },
    keys,
    ['logOptions.logfil of the CNI conf is unknown and has no effect; did you mean logFile?'],
  ],
  [
    'in a list',
    { policyRoutes: [{ dst: 'a', gateway: 'b' }] },
    keys,
    ['policyRoutes.gateway of the CNI conf is unknown and has no effect; known are dst, gw'],
  ],
  [
    'macvlan-wrapper',
    { mastr: 'eth0' },
    macvlan.keys,
    ['mastr of the CNI conf is unknown and has no effect; did you mean master?'],
  ],
  [
    'ifacer',
    { vlan: 5, bond: { nam: 'b' } },
    ifacer.keys,
    [
      'vlan of the CNI conf is unknown and has no effect; did you mean vlanID?',
      'bond.nam of the CNI conf is unknown and has no effect; did you mean name?',
    ],
  ],
  ['no object', 'x', keys, []],
] as const

for (const [name, raw, table, sentences] of rows)
  t.test(`unknownKeys() of ${name}`, async t => {
    t.strictSame(await sentencesOf(unknownKeys(raw, table, '')), sentences)
  })

t.test('unknownKeys() of ipam', async t => {
  t.strictSame(await sentencesOf(unknownKeys({ type: 'spiderpool', default_ipv4_ipool: ['a'] }, ipam.keys, 'ipam.')), [
    'ipam.default_ipv4_ipool of the CNI conf is unknown and has no effect; did you mean default_ipv4_ippool?',
  ])
})
