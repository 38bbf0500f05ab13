// Settings, switches, sysctls and token of the node agent.
import t from 'tap'
import { withSwitches } from '../../../daemons/agent/calls/conf-defaults.js'
import { Claims } from '../../../daemons/agent/calls/claims.js'
import { Serializer } from '../../../daemons/agent/calls/serialize.js'
import { NODE_SYSCTLS, sysctlToWrite } from '../../../daemons/agent/node/sysctls.js'
import { isTokenDue, mayRequest, tokenIn, type Clocks } from '../../../daemons/agent/node/token.js'
import { AGENT_CONF_DEFAULT, agentConfOf, agentSettingsOf, configPathOf } from '../../../daemons/agent/settings.js'
import { CLAIM_MS } from '../../../lib/agent/protocol.js'

t.test('configPathOf() reads --config-path in both forms and refuses anything else', async t => {
  t.equal(configPathOf([]), undefined)
  for (const argv of [['daemon', '--config-path', '/c'], ['--config-path=/c']]) t.equal(configPathOf(argv), '/c')
  for (const argv of [['--config-path'], ['--config-path='], ['--nope'], ['daemon', 'daemon']])
    t.throws(() => configPathOf(argv), /needs a file|unknown argument/, argv.join(' '))
})

t.test('agentConfOf() takes a missing boolean for false, as the Go agent does', async t => {
  t.strictSame(agentConfOf({ enableIPv4: true, agent: {}, podResourceInject: {} }), {
    ...AGENT_CONF_DEFAULT,
    ...{ enableIPv6: false, enableStatefulSet: false, enableKubevirtStaticIP: false, enableSpiderSubnet: false },
  })
  for (const wrong of [null, [], 'x', { enableIPv4: 1 }, { ipamUnixSocketPath: 'x' }, { ipamUnixSocketPath: 7 }])
    t.throws(() => agentConfOf(wrong), /configuration file/, JSON.stringify(wrong))
})

t.test('agentSettingsOf() prefers the environment’s socket to conf.yml’s', async t => {
  const conf = { ...AGENT_CONF_DEFAULT, ipamUnixSocketPath: '/run/a/b.sock' }
  t.equal(agentSettingsOf({}, conf, 'h').socket, '/run/a/b.sock')
  t.equal(agentSettingsOf({ SPIDERPOOL_AGENT_SOCKET: '/run/c/d' }, conf, 'h').socket, '/run/c/d')
  t.match(agentSettingsOf({}, conf, 'h'), { nodeName: 'h', healthPort: 5710, metricsPort: 5711, metrics: false })
})

const OFF = { ...AGENT_CONF_DEFAULT, enableSpiderSubnet: false, enableIPConflictDetection: true }
const SWITCHED: readonly (readonly [stdin: string, reads: string])[] = [
  ['{"ipam":{"type":"x"}}', '{"ipam":{"type":"x","enableSpiderSubnet":false,"enableIPConflictDetection":true}}'],
  ['{"IPAM":{"ENABLESPIDERSUBNET":true}}', '{"IPAM":{"ENABLESPIDERSUBNET":true,"enableIPConflictDetection":true}}'],
  ['{"ipam":{"enableSpiderSubnet":null,"enableIPConflictDetection":false}}', ''],
  ['{"ipam":[]}', ''],
  ['{"name":"n"}', ''],
  ['[]', ''],
  ['{"ipam":', ''],
  ['', ''],
]
for (const [stdin, reads] of SWITCHED)
  t.test(`withSwitches() adds what ${stdin || 'an empty conf'} does not set`, async t => {
    t.equal(withSwitches(stdin, OFF), reads === '' ? stdin : reads)
    t.equal(withSwitches(stdin, AGENT_CONF_DEFAULT), stdin, 'defaults need no key')
  })

