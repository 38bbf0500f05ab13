// Delegation: which file is found, what it is given, and how its answer is relayed. The process is
// a table.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { delegate, findPlugin, type DelegateDeps, type CniVerb } from '../../../lib/cni/delegate.js'
import { CniError, errorReply } from '../../../lib/cni/error.js'
import type { SpawnResult, Spawn } from '../../../lib/cni/exec.js'
import type { Call } from '../../../lib/cni/plugin.js'
import { ENV } from './call.js'

const folder = t.testdir({ one: { folder: {} }, two: { ipam: '', folder: '', twice: '' }, three: { twice: '' } })
const path = ['one', 'two', 'three'].map(name => `${folder}/${name}`)

t.test('findPlugin() returns the first regular file', t => {
  t.equal(findPlugin('ipam', path), `${folder}/two/ipam`)
  t.equal(findPlugin('twice', path), `${folder}/two/twice`)
  t.equal(findPlugin('folder', path), `${folder}/two/folder`, 'a folder of that name is passed over')
  chmodSync(`${folder}/two/ipam`, 0o600)
  t.equal(findPlugin('ipam', path), `${folder}/two/ipam`, 'whether it may be run is seen when it is run')
  t.end()
})

const NOT_FOUND: readonly [string, readonly string[], string][] = [
  ['', path, 'no plugin name provided'],
  ['a/b', path, 'invalid plugin name: a/b'],
  ['../two/ipam', path, 'invalid plugin name: ../two/ipam'],
  ['ipam', [], 'no paths provided'],
  ['x', ['/a', '/b'], 'failed to find plugin "x" in path [/a /b]'],
  ['.', ['/'], 'failed to find plugin "." in path [/]'],
]

t.test('findPlugin() fails with the sentences of libcni', t => {
  for (const [type, among, message] of NOT_FOUND) t.throws(() => findPlugin(type, among), { message }, message)
  t.end()
})

const call = (changes: Partial<Call<unknown>> = {}): Call<unknown> => {
  const command = changes.command ?? 'ADD'
  return {
    command,
    containerID: 'c',
    netns: '/run/netns/pod',
    ifName: 'eth0',
    args: new Map(),
    env: { ...ENV, CNI_COMMAND: command, CNI_ARGS: 'a=b', PATH: '/bin', UNSET: undefined },
    path,
    cniVersion: '1.0.0',
    name: 'net',
    config: {},
    stdin: '{"cniVersion":"1.0.0", "name":"net"}',
    prevResult: undefined,
    validAttachments: [],
    ...changes,
  }
}

const GOOD: SpawnResult = { exitCode: 0, signal: undefined, stdout: '{"ips":[{"address":"10.0.0.5/24"}]}', stderr: '' }

