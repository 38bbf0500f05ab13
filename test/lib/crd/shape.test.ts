// The guards of lib/crd/shape.ts, as a table.
import t from 'tap'
import { isCoordinator, isMultusConfig, isPod, isPool, isReserved } from '../../../lib/crd/shape.js'

const metadata = { name: 'x' }
const pool = { metadata, spec: { subnet: '172.18.0.0/16' } }
const smc = (spec: object): object => ({ metadata, spec })
type Guards = Readonly<Record<string, (object: unknown) => boolean>>
const GUARDS: Guards = { isCoordinator, isMultusConfig, isPod, isPool, isReserved }

const rows: readonly (readonly [guard: keyof typeof GUARDS, object: unknown, is: boolean])[] = [
  ['isPool', pool, true],
  ['isPool', null, false],
  ['isPool', [pool], false],
  ['isPool', { spec: pool.spec }, false],
  ['isPool', { metadata }, false],
  ['isPool', { ...pool, metadata: { labels: { a: 'b' }, annotations: {}, finalizers: ['f'] } }, true],
  ['isPool', { ...pool, metadata: { labels: { a: 1 } } }, false],
  ['isPool', { ...pool, metadata: { annotations: null } }, false],
  ['isPool', { ...pool, metadata: { finalizers: [1] } }, false],
  ['isPool', { metadata, spec: { ips: [] } }, false],
  ['isPool', { metadata, spec: { ...pool.spec, ips: 'a' } }, false],
  ['isPool', { metadata, spec: { ...pool.spec, excludeIPs: [1] } }, false],
  ['isPool', { metadata, spec: { ...pool.spec, routes: [{ dst: 'a' }] } }, true],
  ['isPool', { metadata, spec: { ...pool.spec, routes: [{ gw: 'a' }] } }, false],
  ['isPool', { metadata, spec: { ...pool.spec, gateway: 1 } }, true],
  ['isReserved', { metadata, spec: {} }, true],
  ['isReserved', { metadata }, false],
  ['isReserved', { metadata, spec: { ips: [{}] } }, false],
  ['isCoordinator', { metadata }, true],
  ['isCoordinator', { metadata, spec: null }, false],
  ['isCoordinator', { metadata, spec: { hijackCIDR: ['a'], policyRoutes: [{ dst: 'a' }] } }, true],
  ['isCoordinator', { metadata, spec: { policyRoutes: ['a'] } }, false],
  ['isMultusConfig', { metadata }, true],
  ['isMultusConfig', smc({ cniType: 'ib-sriov', ibsriov: {} }), true],
  ['isMultusConfig', smc({ cniType: 'bridge' }), false],
  ['isMultusConfig', smc({ cniType: 'toString' }), false],
  ['isMultusConfig', smc({ macvlan: [] }), false],
  ['isMultusConfig', smc({ macvlan: { master: 1 } }), true],
  ['isMultusConfig', smc({ coordinator: { hijackCIDR: 'a' } }), false],
  ['isPod', { metadata: {}, spec: { containers: [{}] } }, true],
  ['isPod', { metadata: {}, spec: { containers: [] } }, false],
  ['isPod', { metadata: {}, spec: { containers: [null] } }, false],
]
for (const [guard, object, is] of rows)
  t.equal(GUARDS[guard]?.(object), is, `${guard}() ${is ? 'accepts' : 'rejects'} ${JSON.stringify(object)}`)
