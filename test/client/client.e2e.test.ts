// The client of the node agent: the same bytes as the full image, by each way that a call can go.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Socket } from 'node:net'
import t from 'tap'
import { CLIENT_BIN } from '../fixtures/client.js'
import { BIN, cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { nodeEnv } from '../fixtures/node-config.js'
import { answer, answerWith, begin, chunk, startScriptedAgent, type AgentScript } from '../fixtures/scripted-agent.js'

const PLUGINS = ['spiderpool-ipam', 'spiderpool', 'coordinator', 'macvlan-wrapper', 'ifacer'] as const
const scripted = await startScriptedAgent(() => undefined)
const folder = mkdtempSync(`${tmpdir()}/client-`)
t.teardown(async () => {
  await scripted.stop()
  rmSync(folder, { recursive: true })
})

interface Calling {
  readonly name?: string
  readonly verb?: string
  readonly socket?: string
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly bin?: string
}

const CONF = { cniVersion: '1.1.0', name: 'net', type: 'any', ipam: { type: 'spiderpool', log_file_path: '/dev/null' } }

/** DEL without a netns: no plugin changes anything, and the full image answers each conf. */
function call({ name = 'spiderpool-ipam', verb = 'DEL', socket = scripted.socket, ...of }: Calling): Promise<Reply> {
  return runExecutable({
    name,
    bin: of.bin ?? CLIENT_BIN,
    env: { ...cniEnv({ verb, containerID: 'c1', netns: '' }), SPIDERPOOL_AGENT_SOCKET: socket, ...of.env },
    stdin: of.stdin ?? JSON.stringify(CONF),
  })
}

/** By the client and by the full image alone. */
const both = async (of: Calling): Promise<readonly [Reply, Reply]> => [await call(of), await call({ ...of, bin: BIN })]

const executed = (more: object = {}): string =>
  JSON.stringify({ exitCode: 0, stdout: '', stderr: '', containerID: 'c1', ifName: 'eth0', ...more })
const NONE = `${folder}/none.sock`

t.test('VERSION: the bytes of the full image, and the agent is not asked', async t => {
  scripted.requests.length = 0
  for (const name of PLUGINS) {
    const [client, image] = await both({ name, verb: 'VERSION', stdin: '{"cniVersion":"1.0.0"}' })
    t.strictSame(client, image, name)
    t.match(client.json, { cniVersion: '1.1.0' }, name)
  }
  t.strictSame(scripted.requests, [])
})

t.test('an answer of the agent is relayed byte for byte: stdout, stderr, exit status', async t => {
  const stdout = `{\n    "code": 7,\n    "msg": "über \\u003c ${'€'.repeat(9000)} 𝄞 \\u2028"\n}`
  for (const name of PLUGINS) {
    scripted.requests.length = 0
    scripted.script = (_, one) => answer(one, executed({ exitCode: 1, stdout, stderr: 'één\nnote\n' }))
    t.match(await call({ name }), { status: 1, stdout, stderr: 'één\nnote\n' }, name)
    const [seen] = scripted.requests
    const plugin = name === 'spiderpool' ? 'spiderpool-ipam' : name
    t.match(seen, { method: 'POST', path: `/v1/cni/${plugin}`, headers: { 'x-spiderpool-protocol': '1' } })
  }
})

t.test('the request has CNI_ and MULTUS_ variables and stdin unchanged, and nothing else', async t => {
  scripted.requests.length = 0
  scripted.script = (_, one) => answer(one, executed())
  const stdin = `${JSON.stringify({ ...CONF, text: 'ü€𝄞"\\\u0000\u001f\u2028' })}\n \t`
  const env = { MULTUS_CLUSTER_NETWORK: 'a/b', CNI_ARGS: 'K=ü;EMPTY=', SECRET: 's', KUBECONFIG: '/k', CNI_EMPTY: '' }
  t.match(await call({ stdin, env }), { status: 0, stdout: '', stderr: '' })
  t.strictSame(JSON.parse(scripted.requests[0]?.body ?? ''), {
    env: {
      ...cniEnv({ verb: 'DEL', containerID: 'c1', netns: '' }),
      ...{ MULTUS_CLUSTER_NETWORK: 'a/b', CNI_ARGS: 'K=ü;EMPTY=', CNI_EMPTY: '' },
    },
    stdin,
  })
})

const raw =
  (text: string): AgentScript =>
  (_, one) =>
    void one.end(text)
const pieces =
  (text: string): AgentScript =>
  async (_, one) => {
    one.setNoDelay(true)
    for (const byte of Buffer.from(text)) {
      one.write(Buffer.of(byte))
      await new Promise(resolve => setImmediate(resolve))
    }
    one.end()
  }
const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'

t.test('an answer in any framing is read: bytes one by one, Content-Length, to the end of the connection', async t => {
  const reply = executed({ stdout: 'ü€𝄞', stderr: 'e' })
  const split = Buffer.from(reply).indexOf('€')
  const [a, b] = [Buffer.from(reply).subarray(0, split + 1), Buffer.from(reply).subarray(split + 1)]
  const scripts: Readonly<Record<string, AgentScript>> = {
    'one by one': pieces(`${HEAD}\r\n${chunk(' ')}${chunk(reply)}0\r\n\r\n`),
    'a chunk that ends within a character': (_, one) => {
      one.write(`${HEAD}\r\n`)
      for (const part of [a, b]) {
        one.write(`${part.length.toString(16)};x=y\r\n`)
        one.write(part)
        one.write('\r\n')
      }
      one.end('0\r\n\r\n')
    },
    'Content-Length': (_, one) => void answerWith(one, 200, JSON.parse(reply)),
    'to the end': raw(`HTTP/1.0 200 OK\r\n\r\n  ${reply}`),
    'protocol 1.7': raw(`HTTP/1.1 200 OK\r\nX-Spiderpool-Protocol: 1.7\r\n\r\n${reply}`),
  }
  for (const [title, script] of Object.entries(scripts)) {
    scripted.script = script
    t.match(await call({}), { status: 0, stdout: 'ü€𝄞', stderr: 'e' }, title)
  }
})

/** An agent that has not begun the call; each is asked again by the full image. */
const NOT_BEGUN: Readonly<Record<string, AgentScript>> = {
  execFullImage: (_, one) => answer(one, JSON.stringify({ execFullImage: 'CNI_PATH is not visible here' })),
  'status 404, as of a Go agent': (_, one) => answerWith(one, 404, { code: 404 }),
  'status 503': (_, one) => answerWith(one, 503, 'no'),
  'another protocol': raw(`HTTP/1.1 200 OK\r\nX-Spiderpool-Protocol: 2\r\n\r\n${executed({ stdout: 'WRONG' })}`),
  'no HTTP': raw('SSH-2.0-OpenSSH_9.2\r\n'),
  'half a status line': raw('HTTP/1.1 2'),
  'headers without an end': raw(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(4000)}`),
  nothing: (_, one) => void one.end(),
  cut: (_, one) => void one.destroy(),
}

t.test('an agent that has not begun the call: the full image executes it, with the same stdin', async t => {
  const [client, image] = await both({ name: 'coordinator', socket: NONE })
  t.strictSame(client, image)
  for (const [title, script] of Object.entries(NOT_BEGUN)) {
    scripted.script = script
    const [one, other] = await both({ name: 'coordinator' })
    t.strictSame(one, other, `coordinator: ${title}`)
    t.match(await call({ verb: 'STATUS' }), await call({ verb: 'STATUS', bin: BIN }), `spiderpool-ipam: ${title}`)
  }
})

/** An agent that began the call and broke off. */
const BEGUN: Readonly<Record<string, readonly [AgentScript, RegExp]>> = {
  'ends after the first byte': [(_, one) => void (begin(one), one.end()), /closed the connection before the end/],
  'is killed': [(_, one) => void one.write(`${HEAD}\r\n${chunk(' ')}`, () => one.destroy()), /closed the connection/],
  'half a reply': [(_, one) => answer(one, executed().slice(0, 20)), /answered what is no JSON/],
  'no reply': [(_, one) => answer(one, '{"exitCode":2}'), /answered what is no reply to a CNI call/],
  'the reply to another': [(_, one) => answer(one, executed({ containerID: 'c2' })), /answered for container c2/],
  'a chunk without a length': [raw(`${HEAD}\r\nzz\r\n`), /a chunk without a length/],
  'a failure without a code': [
    (_, one) => answer(one, executed({ exitCode: 1, stdout: '{}' })),
    /no result of CNI DEL/,
  ],
}

t.test('an agent that breaks off in a call: the full image executes it, and stderr says why', async t => {
  for (const [title, [script, says]] of Object.entries(BEGUN)) {
    scripted.script = script
    const reply = await call({ name: 'coordinator' })
    t.match(reply, { status: 0, stdout: '' }, title)
    t.match(reply.stderr, /^spiderpool-agent has not executed this call: \/.*\.sock /, title)
    t.match(reply.stderr, says, title)
  }
})

t.test('no first byte in 1 s: the full image executes the call', async t => {
  scripted.script = () => undefined
  const began = Date.now()
  t.match(await call({ name: 'coordinator' }), { status: 0, stdout: '', stderr: '' })
  const ms = Date.now() - began
  t.ok(ms >= 1000 && ms < 8000, `${ms} ms`)
})

t.test('an agent that sends blanks is waited for', async t => {
  scripted.script = (_, one) => {
    begin(one)
    const beats = setInterval(() => one.write(chunk(' ')), 200)
    setTimeout(() => (clearInterval(beats), one.end(`${chunk(executed({ stdout: 'late' }))}0\r\n\r\n`)), 1500)
  }
  t.match(await call({}), { status: 0, stdout: 'late' })
})

/** Paths at which there is no agent. */
function brokenSockets(): Readonly<Record<string, string>> {
  const stale = `${folder}/stale.sock`
  const script = `require('net').createServer().listen('${stale}',()=>process.kill(process.pid,'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  mkdirSync(`${folder}/open`)
  chmodSync(`${folder}/open`, 0o777)
  symlinkSync(scripted.socket, `${folder}/open/link.sock`)
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen('${folder}/open/own.sock',()=>process.kill(process.pid,'SIGKILL'))`,
  ])
  writeFileSync(`${folder}/file`, '')
  return {
    ...{
      'no file': NONE,
      'no folder': `${folder}/none/none.sock`,
      'a folder': folder,
      'a plain file': `${folder}/file`,
    },
    ...{
      stale,
      'in a folder of others': `${folder}/open/own.sock`,
      'too long': `/${'x'.repeat(200)}`,
      relative: 'x.sock',
    },
  }
}

t.test('without a socket that is trusted and answers: the outcome of the full image', async t => {
  for (const [title, socket] of Object.entries(brokenSockets()))
    for (const name of ['spiderpool-ipam', 'coordinator']) {
      const [client, image] = await both({ name, socket, verb: 'STATUS' })
      t.strictSame(client, image, `${name}: ${title}`)
    }
})

t.test('a socket that a conf names in another folder is left to the full image, which has the rule', async t => {
  scripted.requests.length = 0
  for (const path of ['/home/x.sock', '/var/run/spidernet/../x.sock', '/run/spidernet/none.sock', '', 7]) {
    const stdin = JSON.stringify({ ...CONF, ipam: { ...CONF.ipam, ipam_unix_socket_path: path } })
    const [client, image] = await both({ verb: 'STATUS', stdin, socket: NONE })
    t.strictSame(client, image, String(path))
  }
  t.strictSame(scripted.requests, [])
})

const MIB = 1024 * 1024

t.test('stdin that is not handed over reaches the full image unchanged', async t => {
  scripted.requests.length = 0
  scripted.script = (_, one) => answer(one, executed({ stdout: 'WRONG' }))
  const texts: Readonly<Record<string, string>> = {
    ...{ nothing: '', 'no JSON': '{"name":', 'a list': '[1]', null: 'null', 'a text': '"x"', 'a BOM': '\ufeff{}' },
    ...{ 'nested deep': '['.repeat(500_000), 'nested objects': '{"a":'.repeat(100_000) },
    ...{
      'just over 1 MiB': JSON.stringify({ ...CONF, x: 'x'.repeat(MIB) }),
      '17 MiB': `{"x":"${'x'.repeat(17 * MIB)}"}`,
    },
    'control characters that grow in JSON': JSON.stringify({ ...CONF, x: '\u0001'.repeat(150_000) }),
  }
  for (const [title, stdin] of Object.entries(texts)) {
    const [client, image] = await both({ name: 'coordinator', verb: 'STATUS', stdin })
    t.strictSame(client, image, title)
  }
  const latin1 = (bin: string) =>
    spawnSync(`${bin}/coordinator`, { input: Buffer.from('{"name":"\xe9"}', 'latin1'), env: { ...nodeEnv(), ...cniEnv({ verb: 'STATUS', containerID: '', netns: '' }), SPIDERPOOL_AGENT_SOCKET: scripted.socket } }) // prettier-ignore
  t.strictSame(latin1(CLIENT_BIN).stdout.toString(), latin1(BIN).stdout.toString(), 'no UTF-8')
  const handed = scripted.requests.filter(({ path }) => path.startsWith('/v1/cni/'))
  t.strictSame(handed, [], 'no such call went to the agent')
})

t.test(
  'what is no call of a verb is the full image’s: no CNI_COMMAND, an unknown one, arguments, other names',
  async t => {
    const run = (bin: string, argv0: string, args: readonly string[], env: Readonly<Record<string, string>>) => {
      const { status, stdout, stderr } = spawnSync(`${bin}/ifacer`, args, { argv0, env, input: JSON.stringify(CONF), encoding: 'utf8' }) // prettier-ignore
      return { status, stdout, stderr }
    }
    const status = {
      ...nodeEnv(),
      ...cniEnv({ verb: 'STATUS', containerID: '', netns: '' }),
      SPIDERPOOL_AGENT_SOCKET: NONE,
    }
    const calls: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
      ...([
        ['ifacer', [], {}],
        ['ifacer', [], { CNI_COMMAND: 'NONSENSE' }],
        ['ifacer', ['--version'], status],
      ] as const),
      ...([
        ['ifacer', ['--help'], {}],
        ['ifacer', ['--plan'], status],
        ['ifacer', ['--plan=x'], status],
      ] as const),
      ...([
        ['/opt/cni/bin/coordinator', [], status],
        ['', [], status],
        ['other', [], status],
        ['x/', [], status],
      ] as const),
      ...([
        ['spiderpool', ['ifacer'], status],
        ['ifacer', [], { CNI_COMMAND: 'VERSION' }],
      ] as const), // without PATH
      ...([
        ['constructor', [], { CNI_COMMAND: 'VERSION' }],
        ['\xff', [], status],
      ] as const),
    ]
    for (const [argv0, args, env] of calls)
    t.strictSame(run(CLIENT_BIN, argv0, args, env), run(BIN, argv0, args, env), JSON.stringify([argv0, args, env['CNI_COMMAND']])) // prettier-ignore
  },
)

/** Under a shell that prepares descriptors and signals; argv of sh. */
const shell = (script: string, bin: string, env: Readonly<Record<string, string>> = {}) => {
  const own = {
    ...cniEnv({ verb: 'STATUS', containerID: '', netns: '' }),
    SPIDERPOOL_AGENT_SOCKET: scripted.socket,
    ...env,
  }
  return new Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>(resolve => {
    const child = spawn('sh', ['-c', script, 'sh', `${bin}/coordinator`], {
      env: { PATH: process.env['PATH'], ...nodeEnv(), ...own },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', text => (stdout += String(text)))
    child.stderr.on('data', text => (stderr += String(text)))
    child.stdin.on('error', () => undefined)
    child.stdin.end(JSON.stringify(CONF))
    child.on('close', status => resolve({ status, stdout, stderr }))
  })
}

t.test('closed or full descriptors: exit status 1 where the result is lost, never a result on the socket', async t => {
  const received: string[] = []
  scripted.script = (_, one: Socket) => {
    one.on('data', text => received.push(String(text)))
    answer(one, executed({ containerID: '', ifName: 'eth0', stdout: 'RESULT', stderr: 'note' }))
  }
  t.match(await shell('exec "$1"', CLIENT_BIN), { status: 0, stdout: 'RESULT', stderr: 'note' })
  t.match(await shell('exec "$1" 2>&-', CLIENT_BIN), await shell('exec "$1" 2>&-', BIN), 'stderr closed')
  t.match(
    (await shell('exec "$1" >&-', CLIENT_BIN)).status,
    (await shell('exec "$1" >&-', BIN)).status,
    'stdout closed',
  )
  t.strictSame(await shell('exec "$1" <&-', CLIENT_BIN), await shell('exec "$1" <&-', BIN), 'stdin closed')
  const full = await shell('exec "$1" >/dev/full', CLIENT_BIN)
  t.match(full, { status: 1, stderr: 'noteerror writing to stdout: No space left on device\n' })
  const lost = await shell('(sleep 0.2; "$1"; echo $? >&2) | true', CLIENT_BIN)
  t.match(lost.stderr, /error writing to stdout: Broken pipe\n1\n$/, 'SIGPIPE')
  t.strictSame(received, [])
})

t.test('an agent that is silent for a second is asked once: by the client, not by the full image too', async t => {
  scripted.script = () => undefined
  scripted.requests.length = 0
  t.match(await call({}), { stderr: /has not executed this call: .* sent nothing for 1 s/ })
  t.equal(scripted.requests.length, 1)
  scripted.script = (_, one) => answer(one, executed())
  scripted.requests.length = 0
  // A conf and CNI_ARGS cannot set the variable that says so.
  const env = { CNI_ARGS: `IgnoreUnknown=1;SPIDERPOOL_SILENT_SOCKET=${scripted.socket}` }
  const stdin = JSON.stringify({ ...CONF, SPIDERPOOL_SILENT_SOCKET: scripted.socket })
  t.match(await call({ env, stdin, bin: BIN }), { status: 0, stderr: '' })
  t.equal(scripted.requests.length, 1)
})

t.test('signals that interrupt system calls change nothing', async t => {
  scripted.script = (_, one) => {
    begin(one)
    setTimeout(() => one.end(`${chunk(executed({ containerID: '', stdout: 'whole' }))}0\r\n\r\n`), 400)
  }
  // SIGSTOP and SIGCONT end poll(2), connect(2) and recv(2) with EINTR.
  const script =
    'exec 3<&0; "$1" <&3 3<&- & pid=$!; for i in 1 2 3 4 5 6; do kill -STOP $pid; kill -CONT $pid; sleep 0.03; done; wait $pid'
  t.match(await shell(script, CLIENT_BIN), { status: 0, stdout: 'whole' })
})

t.test('clients at once get each their own answer', async t => {
  scripted.script = ({ body }, one) => {
    const { env } = JSON.parse(body) as { env: Record<string, string> }
    setTimeout(() => answer(one, executed({ containerID: env['CNI_CONTAINERID'], stdout: env['CNI_CONTAINERID'] })), 20)
  }
  const ids = Array.from({ length: 30 }, (_, at) => `container-${at}`)
  const replies = await Promise.all(ids.map(id => call({ env: { CNI_CONTAINERID: id } })))
  t.strictSame(
    replies.map(({ stdout }) => stdout),
    ids,
  )
})

t.test('without the full image beside it: code 5, and the sentence names the file', async t => {
  spawnSync('cp', [`${CLIENT_BIN}/coordinator`, `${folder}/coordinator`])
  const lone = await call({ name: 'coordinator', bin: folder, socket: NONE })
  t.match(lone, { status: 1, json: { code: 5, msg: `cannot execute ${folder}/.spiderpool-plugins: No such file or directory; spiderpool-agent on this node installs it` } }) // prettier-ignore
  rmSync(`${folder}/coordinator`)
})

t.test('an unprivileged user gets the sentence of the full image', async t => {
  const run = (bin: string) => {
    const env = { ...cniEnv({ verb: 'STATUS', containerID: '', netns: '' }), SPIDERPOOL_AGENT_SOCKET: scripted.socket }
    const { status, stdout } = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', `${bin}/spiderpool-ipam`], { env, input: JSON.stringify(CONF), encoding: 'utf8' }) // prettier-ignore
    return { status, stdout }
  }
  const image = run(BIN)
  t.strictSame(run(CLIENT_BIN), image)
  t.match(image, { status: 1, stdout: /"code": \d+/ })
})