interface Received {
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

function scripted(
  answers: readonly (SpawnResult | Error)[],
): DelegateDeps & { readonly received: Received[]; readonly pauses: number[] } {
  const received: Received[] = []
  const pauses: number[] = []
  const spawn: Spawn = (file, { env, stdin }) => {
    const answer = answers[Math.min(received.length, answers.length - 1)]
    received.push({ file, env, stdin })
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer was written')
    return answer
  }
  return { spawn, pause: ms => void pauses.push(ms), received, pauses }
}

const failing = (code: string): Error => Object.assign(new Error(`${code}: posix_spawn`), { code })

t.test('delegate() passes the environment, the verb, and stdin unchanged', async t => {
  for (const [verb, command] of [
    ['ADD', 'ADD'],
    ['DEL', 'DEL'],
    ['DEL', 'ADD'],
    ['CHECK', 'CHECK'],
    ['STATUS', 'STATUS'],
    ['GC', 'GC'],
  ] as const) {
    const hands = scripted([GOOD])
    const result = await delegate(verb, 'ipam', call({ command }), hands)
    const env = { ...ENV, CNI_COMMAND: verb, CNI_ARGS: 'a=b', PATH: '/bin' }
    t.strictSame(
      hands.received,
      [{ file: `${folder}/two/ipam`, env, stdin: '{"cniVersion":"1.0.0", "name":"net"}' }],
      `${verb} during ${command}`,
    )
    t.strictSame(result, verb === 'ADD' ? { ips: [{ address: '10.0.0.5/24' }] } : undefined)
  }
})

t.test('delegate() rejects a verb other than the call’s, except DEL', async t => {
  for (const [verb, command] of [
    ['ADD', 'DEL'],
    ['ADD', 'CHECK'],
    ['CHECK', 'ADD'],
    ['GC', 'DEL'],
    ['STATUS', 'GC'],
  ] as readonly [CniVerb, string][]) {
    const hands = scripted([GOOD])
    const message = `CNI_COMMAND is ${command}, so IPAM ipam cannot be asked to ${verb}`
    await t.rejects(delegate(verb, 'ipam', call({ command }), hands), { code: 999, message })
    t.strictSame(hands.received, [])
  }
})

t.test('delegate() decodes a result without version by the conf’s', async t => {
  const old = { ...GOOD, stdout: '{"ip4":{"ip":"10.0.0.5/24"}}' }
  for (const cniVersion of ['0.1.0', '0.2.0', ''])
    t.strictSame(await delegate('ADD', 'ipam', call({ cniVersion }), scripted([old])), {
      ips: [{ address: '10.0.0.5/24' }],
    })
  const says = { ...GOOD, stdout: '{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.5/24"}}' }
  t.strictSame(await delegate('ADD', 'ipam', call(), scripted([says])), { ips: [{ address: '10.0.0.5/24' }] })
})

const ran = (changes: Partial<SpawnResult>): SpawnResult => ({
  exitCode: 1,
  signal: undefined,
  stdout: '',
  stderr: '',
  ...changes,
})

const RELAYED: readonly [string, SpawnResult, object][] = [
  [
    'a typed error keeps its code, message and details',
    ran({ stdout: '{"cniVersion":"1.0.0","code":11,"msg":"later","details":"d"}' }),
    { code: 11, msg: 'later', details: 'd' },
  ],
  ["a plugin's own code stays", ran({ stdout: '{"code":110,"msg":"m"}' }), { code: 110, msg: 'm' }],
  ['keys in another case', ran({ stdout: '{"Code":7,"MSG":"m"}' }), { code: 7, msg: 'm' }],
  ['code 0 is never said', ran({ stdout: '{"code":0,"msg":"m"}' }), { code: 999, msg: 'm' }],
  ['no code', ran({ stdout: '{"msg":"m"}' }), { code: 999, msg: 'm' }],
  ['no message', ran({ stdout: '{}' }), { code: 999, msg: 'netplugin failed with no error message: exit status 1' }],
  ['silence', ran({ exitCode: 2 }), { code: 999, msg: 'netplugin failed with no error message: exit status 2' }],
  [
    'silence, by a signal',
    ran({ signal: 'SIGKILL' }),
    { code: 999, msg: 'netplugin failed with no error message: signal: SIGKILL' },
  ],
  [
    'stderr alone',
    ran({ stderr: 'panic: x\n\ngo\n' }),
    { code: 999, msg: 'netplugin failed: "panic: x\\n\\ngo": exit status 1' },
  ],
  [
    'a signal is a failure also with status 0',
    ran({ exitCode: 0, signal: 'SIGTERM' }),
    { code: 999, msg: 'netplugin failed with no error message: signal: SIGTERM' },
  ],
]

t.test('delegate() relays the error of the delegate', async t => {
  for (const [of, answer, expected] of RELAYED) {
    const error: unknown = await delegate('ADD', 'ipam', call(), scripted([answer])).catch((thrown: unknown) => thrown)
    t.ok(error instanceof CniError, of)
    t.strictSame({ ...errorReply(error, '') }, expected, of)
  }
})

t.test('delegate() relays a failure without JSON as text', async t => {
  for (const stdout of ['oops', '[]', 'null', '5', '{"code":"7"}', '{"msg":5}', '{"code":1.5}', '{', 'two\nlines']) {
    const deleting = delegate('DEL', 'ipam', call({ command: 'DEL' }), scripted([ran({ stdout })]))
    const error: unknown = await deleting.catch((thrown: unknown) => thrown)
    const { code, msg } = errorReply(error, '')
    const start = `netplugin failed but error parsing its diagnostic message ${JSON.stringify(stdout)}: `
    t.strictSame({ code, msg: msg.slice(0, start.length) }, { code: 999, msg: start }, stdout)
    t.ok(msg.length > start.length, 'and says why')
  }
})

t.test('delegate() rejects a success without result for ADD only', async t => {
  for (const stdout of ['', 'oops', 'null', '[]', '"a"', '{"ips":', '{}{}']) {
    const hands = scripted([{ ...GOOD, stdout }])
    await t.rejects(delegate('ADD', 'ipam', call(), hands), {
      code: 6,
      message: /^IPAM ipam answered what is no JSON object: /,
    })
    t.strictSame(await delegate('DEL', 'ipam', call({ command: 'DEL' }), hands), undefined)
  }
  await t.rejects(delegate('ADD', 'ipam', call(), scripted([{ ...GOOD, stdout: '{"ips":[{}]}' }])), {
    code: 6,
    message: /^ips\[0\]\.address is missing/,
  })
})

t.test('delegate() retries ETXTBSY six times, a second apart', async t => {
  const busy = failing('ETXTBSY')
  const hands = scripted([busy, busy, GOOD])
  t.strictSame(await delegate('ADD', 'ipam', call(), hands), { ips: [{ address: '10.0.0.5/24' }] })
  t.strictSame(hands.pauses, [1000, 1000])

  const never = scripted([busy])
  await t.rejects(delegate('ADD', 'ipam', call(), never), {
    code: 999,
    message: `netplugin failed with no error message: fork/exec ${folder}/two/ipam: ETXTBSY`,
  })
  t.equal(never.received.length, 6)
  t.strictSame(never.pauses, [1000, 1000, 1000, 1000, 1000])
})

t.test('delegate() does not retry other errors', async t => {
  const hands = scripted([failing('EACCES')])
  await t.rejects(delegate('ADD', 'ipam', call(), hands), { code: 999, message: /fork\/exec .*\/two\/ipam: EACCES$/ })
  t.equal(hands.received.length, 1)
})

t.test('findPlugin() searches all folders', t => {
  mkdirSync(`${folder}/four`)
  writeFileSync(`${folder}/four/late`, '')
  t.equal(findPlugin('late', [...path, `${folder}/four`]), `${folder}/four/late`)
  t.end()
})
