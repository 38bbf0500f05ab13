// Defaults and validation of a SpiderReservedIP, as tables.
import t from 'tap'
import { defaultReservedIP, validateReservedIP } from '../../../lib/crd/reservedip.js'
import type { SpiderReservedIP } from '../../../lib/crd/types.js'

type Spec = SpiderReservedIP['spec']
const reserved = (spec: Spec, deletionTimestamp?: string): SpiderReservedIP => ({
  metadata: { name: 'r', ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
  spec,
})

const given: readonly [Spec, Spec][] = [
  [{ ips: ['10.0.0.1'] }, { ips: ['10.0.0.1'], ipVersion: 4 }],
  [{ ips: ['fd00::1-fd00::5'] }, { ips: ['fd00::1-fd00::5'], ipVersion: 6 }],
  [{ ips: ['10.0.0.2', '10.0.0.1', '10.0.0.1-10.0.0.3'] }, { ips: ['10.0.0.1-10.0.0.3'], ipVersion: 4 }],
  [{ ips: ['10.0.0.1', 'fd00::1'] }, { ips: ['10.0.0.1', 'fd00::1'], ipVersion: 4 }],
  [{ ips: ['x', '10.0.0.1'] }, { ips: ['x', '10.0.0.1'] }],
  [{ ips: [] }, { ips: [] }],
  [{}, {}],
]
for (const [spec, made] of given)
  t.test(`defaultReservedIP() of ${JSON.stringify(spec)} is ${JSON.stringify(made)}`, t => {
    t.strictSame(defaultReservedIP(reserved(spec)).spec, made)
    t.strictSame(defaultReservedIP(reserved(made)).spec, made, 'twice is once')
    t.end()
  })

t.test('defaultReservedIP() leaves one that is being deleted unchanged', t => {
  const going = reserved({ ips: ['10.0.0.2', '10.0.0.1'] }, '2026-01-01T00:00:00Z')
  t.strictSame(defaultReservedIP(going), going)
  t.end()
})

const v4: Spec = { ipVersion: 4, ips: ['10.0.0.1'] }
const now = '2026-01-01T00:00:00Z'
const cases: readonly [string, SpiderReservedIP, SpiderReservedIP | undefined, readonly string[]][] = [
  ['a new one', reserved(v4), undefined, []],
  ['overlapping ranges', reserved({ ipVersion: 4, ips: ['10.0.0.1-10.0.0.3', '10.0.0.2'] }), undefined, []],
  ['a family without addresses', reserved({ ipVersion: 6 }), undefined, []],
  ['nothing at all', reserved({}), undefined, ['spec.ips']],
  ['a first that is no address', reserved({ ips: ['x'] }), undefined, ['spec.ips[0]']],
  ['family 5', reserved({ ...v4, ipVersion: 5 as number as 6 }), undefined, ['spec.ipVersion']],
  ['two families', reserved({ ipVersion: 4, ips: ['10.0.0.1', 'fd00::1'] }), undefined, ['spec.ips[1]']],
  ['a CIDR', reserved({ ipVersion: 4, ips: ['10.0.0.0/24'] }), undefined, ['spec.ips[0]']],
  ['more addresses', reserved({ ipVersion: 4, ips: ['10.0.0.1-10.0.0.9'] }), reserved(v4), []],
  ['another family', reserved({ ipVersion: 6, ips: ['fd00::1'] }), reserved(v4), ['spec.ipVersion']],
  ['one being deleted, unchanged', reserved(v4, now), reserved(v4, now), []],
  ['one being deleted, changed', reserved({ ipVersion: 4, ips: [] }, now), reserved(v4, now), ['spec']],
]
for (const [of, made, old, fields] of cases)
  t.test(`validateReservedIP() ${fields.length === 0 ? 'accepts' : 'rejects'} ${of}`, t => {
    t.strictSame(
      validateReservedIP(made, old).map(({ field }) => field),
      fields,
    )
    t.end()
  })
