// Every executable where a runtime, or who runs a daemon, may start it: any working directory, any
// chroot, any of Bun's own environment variables.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { BIN } from '../fixtures/executable.js'

const PLUGINS = ['spiderpool-ipam', 'spiderpool', 'coordinator', 'macvlan-wrapper', 'ifacer']
const DAEMONS = [
  'spiderpool-agent',
  'spiderpool-controller',
  'spiderpool-init',
  'spiderpool-install',
  'spiderpool-apiserver',
]
const EVERY = [...PLUGINS, ...DAEMONS, 'spiderpoolctl', 'kubectl-spiderpool']

interface Said {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

type Env = Readonly<Record<string, string>>

/** A command of a shell in a mount namespace of its own. */
const sh = (command: string, { env = {}, cwd }: { env?: Env; cwd?: string } = {}): Said =>
  spawnSync('unshare', ['-m', 'sh', '-c', command], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
    ...(cwd !== undefined && { cwd }),
  })

/** What shows that an executable has started: its version, of either kind. */
const asks = (name: string): string => (PLUGINS.includes(name) ? `CNI_COMMAND=VERSION ${name}` : `${name} --version`)
const ANSWERS = /^(\{"cniVersion":|(kubectl-)?spiderpool(ctl|-\w+)? \d)/

const folder = mkdtempSync(join(tmpdir(), 'spiderpool-environment-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

for (const name of EVERY) {
  const command = asks(name).replace(name, `${BIN}/${name}`)

  t.test(`${name} starts in a deleted directory`, async t => {
    const said = sh(`mkdir ${folder}/gone && cd ${folder}/gone && rmdir ${folder}/gone && ${command}`)
    t.strictSame([said.status, said.stderr], [0, ''])
    t.match(said.stdout, ANSWERS)
  })

  t.test(`${name} starts under a chroot that its working directory is not in`, async t => {
    mkdirSync(`${folder}/root`, { recursive: true })
    // chroot(1) changes the directory; what Multus' thick plugin does is chroot(2) and no more.
    const chroot = `import os; os.chroot("${folder}/root"); os.execvp("sh", ["sh", "-c", """${command}"""])`
    writeFileSync(`${folder}/chroot.py`, chroot)
    const said = sh(`mount --rbind / ${folder}/root && cd /var && python3 ${folder}/chroot.py`)
    t.strictSame([said.status, said.stderr], [0, ''])
    t.match(said.stdout, ANSWERS)
  })
}

const packageOf = (): { readonly version: string } =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

t.test('--version prints executable and version without a configuration', async t => {
  const { version } = packageOf()
  for (const name of EVERY) {
    const said = sh(`${BIN}/${name} --version`, { env: { CNI_COMMAND: 'ADD' } })
    t.match(said, { status: 0, stderr: '', stdout: `${name} ${version} (` }, name)
  }
  for (const name of PLUGINS) t.match(sh(`${BIN}/${name}`).stderr, new RegExp(`^[\\w ]+ ${version}\\n`), name)
})

t.test('ADD and DEL succeed in a deleted directory', async t => {
  const conf = JSON.stringify({ cniVersion: '1.0.0', name: 'n', type: 'macvlan-wrapper', master: 'lacks0' })
  const env = { CNI_CONTAINERID: 'c1', CNI_NETNS: `/run/netns/none`, CNI_IFNAME: 'net1', CNI_PATH: BIN }
  const elsewhere = (verb: string): Said =>
    sh(`echo '${conf}' | ${BIN}/macvlan-wrapper`, { env: { ...env, CNI_COMMAND: verb } })
  const gone = (verb: string): Said =>
    sh(`mkdir ${folder}/gone && cd ${folder}/gone && rmdir ${folder}/gone; echo '${conf}' | ${BIN}/macvlan-wrapper`, {
      env: { ...env, CNI_COMMAND: verb },
    })
  for (const verb of ['ADD', 'DEL']) {
    const { status, stdout, stderr } = gone(verb)
    const other = elsewhere(verb)
    t.strictSame([status, stdout, stderr], [other.status, other.stdout, other.stderr], verb)
  }
  t.equal(elsewhere('DEL').status, 0)
})

t.test('spiderpool-apiserver resolves relative paths in its working directory', async t => {
  mkdirSync(`${folder}/here`)
  // PWD is of another directory, as where no shell has set it.
  const script = `
    ${BIN}/spiderpool-apiserver --data-dir data --kubeconfig kc >out & pid=$!
    for i in $(seq 100); do [ -s kc ] && break; sleep 0.1; done
    kill $pid; wait $pid`
  const said = spawnSync('sh', ['-c', script], {
    cwd: `${folder}/here`,
    env: { PATH: process.env['PATH'], PWD: '/' },
    encoding: 'utf8',
  })
  t.strictSame([said.status, said.stderr], [0, ''])
  t.ok(existsSync(`${folder}/here/data/token`))
  t.ok(existsSync(`${folder}/here/kc`))
  t.match(readFileSync(`${folder}/here/out`, 'utf8'), `kubeconfig ${folder}/here/kc`)
})

t.test("an executable ignores Bun's environment variables", async t => {
  writeFileSync(`${folder}/preloaded.js`, 'console.log("PRELOADED")')
  const cases: readonly Env[] = [
    { BUN_BE_BUN: '1' },
    { BUN_OPTIONS: `--preload=${folder}/preloaded.js` },
    { BUN_OPTIONS: '--print=1' },
    { BUN_INSPECT_PRELOAD: `${folder}/preloaded.js` },
    { BUN_INSPECT: 'ws://127.0.0.1:0/x' },
    { BUN_INSPECT_CONNECT_TO: `unix://${folder}/none` },
    { BUN_CONFIG_VERBOSE_FETCH: 'curl' },
    { BUN_GARBAGE_COLLECTOR_LEVEL: '2' },
    { BUN_JSC_dumpOptions: '2' },
    { BUN_JSC_useJIT: '0', BUN_JSC_dumpGeneratedBytecodes: '1' },
    { BUN_TMPDIR: '/nope', BUN_INSTALL: '/nope' },
    { BUN_FEATURE_FLAG_INTERNAL_FOR_TESTING: '1' },
  ]
  const kubeconfig = `${folder}/kubeconfig`
  const user = { name: 'u', user: { token: 'SECRET' } }
  const cluster = { name: 'c', cluster: { server: 'http://127.0.0.1:1' } }
  const context = { name: 'x', context: { cluster: 'c', user: 'u' } }
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x' },
      ...{ users: [user], clusters: [cluster], contexts: [context] },
    }),
  )
  const conf = JSON.stringify({
    cniVersion: '1.1.0',
    name: 'n',
    type: 'spiderpool-ipam',
    ipam: { type: 'spiderpool', kubeconfig },
  })
  const status = (env: Env): Said =>
    sh(`echo '${conf}' | ${BIN}/spiderpool-ipam -e 'console.log(1)'`, {
      env: { CNI_COMMAND: 'STATUS', CNI_PATH: BIN, ...env },
    })
  const plain = status({})
  t.equal(plain.status, 1)
  for (const env of cases) {
    const { status: code, stdout, stderr } = status(env)
    t.strictSame([code, stdout, stderr], [plain.status, plain.stdout, plain.stderr], JSON.stringify(env))
  }
})

t.test('image.sh writes the version into labels and a tag', async t => {
  const { version } = packageOf()
  const image = fileURLToPath(new URL('../../scripts/image.sh', import.meta.url))
  const made = sh(`${image} localhost/x:latest ${folder}/x.tar ${BIN}/spiderpool-init=/bin/x -- /bin/x`)
  t.strictSame([made.status, made.stderr], [0, ''])
  const json = (name: string): unknown => JSON.parse(sh(`tar xOf ${folder}/x.tar ${name}`).stdout)
  t.match(json('manifest.json'), [{ RepoTags: ['localhost/x:latest', `localhost/x:${version}`] }])
  t.match(json('config.json'), {
    config: {
      Labels: { 'org.opencontainers.image.version': version, 'org.opencontainers.image.revision': /^[0-9a-f]{12}/ },
    },
  })
})
