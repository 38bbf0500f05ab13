// The CNI protocol of every executable, beside the reference macvlan: VERSION, environment, JSON.
import { spawn, spawnSync } from 'node:child_process'
import t from 'tap'
import { BIN, cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'

const ALL = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']
const FROM_0_3 = ALL.slice(2)

const EXECUTABLES: readonly { readonly name: string; readonly versions: readonly string[]; readonly about: RegExp }[] =
  [
    { name: 'macvlan-wrapper', versions: ALL, about: /^CNI macvlan plugin \S/ },
    { name: 'spiderpool-ipam', versions: FROM_0_3, about: /^Spiderpool IPAM \S/ },
    { name: 'spiderpool', versions: FROM_0_3, about: /^Spiderpool IPAM \S/ },
    { name: 'coordinator', versions: ALL, about: /^Coordinator \S/ },
    { name: 'ifacer', versions: ALL, about: /^Subvlan \S/ },
  ]

const REFERENCE = { name: 'macvlan', bin: '/usr/lib/cni' } as const // 1.1.1 of containernetworking-plugins, of spec 1.0.0

type Env = Readonly<Record<string, string | undefined>>

interface Case {
  readonly name: string
  readonly env?: Env
  /** Changes to a good conf; a string is the whole stdin. */
  readonly conf?: object | string
  readonly code: number
  readonly msg: RegExp
  /** Why the reference says something else. */
  readonly ours?: string
}

const verb = (CNI_COMMAND: string): Env => ({ CNI_COMMAND })
const NEWER = 'its spec is 1.0.0'
const LATER = 'it checks values after missing keys; later versions check them before'
const WORDS = 'its JSON reader has other words'

const CASES: readonly Case[] = [
  {
    name: 'nothing but the verb',
    env: { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined, CNI_PATH: undefined },
    code: 4,
    msg: /^required env variables \[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH\] missing$/,
  },
  ...['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'].map(missing => ({
    name: `ADD without ${missing}`,
    env: { [missing]: '' },
    code: 4,
    msg: new RegExp(`^required env variables \\[${missing}\\] missing$`),
  })),
  {
    name: 'CHECK without a namespace',
    env: { ...verb('CHECK'), CNI_NETNS: undefined },
    code: 4,
    msg: /^required env variables \[CNI_NETNS\] missing$/,
  },
  {
    name: 'DEL without a path',
    env: { ...verb('DEL'), CNI_NETNS: undefined, CNI_PATH: undefined },
    code: 4,
    msg: /^required env variables \[CNI_PATH\] missing$/,
  },
  {
    name: 'a container ID with a sign, reported before what is missing',
    env: { CNI_CONTAINERID: 'a/b', CNI_PATH: '' },
    code: 4,
    msg: /^invalid characters in containerID$/,
    ours: LATER,
  },
  {
    name: 'a long interface name, reported before what is missing',
    env: { CNI_IFNAME: 'e'.repeat(16), CNI_PATH: '' },
    code: 4,
    msg: /^interface name is too long$/,
    ours: LATER,
  },
  {
    name: 'a container ID with a sign',
    env: { CNI_CONTAINERID: 'a/b' },
    code: 4,
    msg: /^invalid characters in containerID$/,
  },
  { name: 'a long interface name', env: { CNI_IFNAME: 'e'.repeat(16) }, code: 4, msg: /^interface name is too long$/ },
  { name: 'an interface name of dots', env: { CNI_IFNAME: '..' }, code: 4, msg: /^interface name is \. or \.\.$/ },
  {
    name: 'an interface name with a colon',
    env: { CNI_IFNAME: 'e:0' },
    code: 4,
    msg: /^interface name contains \/ or : or/,
  },
  {
    name: 'GC without a path',
    env: { CNI_COMMAND: 'GC', CNI_PATH: undefined },
    code: 4,
    msg: /^required env variables \[CNI_PATH\] missing$/,
    ours: NEWER,
  },
  { name: 'an empty stdin', conf: '', code: 6, msg: /^error unmarshall network config: ./, ours: WORDS },
  { name: 'half a conf', conf: '{"name":"a"', code: 6, msg: /^error unmarshall network config: ./, ours: WORDS },
  { name: 'a conf and a bit', conf: '{"name":"a"}}', code: 6, msg: /^error unmarshall network config: ./, ours: WORDS },
  { name: 'a list', conf: '[1]', code: 6, msg: /^error unmarshall network config: ./, ours: WORDS },
  {
    name: 'a byte-order mark',
    conf: '\ufeff{"name":"a"}',
    code: 6,
    msg: /^error unmarshall network config: ./,
    ours: WORDS,
  },
  {
    name: 'ten thousand brackets',
    conf: '['.repeat(10_000),
    code: 6,
    msg: /^error unmarshall network config: ./,
    ours: WORDS,
  },
  { name: 'a name that is a number', conf: { name: 5 }, code: 6, msg: /name/, ours: WORDS },
  { name: 'null', conf: 'null', code: 7, msg: /^missing network name$/ },
  { name: 'no name', conf: { name: undefined }, code: 7, msg: /^missing network name$/ },
  {
    name: 'no name, reported before a bad version',
    conf: { name: '', cniVersion: 5 },
    code: 7,
    msg: /^missing network name$/,
  },
  { name: 'a name with a blank', conf: { name: 'a b' }, code: 7, msg: /^invalid characters found in network name$/ },
  {
    name: 'two names, the later counts',
    conf: '{"name":"a","NAME":"b c"}',
    code: 7,
    msg: /^invalid characters found in network name$/,
  },
  {
    name: 'two names, null leaves the first',
    conf: '{"NAME":"b c","name":null}',
    code: 7,
    msg: /^invalid characters found in network name$/,
  },
  { name: 'an unknown verb', env: verb('UPDATE'), code: 4, msg: /^unknown CNI_COMMAND: UPDATE$/ },
  { name: 'a verb in small letters', env: verb('add'), code: 4, msg: /^unknown CNI_COMMAND: add$/ },
  {
    name: 'a verb that every object has',
    env: verb('constructor'),
    code: 4,
    msg: /^unknown CNI_COMMAND: constructor$/,
  },
  {
    name: 'an unknown verb, reported before a bad version',
    env: verb('UPDATE'),
    conf: { cniVersion: 5 },
    code: 4,
    msg: /^unknown CNI_COMMAND: UPDATE$/,
  },
  {
    name: 'an unknown verb, reported after the name',
    env: verb('UPDATE'),
    conf: { name: '' },
    code: 7,
    msg: /^missing network name$/,
  },
  {
    name: 'an unknown verb needs no environment',
    env: { CNI_COMMAND: 'UPDATE', CNI_PATH: '', CNI_NETNS: '' },
    code: 4,
    msg: /^unknown CNI_COMMAND: UPDATE$/,
  },
  { name: 'a version that is a number', conf: { cniVersion: 1 }, code: 6, msg: /cniVersion/, ours: WORDS },
  {
    name: 'a version in words',
    conf: { cniVersion: 'one' },
    code: 6,
    msg: /cniVersion is "one"/,
    ours: 'it takes any text for a version, until a verb needs one',
  },
  {
    name: 'a version of the future',
    conf: { cniVersion: '9.9.9' },
    code: 1,
    msg: /^incompatible CNI versions$/,
    ours: NEWER,
  },
  {
    name: 'CHECK of 0.3.1',
    env: verb('CHECK'),
    conf: { cniVersion: '0.3.1' },
    code: 1,
    msg: /^config version does not allow CHECK$/,
  },
  {
    name: 'CHECK of the future',
    env: verb('CHECK'),
    conf: { cniVersion: '9.9.9' },
    code: 1,
    msg: /^plugin version does not allow CHECK$/,
  },
  { name: 'GC of 1.0.0', env: verb('GC'), code: 1, msg: /^config version does not allow GC$/, ours: NEWER },
  { name: 'STATUS of 1.0.0', env: verb('STATUS'), code: 1, msg: /^config version does not allow STATUS$/, ours: NEWER },
]

const CONF = { cniVersion: '1.0.0', name: 'net', type: 'macvlan', master: 'nowhere0', ipam: {} }

function call(name: string, { env, conf = {} }: Pick<Case, 'env' | 'conf'>, bin = BIN): Promise<Reply> {
  return runExecutable({
    name,
    bin,
    env: { ...cniEnv({ verb: 'ADD', containerID: 'c1', netns: '/nowhere/netns' }), ...env },
    stdin: typeof conf === 'string' ? conf : JSON.stringify({ ...CONF, ...conf }),
  })
}

/** What runtimes read of an error. Ours also says cniVersion, as the spec wants. */
const said = ({ json }: Reply): object => {
  const { code, msg, details } = json as { code?: number; msg?: string; details?: string }
  return { code, msg, details }
}

/** stdout of VERSION while the runtime's end of stdin stays open; '' where it does not come. */
function withOpenStdin(name: string): Promise<string> {
  const child = spawn(`${BIN}/${name}`, { env: { CNI_COMMAND: 'VERSION' }, timeout: 10_000 })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', status => resolve(status === 0 ? stdout : ''))
  })
}

