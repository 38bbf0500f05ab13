// certificatePlan(): when a CA and a certificate are renewed, over their whole life.
import t from 'tap'
import {
  AUTHORITY_MS,
  certificatePlan,
  SERVER_MS,
  serverNames,
  type CertState,
  type CertPlan,
} from '../../../../daemons/controller/webhooks/cert-plan.js'

const DAY = 86_400_000
const NAMES = ['a', 'b']
const authority = { fromMs: 0, toMs: AUTHORITY_MS }
const server = { fromMs: 0, toMs: SERVER_MS, names: ['a', 'b', 'c'], isOfAuthority: true }
const good: CertState = { authority, server, isTrusted: true }
const made = ({ authority: ca, server: leaf }: CertPlan): string =>
  [ca && 'CA', leaf && 'certificate'].filter(Boolean).join(' ')

const cases: readonly [string, CertState, number, string][] = [
  ['nothing', { authority: undefined, server: undefined, isTrusted: false }, 1, 'CA certificate'],
  [
    'nothing, and no configuration either',
    { authority: undefined, server: undefined, isTrusted: true },
    1,
    'CA certificate',
  ],
  ['all good', good, 1, ''],
  ['a certificate with a third of its life left', good, (SERVER_MS * 2) / 3, 'certificate'],
  ['one that has a day more', good, (SERVER_MS * 2) / 3 - DAY, ''],
  ['one that has expired', good, SERVER_MS, 'certificate'],
  ['one that is not valid yet', { ...good, server: { ...server, fromMs: DAY } }, 1, 'certificate'],
  ['one without a name that is called', { ...good, server: { ...server, names: ['a'] } }, 1, 'certificate'],
  ['one of another CA', { ...good, server: { ...server, isOfAuthority: false } }, 1, 'certificate'],
  [
    'one of another CA, and ours is not trusted yet',
    { ...good, server: { ...server, isOfAuthority: false }, isTrusted: false },
    1,
    '',
  ],
  ['no certificate, and the CA is not trusted yet', { ...good, server: undefined, isTrusted: false }, 1, 'certificate'],
  ['a CA whose key is lost', { ...good, authority: undefined }, 1, 'CA'],
  [
    'a CA with a third of its life left',
    { ...good, server: { ...server, toMs: AUTHORITY_MS } },
    (AUTHORITY_MS * 2) / 3,
    'CA',
  ],
  ['a CA that has expired, and its certificate too', good, AUTHORITY_MS, 'CA certificate'],
  ['a CA that is not valid yet', { ...good, authority: { fromMs: DAY, toMs: AUTHORITY_MS } }, 1, 'CA'],
]
for (const [of, held, nowMs, makes] of cases)
  t.test(`certificatePlan() of ${of}: ${makes === '' ? 'nothing is made' : makes}`, t => {
    const plan = certificatePlan(held, NAMES, nowMs)
    t.equal(made(plan), makes)
    t.ok(plan.requeueAtMs > nowMs && plan.requeueAtMs <= nowMs + DAY, 'looked at again within a day')
    t.end()
  })

t.test('certificatePlan() writes a new CA, waits until it is trusted, then uses it', t => {
  const nowMs = (AUTHORITY_MS * 2) / 3
  const old = { ...server, fromMs: nowMs - DAY, toMs: nowMs + SERVER_MS }
  const next = { fromMs: nowMs, toMs: nowMs + AUTHORITY_MS }
  t.equal(made(certificatePlan({ authority, server: old, isTrusted: true }, NAMES, nowMs)), 'CA')
  const unused = { ...old, isOfAuthority: false }
  t.equal(made(certificatePlan({ authority: next, server: unused, isTrusted: false }, NAMES, nowMs)), '')
  t.equal(made(certificatePlan({ authority: next, server: unused, isTrusted: true }, NAMES, nowMs)), 'certificate')
  t.end()
})

t.test('certificatePlan() requeues when a renewal is due', t => {
  const atMs = (SERVER_MS * 2) / 3
  t.equal(certificatePlan(good, NAMES, atMs - 1000).requeueAtMs, atMs)
  t.equal(certificatePlan(good, NAMES, 1).requeueAtMs, 1 + DAY)
  t.end()
})

t.test('serverNames() has the Service’s names and loopback', t => {
  t.strictSame(serverNames('svc', 'ns'), {
    dns: ['svc.ns.svc', 'svc.ns.svc.cluster.local', 'svc.ns', 'svc', 'localhost'],
    ips: ['127.0.0.1', '::1'],
  })
  t.end()
})
