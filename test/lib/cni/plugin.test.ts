// One call from environment and stdin to stdout and status: which error wins, what each verb
// answers, what a bug becomes.
import t from 'tap'
import { CniError } from '../../../lib/cni/error.js'
import { ALL_VERSIONS } from '../../../lib/cni/versions.js'
import { ask, CONF, ENV, PREV, type Asked } from './call.js'

const unread = (): string => {
  throw new Error('stdin was read')
}

t.test('VERSION reads neither stdin nor other variables', async t => {
  const dummies = { CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy', CNI_PATH: 'dummy', CNI_CONTAINERID: '/' }
  for (const env of [{}, dummies, { CNI_PATH: undefined, CNI_ARGS: 'x' }]) {
    const outcome = await ask({ env: { ...env, CNI_COMMAND: 'VERSION' }, edge: { readStdin: unread } })
    const stdout = `{"cniVersion":"1.1.0","supportedVersions":["${ALL_VERSIONS.join('","')}"]}\n`
    t.strictSame(outcome, { exitCode: 0, stdout, stderr: '', reply: stdout, calls: [] })
  }
  const { stdout } = await ask({ env: { CNI_COMMAND: 'VERSION' }, plugin: { versions: ['0.3.0', '1.0.0'] } })
  t.equal(stdout, '{"cniVersion":"1.0.0","supportedVersions":["0.3.0","1.0.0"]}\n', "each plugin's own list")
})

t.test('outcomeOf() without CNI_COMMAND prints about on stderr', async t => {
  for (const CNI_COMMAND of ['', undefined]) {
    const outcome = await ask({ env: { CNI_COMMAND, CNI_CONTAINERID: '/' }, edge: { readStdin: unread } })
    const stderr = `noop 1\nCNI protocol versions supported: ${ALL_VERSIONS.join(', ')}\n`
    t.strictSame(outcome, { exitCode: 0, stdout: '', stderr, reply: '', calls: [] })
  }
  t.strictSame(
    (await ask({ env: { CNI_COMMAND: '' }, plugin: { about: '' } })).reply,
    { code: 4, msg: 'required env variables [CNI_COMMAND] missing' },
    'a plugin without an about text says what is missing',
  )
})

const BAD_ENV = { CNI_CONTAINERID: '/' }
const BAD_STDIN = { edge: { readStdin: unread } }
const BAD_VERSION = { cniVersion: 5 }

/** Each row has what is wrong in those below it too: the order is the order of processing. */
const ORDER: readonly [string, Asked, number, string, string?][] = [
  ['environment', { env: BAD_ENV, ...BAD_STDIN }, 4, 'invalid characters in containerID'],
  [
    'missing',
    { env: { CNI_NETNS: '', CNI_PATH: '' }, ...BAD_STDIN },
    4,
    'required env variables [CNI_NETNS,CNI_PATH] missing',
  ],
  ['JSON', { env: { CNI_COMMAND: 'UPDATE' }, conf: '{"cniVersion":5' }, 6, 'error unmarshall network config: '],
  ['name', { env: { CNI_COMMAND: 'UPDATE' }, conf: { ...BAD_VERSION, name: '' } }, 7, 'missing network name'],
  [
    'sign in the name',
    { env: { CNI_COMMAND: 'UPDATE' }, conf: { ...BAD_VERSION, name: 'a b' } },
    7,
    'invalid characters found in network name',
  ],
  [
    'type of the name',
    { env: { CNI_COMMAND: 'UPDATE' }, conf: { ...BAD_VERSION, name: 5 } },
    6,
    'name is 5; it must be a string',
  ],
  ['verb', { env: { CNI_COMMAND: 'UPDATE' }, conf: BAD_VERSION }, 4, 'unknown CNI_COMMAND: UPDATE'],
  ['verb in small letters', { env: { CNI_COMMAND: 'add' } }, 4, 'unknown CNI_COMMAND: add', '1.1.0'],
  ['a verb that every object has', { env: { CNI_COMMAND: 'toString' } }, 4, 'unknown CNI_COMMAND: toString', '1.1.0'],
  ['type of the version', { conf: { ...BAD_VERSION, prevResult: 5 } }, 6, 'cniVersion is 5; it must be a string'],
  ['version in words', { conf: { cniVersion: 'one', prevResult: 5 } }, 6, 'cniVersion is "one"'],
  [
    'version',
    { conf: { cniVersion: '9.9.9', prevResult: 5 }, env: { CNI_ARGS: 'x' } },
    1,
    'incompatible CNI versions',
    '9.9.9',
  ],
  [
    'CNI_ARGS',
    { env: { CNI_ARGS: 'x' }, conf: { prevResult: 5 }, edge: { sameNetns: () => true } },
    4,
    'ARGS: invalid pair "x"',
    '1.1.0',
  ],
  [
    'prevResult',
    { conf: { prevResult: 5 }, edge: { sameNetns: () => true } },
    6,
    'prevResult is 5; it must be an object',
    '1.1.0',
  ],
  [
    'namespace',
    { edge: { sameNetns: () => true } },
    8,
    "plugin's netns and netns from CNI_NETNS should not be the same",
    '1.1.0',
  ],
]

t.test('outcomeOf() returns the first of several errors and runs no verb', async t => {
  for (const [of, asked, code, msg, cniVersion] of ORDER) {
    const { exitCode, reply, calls } = await ask(asked)
    t.match(reply, { code, msg }, of)
    t.strictSame((reply as { cniVersion?: string }).cniVersion, cniVersion, `${of}: the version, where it is known`)
    t.strictSame({ exitCode, calls }, { exitCode: 1, calls: [] })
  }
})

t.test('outcomeOf() fails with code 5 if stdin cannot be read', async t => {
  const readStdin = (): string => {
    throw new CniError('ioFailure', 'error reading from stdin: EIO')
  }
  t.strictSame((await ask({ edge: { readStdin } })).reply, { code: 5, msg: 'error reading from stdin: EIO' })
})

t.test('outcomeOf() calls each verb once, with the parsed call', async t => {
  for (const command of ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS']) {
    const { exitCode, reply, stderr, calls } = await ask({ env: { CNI_COMMAND: command } })
    t.strictSame({ exitCode, stderr }, { exitCode: 0, stderr: '' }, command)
    t.strictSame(reply, command === 'ADD' ? PREV : '', 'only ADD answers')
    const [{ args, ...call } = { args: undefined }, ...more] = calls
    t.strictSame(more, [])
    t.strictSame([...(args ?? [])], [])
    t.strictSame(call, {
      command,
      containerID: 'some-container.id_1',
      netns: '/run/netns/pod',
      ifName: 'eth0',
      env: { ...ENV, CNI_COMMAND: command },
      path: ['/opt/cni/bin', '/usr/lib/cni'],
      cniVersion: '1.1.0',
      name: 'net',
      config: { ...CONF, prevResult: PREV },
      stdin: JSON.stringify({ ...CONF, prevResult: PREV }),
      prevResult: { ips: [{ address: '10.0.0.5/24' }] },
      validAttachments: [],
    })
  }
})

t.test('STATUS and GC succeed in a plugin without them', async t => {
  const { plugin } = await import('./call.js').then(({ noop }) => noop())
  const { status: _status, gc: _gc, ...bare } = plugin
  const { outcomeOf } = await import('../../../lib/cni/plugin.js')
  for (const CNI_COMMAND of ['STATUS', 'GC']) {
    const edge = { env: { CNI_COMMAND, CNI_PATH: '/x' }, readStdin: () => JSON.stringify(CONF), sameNetns: () => false }
    t.strictSame(await outcomeOf(bare, edge), { exitCode: 0, stdout: '', stderr: '' })
  }
})

t.test('STATUS returns a warning as details', async t => {
  const { exitCode, stdout } = await ask({ env: { CNI_COMMAND: 'STATUS' }, plugin: { status: () => 'a word' } })
  t.equal(exitCode, 0)
  t.strictSame(JSON.parse(stdout), { cniVersion: '1.1.0', details: 'a word' })
})

t.test('a conf without cniVersion is 0.1.0, also in the reply', async t => {
  const oldest = { cniVersion: '0.1.0', ip4: { ip: '10.0.0.5/24' }, dns: {} }
  for (const cniVersion of [undefined, null, ''])
    t.strictSame((await ask({ conf: { cniVersion, prevResult: undefined } })).reply, oldest)
  const refused = await ask({ conf: { cniVersion: undefined }, plugin: { versions: ['0.3.0', '1.0.0'] } })
  t.strictSame(refused.reply, {
    cniVersion: '0.1.0',
    code: 1,
    msg: 'incompatible CNI versions',
    details: 'config is "0.1.0", plugin supports ["0.3.0" "1.0.0"]',
  })
})

t.test('CHECK requires prevResult', async t => {
  const { reply, calls } = await ask({ env: { CNI_COMMAND: 'CHECK' }, conf: { prevResult: null } })
  t.strictSame(reply, { cniVersion: '1.1.0', code: 7, msg: 'required prevResult missing' })
  t.strictSame(calls, [])
})

t.test('DEL ignores an invalid prevResult; other verbs reject it', async t => {
  for (const prevResult of [5, [], { cniVersion: '0.2.0' }, { ips: [{}] }, { cniVersion: {} }])
    for (const CNI_COMMAND of ['ADD', 'DEL', 'CHECK']) {
      const { exitCode, calls } = await ask({ env: { CNI_COMMAND }, conf: { prevResult } })
      const goesOn = CNI_COMMAND === 'DEL'
      t.strictSame({ exitCode, called: calls.length }, goesOn ? { exitCode: 0, called: 1 } : { exitCode: 1, called: 0 })
      if (goesOn) t.strictSame(calls[0]?.prevResult, undefined)
    }
})

const GUARDED: readonly [string, string, Readonly<Record<string, string>>, boolean][] = [
  ['ADD', 'is guarded', {}, true],
  ['DEL', 'goes on as if its namespace were gone', {}, false],
  ['CHECK', 'is not', {}, false],
  ['STATUS', 'is not', {}, false],
  ['GC', 'is not', {}, false],
  ['DEL', 'without a namespace is not', { CNI_NETNS: '' }, false],
  ['ADD', 'with the override 1 is not', { CNI_NETNS_OVERRIDE: '1' }, false],
  ['DEL', 'with the override True is not', { CNI_NETNS_OVERRIDE: 'True' }, false],
  ['ADD', 'with the override 0 is', { CNI_NETNS_OVERRIDE: '0' }, true],
  ['ADD', 'with the override yes is', { CNI_NETNS_OVERRIDE: 'yes' }, true],
]

for (const [verb, how, env, isGuarded] of GUARDED)
  t.test(`${verb} in the plugin’s own namespace ${how}`, async t => {
    const { exitCode, calls } = await ask({ env: { CNI_COMMAND: verb, ...env }, edge: { sameNetns: () => true } })
    t.strictSame(
      { exitCode, called: calls.length },
      isGuarded ? { exitCode: 1, called: 0 } : { exitCode: 0, called: 1 },
    )
    const [call] = calls
    if (how.startsWith('goes on')) t.match(call, { netns: '', env: { CNI_NETNS: '' } })
  })

t.test('CNI_ARGS are parsed for ADD, CHECK and DEL only', async t => {
  for (const CNI_COMMAND of ['ADD', 'DEL', 'CHECK']) {
    const { calls } = await ask({ env: { CNI_COMMAND, CNI_ARGS: 'IP=10.0.0.5;IgnoreUnknown=1;X=y' } })
    t.strictSame(Object.fromEntries(calls[0]?.args ?? []), { IP: '10.0.0.5', IgnoreUnknown: '1', X: 'y' }, CNI_COMMAND)
    t.match((await ask({ env: { CNI_COMMAND, CNI_ARGS: 'X=y' } })).reply, {
      code: 4,
      msg: 'ARGS: unknown args ["X=y"]',
    })
  }
  for (const CNI_COMMAND of ['GC', 'STATUS'])
    t.equal((await ask({ env: { CNI_COMMAND, CNI_ARGS: 'X' } })).exitCode, 0, CNI_COMMAND)
})

const one = { containerID: 'a', ifname: 'eth0' }
const other = { containerID: 'b', ifname: 'net1' }
const HALF = 'cni.dev/valid-attachments[0].containerID and ifname must both be given'

const ATTACHED: readonly [string, object, object][] = [
  ['none', {}, []],
  ['an empty list', { 'cni.dev/valid-attachments': [] }, []],
  ['two', { 'cni.dev/valid-attachments': [one, other] }, [one, other]],
  ['by the older name', { 'cni.dev/attachments': [one] }, [one]],
  ['by both', { 'cni.dev/valid-attachments': [one], 'cni.dev/attachments': [other] }, [one]],
  ['null', { 'cni.dev/valid-attachments': null, 'cni.dev/attachments': [one] }, [one]],
]
const NOT_ATTACHED: readonly [string, unknown, number, string][] = [
  ['half of one', [{ containerID: 'a' }], 7, HALF],
  ['the other half', [{ ifname: 'a' }], 7, HALF],
  ['an empty one', [null], 7, HALF],
  ['a number', [5], 6, 'cni.dev/valid-attachments[0] is 5; it must be an object'],
  ['an object', {}, 6, 'cni.dev/valid-attachments is an object; it must be a list'],
]

t.test('GC receives the valid attachments', async t => {
  for (const [of, conf, expected] of ATTACHED) {
    t.strictSame((await ask({ env: { CNI_COMMAND: 'GC' }, conf })).calls[0]?.validAttachments, expected, of)
    t.strictSame((await ask({ conf })).calls[0]?.validAttachments, [], 'no other verb is')
  }
  for (const [of, value, code, msg] of NOT_ATTACHED) {
    const { reply, calls } = await ask({ env: { CNI_COMMAND: 'GC' }, conf: { 'cni.dev/valid-attachments': value } })
    t.match(reply, { code, msg }, of)
    t.strictSame(calls, [], 'nothing is taken for gone')
  }
})

const throwing = (thrown: unknown): (() => never) => {
  return () => {
    throw thrown
  }
}

const round: { self?: object } = {}
round.self = round

t.test('an error of a plugin is one JSON document and status 1; a bug prints its stack on stderr', async t => {
  const typed = await ask({ plugin: { add: throwing(new CniError('tryAgain', 'later', 'd')) } })
  t.strictSame(typed.reply, { cniVersion: '1.1.0', code: 11, msg: 'later', details: 'd' })
  t.strictSame([typed.exitCode, typed.stderr], [1, ''])

  const accepts = await ask({ plugin: { accepts: throwing(new CniError('invalidConfig', 'no')) } })
  t.strictSame(accepts.reply, { cniVersion: '1.1.0', code: 7, msg: 'no' })

  for (const thrown of [new TypeError('x is not a function'), 'text', undefined, null]) {
    const { reply, exitCode, stderr } = await ask({ plugin: { add: throwing(thrown) } })
    const msg = thrown instanceof Error ? thrown.message : String(thrown)
    t.strictSame(reply, { cniVersion: '1.1.0', code: 999, msg })
    t.equal(exitCode, 1)
    t.equal(stderr.includes('plugin.test.ts'), thrown instanceof Error, 'a stack, where there is one')
  }
  const late = await ask({ plugin: { add: async () => Promise.reject(new Error('late')) } })
  t.match(late.reply, { code: 999, msg: 'late' })
  const unprintable = await ask({ plugin: { add: () => ({ interfaces: [{ name: round as unknown as string }] }) } })
  t.match(unprintable, { exitCode: 1, reply: { code: 999 } }, 'a result that cannot be printed')
  t.strictSame(
    (await ask({ plugin: { add: () => ({ interfaces: [] }) }, conf: { cniVersion: '0.2.0', prevResult: null } })).reply,
    { cniVersion: '0.2.0', code: 999, msg: 'cannot convert: no valid IP addresses' },
    'a result that the version cannot say',
  )
})
