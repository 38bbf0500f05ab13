// spiderpool-install: the executables and the kubeconfig on a node, in a mount namespace where a
// pod has its service account.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { CLIENT_FILE, CNI_NAMES, FULL_IMAGE } from '../../../daemons/install/plan.js'

const BIN = join(import.meta.dirname, '../../../dist/bin')
const node = mkdtempSync(join(tmpdir(), 'install-'))
t.teardown(() => rmSync(node, { recursive: true, force: true }))
const [bin, conf] = [join(node, 'bin'), join(node, 'net.d')]
mkdirSync(conf)

interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** With or without a service account. */
function install(token: string | undefined, more: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const account = '/run/secrets/kubernetes.io/serviceaccount'
  const script = [
    'mount -t tmpfs run /run',
    ...(token === undefined
      ? []
      : [`mkdir -p ${account}`, `echo ${token} >${account}/token`, `echo CA >${account}/ca.crt`]),
    `exec ${BIN}/spiderpool-install --once`,
  ].join(' && ')
  const own = { CNI_BIN_DIR: bin, CNI_CONF_DIR: conf, KUBERNETES_SERVICE_HOST: '10.96.0.1' }
  const env = { PATH: process.env['PATH'], ...own, ...more }
  return new Promise(resolve =>
    execFile('unshare', ['--mount', 'sh', '-c', script], { env }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    ),
  )
}

const inodes = (): ReadonlySet<number> => new Set(CNI_NAMES.map(name => statSync(join(bin, name)).ino))
const FILES = [...CNI_NAMES, FULL_IMAGE].sort()
const equals = (name: string, of: string): boolean => readFileSync(join(bin, name)).equals(readFileSync(join(BIN, of)))

t.test('spiderpool-install without a service account installs nothing and names what is missing', async t => {
  const { status, stderr } = await install(undefined)
  t.equal(status, 1)
  t.match(
    stderr,
    /^spiderpool-install: .*serviceaccount\/token cannot be read: .*runs in a pod with a service account.*\n$/,
  )
  t.notOk(existsSync(bin))
})

t.test('spiderpool-install links every name to the client, beside the full image, and leaves nothing else', async t => {
  t.match(await install('first'), { status: 0, stderr: '' })
  t.same(readdirSync(bin).sort(), FILES)
  t.equal(inodes().size, 1)
  t.ok(equals('ifacer', CLIENT_FILE))
  t.ok(equals(FULL_IMAGE, 'ifacer'))
  t.equal(statSync(join(bin, 'ifacer')).mode & 0o777, 0o755)
  const kubeconfig = join(conf, 'spiderpool.d/spiderpool.kubeconfig')
  t.equal(statSync(kubeconfig).mode & 0o777, 0o600)
  t.match(JSON.parse(readFileSync(kubeconfig, 'utf8')), { users: [{ user: { token: 'first' } }] })
})

t.test('spiderpool-install keeps what is current, and updates the kubeconfig with the token', async t => {
  const before = inodes()
  t.match(await install('second'), { status: 0, stdout: /up to date/ })
  t.same(inodes(), before)
  t.match(readFileSync(join(conf, 'spiderpool.d/spiderpool.kubeconfig'), 'utf8'), '"token":"second"')
})

t.test('spiderpool-install replaces running executables, and deletes what a killed installer left', async t => {
  const running = spawn(join(bin, 'coordinator'), { env: { CNI_COMMAND: 'VERSION' } }) // waits for stdin
  const ended = new Promise(resolve => running.once('exit', resolve))
  rmSync(join(bin, 'ifacer'))
  writeFileSync(join(bin, 'ifacer'), 'half', { mode: 0o755 })
  writeFileSync(join(bin, '.spiderpool-install.image'), 'half')
  t.match(await install('third'), { status: 0, stdout: /installed .*ifacer/ })
  t.same(readdirSync(bin).sort(), FILES)
  t.equal(inodes().size, 1)
  running.stdin.end('{"cniVersion":"1.0.0"}')
  t.equal(await ended, 0, 'the old one runs to its end')
})