for (const { name, versions, about } of EXECUTABLES) {
  t.test(`${name} prints its versions without stdin or environment`, async t => {
    const stdout = `{"cniVersion":"1.1.0","supportedVersions":["${versions.join('","')}"]}\n`
    const dummies = { CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy', CNI_PATH: 'dummy' }
    for (const env of [{}, dummies])
      for (const stdin of ['{"cniVersion":"1.0.0"}', '', '{'])
        t.match(await runExecutable({ name, env: { ...env, CNI_COMMAND: 'VERSION' }, stdin }), {
          status: 0,
          stdout,
          stderr: '',
        })
    t.equal(await withOpenStdin(name), stdout, 'a stdin that never ends is not waited for')
  })

  t.test(`${name} without a verb prints its about text on stderr`, async t => {
    const { status, stdout, stderr } = await runExecutable({ name })
    const [first = '', second, ...rest] = stderr.split('\n')
    t.match(first, about)
    t.strictSame(
      { status, stdout, second, rest },
      { status: 0, stdout: '', second: `CNI protocol versions supported: ${versions.join(', ')}`, rest: [''] },
    )
  })

  t.test(`${name} rejects versions that it does not support`, async t => {
    for (const version of ALL.filter(version => !versions.includes(version))) {
      const reply = await call(name, { conf: { cniVersion: version } })
      const details = `config is "${version}", plugin supports ["${versions.join('" "')}"]`
      t.strictSame(said(reply), { code: 1, msg: 'incompatible CNI versions', details }, version)
    }
    t.match((await call(name, { conf: { cniVersion: undefined } })).json, { cniVersion: '0.1.0' }, 'none is 0.1.0')
  })

  t.test(`${name} rejects bad input with one JSON document and status 1`, async t => {
    for (const { name: of, code, msg, ...asked } of CASES) {
      const reply = await call(name, asked)
      t.match(reply.json, { code, msg }, of)
      t.match(reply.stdout, /^\{\n {4}"[\s\S]*\n\}$/, 'four blanks, and no line break at the end')
      t.strictSame({ status: reply.status, stderr: reply.stderr }, { status: 1, stderr: '' })
    }
  })
}

t.test('macvlan of containernetworking/plugins gives the same replies', async t => {
  for (const { name, ours, env, conf } of CASES) {
    const asked = { ...(env && { env }), ...(conf !== undefined && { conf }) }
    const [mine, its] = [await call('macvlan-wrapper', asked), await call(REFERENCE.name, asked, REFERENCE.bin)]
    if (ours === undefined) t.strictSame(said(mine), said(its), name)
    else t.equal(its.status, 1, `${name}: ${ours}`)
    if (ours === WORDS)
      t.equal((its.json as { code: number }).code, (mine.json as { code: number }).code, 'but the code is the same')
  }
})

/** What a shell does to an executable's files, and what is printed then. `$0` is the executable. */
const FILES: readonly { readonly name: string; readonly script: string; readonly stdout: RegExp }[] = [
  { name: 'a folder for stdin', script: '"$0" </', stdout: /"code": 5,\s+"msg": "error reading from stdin: / },
  {
    name: 'stdin in pieces',
    script: `(printf '{"na'; sleep 0.2; printf 'me":""}') | "$0"`,
    stdout: /"msg": "missing network name"/,
  },
  { name: 'a closed stderr', script: '"$0" 2>&- </dev/null', stdout: /"code": 6/ },
  { name: 'a stderr that is full', script: '"$0" 2>/dev/full </dev/null', stdout: /"code": 6/ },
  { name: 'a stdout that is full', script: '"$0" >/dev/full </dev/null', stdout: /^$/ },
  {
    name: 'a reader that is gone',
    script: '{ { sleep 0.3; CNI_COMMAND=VERSION "$0"; echo $? >&3; } | true; } 3>&1',
    stdout: /^1\n$/,
  },
]

t.test('ADD and DEL behave the same with a failing stdout or stderr', t => {
  const env = cniEnv({ verb: 'ADD', containerID: 'c1', netns: '/nowhere/netns' })
  for (const { name, script, stdout } of FILES) {
    const ran = spawnSync('sh', ['-c', script, `${BIN}/macvlan-wrapper`], {
      env: { PATH: process.env['PATH'], ...env },
      encoding: 'utf8',
      timeout: 10_000,
    })
    t.match(ran.stdout, stdout, name)
    if (!name.includes('reader')) t.equal(ran.status, 1, `${name}: status 1`)
    t.notMatch(ran.stderr, /\bat /, 'no stack')
  }
  t.end()
})

t.test('ADD reads a conf of megabytes', async t => {
  const reply = await call('macvlan-wrapper', { conf: { name: '', filling: 'x'.repeat(4_000_000) } })
  t.match(reply.json, { code: 7, msg: 'missing network name' })
  const endless = await call('macvlan-wrapper', { conf: { filling: 'x'.repeat(17_000_000) } })
  t.match(endless.json, { code: 5, msg: /^error reading from stdin: more than 16777216 bytes$/ }, 'but not without end')
})