t.test('sysctlToWrite() lowers no gc_thresh3 and writes only what differs', async t => {
  const [thresh, , notify] = NODE_SYSCTLS
  t.equal(NODE_SYSCTLS.length, 6)
  if (!thresh || !notify) throw new Error('there are six')
  t.equal(sysctlToWrite(thresh, '1024\n'), '28160')
  t.equal(sysctlToWrite(thresh, '99999\n'), undefined)
  t.equal(sysctlToWrite(notify, '0\n'), '1')
  t.equal(sysctlToWrite(notify, '1\n'), undefined)
  t.equal(sysctlToWrite(notify, '2\n'), '1')
})

t.test('isTokenDue() renews after half of the life; tokenIn() refuses what is no valid token', async t => {
  const at = (wallMs: number, monotonicMs = wallMs): Clocks => ({ wallMs, monotonicMs })
  const token = { token: 't', issued: at(1_000), lifeMs: 2_000 }
  t.strictSame(
    [isTokenDue(undefined, at(0)), isTokenDue(token, at(1_999)), isTokenDue(token, at(2_000))],
    [true, false, true],
  )
  t.equal(isTokenDue(token, at(-900_000, 2_000)), true, 'the wall clock was set back')
  t.equal(isTokenDue(token, at(2_000, 1_001)), true, 'the node has slept')
  t.strictSame([mayRequest(undefined, 0), mayRequest(0, 29_999), mayRequest(0, 30_000)], [true, false, true])
  const expirationTimestamp = '1970-01-01T00:00:10Z'
  const status = { token: 't', expirationTimestamp }
  t.strictSame(tokenIn({ status }, at(0)), { token: 't', issued: at(0), lifeMs: 10_000 })
  const granted = { spec: { expirationSeconds: 600 }, status }
  t.equal(tokenIn(granted, at(999_000_000)).lifeMs, 600_000, 'the wall clock is days ahead')
  t.equal(tokenIn({ status }, at(-999_000_000)).lifeMs, 86_400_000, 'the wall clock is days behind')
  for (const status of [undefined, {}, { token: '', expirationTimestamp }, { token: 't' }])
    t.throws(() => tokenIn({ status }, at(0)), /no token that is still valid/)
  t.throws(() => tokenIn({ status }, at(10_000)), /no token/)
})

t.test('Claims: undone once, kept where undo fails, forgotten with the DEL and in time', async t => {
  let now = 0
  let [undone, ids, fails] = [0, 0, true]
  const claims = new Claims({ now: () => now, id: () => `c${ids++}` })
  const claim = claims.keep('a eth0', async () => {
    if (fails) throw new Error('the API server is away')
    undone++
  })
  await t.rejects(claims.undo(claim), /away/)
  fails = false
  t.equal(await claims.undo(claim), true)
  t.equal(await claims.undo(claim), false)
  t.equal(undone, 1)
  const old = claims.keep('a eth0', async () => void undone++)
  now = CLAIM_MS
  t.equal(await claims.undo(old), false)
  claims.keep('a eth0', async () => undefined)
  t.equal(claims.size, 1, 'an expired one goes')
  const again = claims.keep('a eth0', async () => void undone++)
  t.equal(claims.size, 1, 'of one attachment the newest is kept')
  claims.forget('a eth0')
  t.equal(claims.size, 0)
  t.equal(await claims.undo(again), false, 'its DEL has come')
})

t.test('Serializer runs calls of one key in order, others at once, and goes on after a failure', async t => {
  const serializer = new Serializer()
  const order: string[] = []
  const call =
    (name: string, ms: number, fails = false) =>
    async (): Promise<string> => {
      order.push(`${name} begins`)
      await new Promise(resolve => setTimeout(resolve, ms))
      order.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const all = await Promise.allSettled([
    serializer.run('a', call('a1', 20, true)),
    serializer.run('a', call('a2', 1)),
    serializer.run('b', call('b1', 1)),
  ])
  t.strictSame(
    all.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  t.ok(order.indexOf('a1 ends') < order.indexOf('a2 begins'))
  t.ok(order.indexOf('b1 ends') < order.indexOf('a1 ends'))
  t.equal(serializer.size, 0)
})