t.test('spiderpool-install with SPIDERPOOL_CNI_CLIENT=false links every name to the full image, and back', async t => {
  t.match(await install('third', { SPIDERPOOL_CNI_CLIENT: 'no' }), {
    status: 1,
    stderr: /SPIDERPOOL_CNI_CLIENT is "no"; it must be true or false/,
  })
  const off = await install('third', { SPIDERPOOL_CNI_CLIENT: 'false' })
  t.match(off, { status: 0, stdout: /installed spiderpool-ipam, spiderpool, coordinator, macvlan-wrapper, ifacer in/ })
  t.same(readdirSync(bin).sort(), FILES)
  for (const name of FILES) t.ok(equals(name, 'ifacer'), name)
  t.match(await install('third', { SPIDERPOOL_CNI_CLIENT: 'false' }), { stdout: /bin is up to date/ })
  t.match(await install('third'), { status: 0, stdout: /installed spiderpool-ipam/ })
  t.ok(equals('coordinator', CLIENT_FILE))
})

/**
 * Twice the comparison interval, within the ten seconds that a node may wait, and some slack for a
 * busy machine.
 */
const RESTORED_MS_MAX = 20_000
const kubeconfig = join(conf, 'spiderpool.d/spiderpool.kubeconfig')
const account = '/run/secrets/kubernetes.io/serviceaccount'

async function restored(what: string, look: () => boolean): Promise<true> {
  const began = Date.now()
  while (!look()) {
    if (Date.now() - began > RESTORED_MS_MAX) throw new Error(`${what} was not restored`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return true
}

t.test(
  'spiderpool-install restores what is deleted, replaced or changed, and keeps a kubeconfig whose token is emptied',
  { timeout: 200_000 },
  async t => {
    const script = [
      'mount -t tmpfs run /run',
      ...[`mkdir -p ${account}`, `echo first >${account}/token`, `echo CA >${account}/ca.crt`],
      `exec ${BIN}/spiderpool-install`,
    ].join(' && ')
    const env = {
      PATH: process.env['PATH'],
      CNI_BIN_DIR: bin,
      CNI_CONF_DIR: conf,
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
    }
    const daemon = spawn('unshare', ['--mount', 'sh', '-c', script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => daemon.kill('SIGKILL'))
    let log = ''
    daemon.stdout.on('data', (part: Buffer) => (log += String(part)))
    const inPod = (name: string): string => `/proc/${daemon.pid}/root${account}/${name}`
    const reads = (text: string) => (): boolean =>
      existsSync(kubeconfig) && readFileSync(kubeconfig, 'utf8').includes(text)
    const isImage = (name: string) => (): boolean =>
      existsSync(join(bin, name)) && equals(name, name === FULL_IMAGE ? 'ifacer' : CLIENT_FILE)
    await restored('the start', () => log.includes('up to date') && reads('"token":"first"')())

    rmSync(kubeconfig)
    t.ok(await restored('a deleted kubeconfig', reads('"token":"first"')))
    rmSync(join(conf, 'spiderpool.d'), { recursive: true })
    writeFileSync(join(bin, 'ifacer'), 'a package’s own', { mode: 0o755 }) // in place: other names are links to it
    rmSync(join(bin, 'coordinator'))
    t.ok(await restored('a replaced executable', isImage('ifacer')))
    t.ok(isImage('coordinator')())
    t.equal(inodes().size, 1)
    t.ok(await restored('a deleted folder', reads('"token":"first"')))
    rmSync(join(bin, FULL_IMAGE))
    t.ok(await restored('the full image', isImage(FULL_IMAGE)))
    rmSync(bin, { recursive: true })
    t.ok(await restored('a deleted folder of executables', isImage('spiderpool-ipam')))

    writeFileSync(inPod('ca.crt'), 'OTHER')
    t.ok(await restored('a changed CA', reads(Buffer.from('OTHER').toString('base64'))))
    writeFileSync(inPod('token'), '')
    await restored('the WARN', () => log.includes('"level":"WARN"'))
    t.match(log, /is left unchanged: the service account token is empty/)
    t.ok(reads('"token":"first"')(), 'the old kubeconfig')
    const before = statSync(kubeconfig)
    writeFileSync(inPod('token'), 'second')
    t.ok(await restored('a renewed token', reads('"token":"second"')))
    t.not(statSync(kubeconfig).ino, before.ino, 'another file under the name, never a part of one')
    t.strictSame(readdirSync(join(conf, 'spiderpool.d')), ['spiderpool.kubeconfig'])
    const ended = new Promise(resolve => daemon.once('exit', resolve))
    daemon.kill('SIGTERM')
    t.equal(await ended, 0)
  },
)
