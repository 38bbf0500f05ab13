// Confs against their schemas: what Go's decoder would take is taken, and every fault is one
// sentence with key, value and remedy.
import t from 'tap'
import * as coordinator from '../../../schemas/netconf/generated/coordinator.js'
import * as ifacer from '../../../schemas/netconf/generated/ifacer.js'
import * as ipam from '../../../schemas/netconf/generated/ipam.js'
import * as macvlan from '../../../schemas/netconf/generated/macvlan-wrapper.js'
import { checked, type Checker, deadlineOf } from '../../../lib/cni/conf.js'

const read = (raw: object, checker: Checker<unknown>): unknown => checked(raw, checker, '')

const TAKEN: readonly [says: string, raw: object, checker: Checker<unknown>, is: object][] = [
  ['keys in any case', { MASTER: 'eth0', LinkInContainer: true }, macvlan, { master: 'eth0', linkInContainer: true }],
  ['the last of two keys', { mtu: 1, MTU: 2 }, macvlan, { mtu: 2 }],
  ['null is no key', { mtu: 1, MTU: null, mac: null }, macvlan, { mtu: 1 }],
  ['unknown keys are passed over', { anything: [], type: 'macvlan' }, macvlan, {}],
  ['a key that every object has', JSON.parse('{"__proto__":{"mtu":"x"},"constructor":1}') as object, macvlan, {}],
  ['null in a list is an empty text', { interfaces: ['a', null] }, ifacer, { interfaces: ['a', ''] }],
  ['keys below in any case', { BOND: { Name: 'b', OPTIONS: null } }, ifacer, { bond: { name: 'b' } }],
  [
    'a null object in a list',
    { policyRoutes: [{ DST: '10.0.0.0/8' }] },
    coordinator,
    { policyRoutes: [{ dst: '10.0.0.0/8' }] },
  ],
  ['a number written as text', { log_file_max_size: '100' }, ipam, { log_file_max_size: '100' }],
  ['a whole number with a point', { mtu: 1500.0 }, macvlan, { mtu: 1500 }],
  ['the spelling of the API', { podDefaultRouteNIC: 'net1' }, coordinator, { podDefaultRouteNic: 'net1' }],
]
for (const [says, raw, checker, is] of TAKEN)
  t.test(`checked() takes ${says}`, async t => t.strictSame({ ...(read(raw, checker) as object) }, is))

const REFUSED: readonly [raw: object, checker: Checker<unknown>, why: string][] = [
  [{ master: 5 }, macvlan, 'master is 5; it must be a string'],
  [{ mtu: '1500' }, macvlan, 'mtu is "1500"; it must be a whole number'],
  [{ mtu: 1.5 }, macvlan, 'mtu is 1.5; it must be a whole number'],
  [{ bcqueuelen: -1 }, macvlan, 'bcqueuelen is -1; it must be from 0 to 4294967295'],
  [{ linkInContainer: 'yes' }, macvlan, 'linkInContainer is "yes"; it must be true or false'],
  [{ dns: { search: 'a' } }, macvlan, 'dns.search is "a"; it must be a list of strings'],
  [{ dns: { SEARCH: [1] } }, macvlan, 'dns.search is a list; it must be a list of strings'],
  [{ dns: [] }, macvlan, 'dns is a list; it must be an object'],
  [{ interfaces: 'eth1' }, ifacer, 'interfaces is "eth1"; it must be a list of strings'],
  [{ bond: { mode: 'active-backup' } }, ifacer, 'bond.mode is "active-backup"; it must be a whole number'],
  [{ policyRoutes: [{ dst: 'a' }, { gw: 1 }] }, coordinator, 'policyRoutes[1].gw is 1; it must be a string'],
  [{ policyRoutes: [{}, 'x'] }, coordinator, 'policyRoutes is a list; it must be a list of objects'],
  [{ logOptions: { logMaxAge: 'x' } }, coordinator, 'logOptions.logMaxAge is "x"; it must be a whole number'],
  [{ log_file_max_size: '1 MB' }, ipam, 'log_file_max_size is "1 MB"; it must be a whole number'],
  [{ default_ipv6_ippool: [''] }, ipam, 'default_ipv6_ippool is a list; it must be a list of SpiderIPPool names'],
]
for (const [raw, checker, message] of REFUSED)
  t.test(`checked() rejects: ${message}`, async t => t.throws(() => read(raw, checker), { name: 'ConfFault', message }))

t.test('deadlineOf() is the conf’s, else the default of docs/conf.md; GC has that of CHECK', t => {
  for (const [command, seconds, key] of [
    ['ADD', 60, 'add'],
    ['DEL', 20, 'del'],
    ['CHECK', 20, 'check'],
    ['GC', 20, 'check'],
    ['STATUS', 5, 'status'],
  ] as const) {
    const of = `this ${command} (ipam.timeouts.${key})`
    t.strictSame(deadlineOf(command, undefined, 'ipam.timeouts'), { ms: seconds * 1000, of })
    t.strictSame(deadlineOf(command, { [key]: 3 }, 'ipam.timeouts'), { ms: 3000, of })
  }
  t.end()
})
