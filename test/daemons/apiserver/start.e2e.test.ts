// spiderpool-apiserver at start: failures are one line and status 1, and nothing keeps listening.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { BIN } from '../../fixtures/executable.js'
import { restOf } from '../../fixtures/rest.js'

const PROGRAM = join(BIN, 'spiderpool-apiserver')
const UNPRIVILEGED_UID = 65_534
const REFUSED_MS_MAX = 3_000 // one second on an idle machine
const folder = mkdtempSync(join(tmpdir(), 'apiserver-start-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const isRoot = process.getuid?.() === 0 ? {} : { skip: 'not root' }

interface Started {
  readonly child: ChildProcess
  readonly port: number
  stop(): Promise<number | null>
}

async function start(args: readonly string[]): Promise<Started> {
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', resolve)
    child.once('exit', code => reject(new Error(`ended with ${code}`)))
  })
  return {
    child,
    port: Number(/:(\d+),/.exec(line)?.[1]),
    stop: () =>
      new Promise(resolve => {
        child.once('exit', resolve)
        child.kill('SIGTERM')
      }),
  }
}

const good = join(folder, 'good')
await (await start(['--data-dir', good])).stop()

t.test('a start reads no pods into memory', async t => {
  const folderOfPods = join(folder, 'pods')
  const kubeconfig = join(folderOfPods, 'kubeconfig')
  const first = await start(['--data-dir', folderOfPods, '--kubeconfig', kubeconfig])
  const rest = restOf(kubeconfig)
  const env = [{ name: 'LARGE', value: 'x'.repeat(2_000_000) }]
  for (let i = 0; i < 80; i++) {
    const body = { metadata: { name: `p${i}` }, spec: { containers: [{ name: 'c', image: 'i', env }] } }
    t.equal((await rest.ask('POST', '/api/v1/namespaces/default/pods', { body })).status, 201)
  }
  rest.close()
  await first.stop()
  const second = await start(['--data-dir', folderOfPods, '--kubeconfig', kubeconfig])
  const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${second.child.pid}/status`, 'utf8'))?.[1])
  await second.stop()
  t.ok(peakKb < 200_000, `${peakKb} kB for a database of 160 MB`)
})

/** A copy of a data directory that the server has used. */
function used(name: string): string {
  const path = join(folder, name)
  cpSync(good, path, { recursive: true })
  return path
}

const wrong: readonly (readonly [name: string, prepare: (path: string) => readonly string[], says: RegExp])[] = [
  [
    'a kubeconfig in a missing directory',
    () => ['--kubeconfig', '/nowhere/kubeconfig'],
    /^--kubeconfig \/nowhere\/kubeconfig cannot be written: ENOENT.*give another path$/,
  ],
  ['a kubeconfig that is a directory', () => ['--kubeconfig', folder], /^--kubeconfig \S+ cannot be written: EISDIR/],
  ['an unknown flag', () => ['--frob'], /^unknown flag --frob; see --help$/],
  [
    'a unix socket in a missing directory',
    () => ['--unix', '/nowhere/socket'],
    /^--unix \/nowhere\/socket: the server cannot listen there/,
  ],
  [
    'a database that is not SQLite',
    path => {
      for (const file of readdirSync(path)) if (file.startsWith('state.db-')) rmSync(join(path, file)) // the WAL would be recovered
      writeFileSync(join(path, 'state.db'), 'not SQLite')
      return []
    },
    /state\.db: file is not a database; restore it from a backup, or move it away/,
  ],
  [
    'certificates that are not JSON',
    path => {
      writeFileSync(join(path, 'certificates.json'), 'x')
      return []
    },
    /certificates\.json: JSON Parse error.*; remove it/,
  ],
  [
    'certificates without a key',
    path => {
      writeFileSync(join(path, 'certificates.json'), '{"ca":"a","certificate":"b"}')
      return []
    },
    /certificates\.json: it must hold ca, certificate and key; remove it/,
  ],
  [
    'a manifest that is no YAML',
    path => {
      writeFileSync(join(path, 'crds.yaml'), 'kind: a\n---\na: [\n')
      return ['--crds', join(path, 'crds.yaml')]
    },
    /crds\.yaml \(document 2 of 2\): YAML Parse error.*; correct the file/,
  ],
  [
    'a manifest of a kind that is not served',
    path => {
      writeFileSync(join(path, 'crds.yaml'), 'apiVersion: v1\nkind: Nix\nmetadata: {name: a}\n')
      return ['--crds', join(path, 'crds.yaml')]
    },
    /crds\.yaml: no kind Nix in v1 is served; list its CRD before it/,
  ],
  [
    'a manifest whose object is invalid',
    path => {
      writeFileSync(join(path, 'crds.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a_}\n')
      return ['--crds', join(path, 'crds.yaml')]
    },
    /crds\.yaml: ConfigMap a_: ConfigMap "a_" is invalid: metadata\.name/,
  ],
  [
    'a manifest without a kind',
    path => ['--crds', join(path, 'certificates.json')],
    /certificates\.json: .* needs apiVersion and kind/,
  ],
  [
    'a folder in which others can write',
    path => {
      chmodSync(path, 0o770)
      return []
    },
    /^--data-dir \S+ has mode 0770, so other users can write in it; run: chmod 700/,
  ],
  [
    'a folder that others can read',
    path => {
      chmodSync(path, 0o755)
      return []
    },
    /^--data-dir \S+ has mode 0755, so other users can read it; run: chmod 700/,
  ],
  [
    'a token that others can read',
    path => {
      chmodSync(join(path, 'token'), 0o644)
      return []
    },
    /token has mode 0644, so other users can read or write it; run: chmod 600/,
  ],
  [
    'a token behind a symbolic link',
    path => {
      rmSync(join(path, 'token'))
      symlinkSync('/etc/hostname', join(path, 'token'))
      return []
    },
    /token is not a regular file/,
  ],
  [
    'two tokens',
    path => {
      writeFileSync(join(path, 'token'), 'a\nb\n')
      return []
    },
    /token must hold one token of printable ASCII; remove it/,
  ],
]
const wrongOfRoot: typeof wrong = [
  ...['', 'token', 'state.db', 'certificates.json'].map(
    file =>
      [
        `${file === '' ? 'a folder' : file} of another user`,
        (path: string) => {
          chownSync(join(path, file), UNPRIVILEGED_UID, UNPRIVILEGED_UID)
          return []
        },
        new RegExp(`${file} belongs to user ${UNPRIVILEGED_UID}, this server runs as user 0; run: chown 0 `),
      ] as const,
  ),
]

const listeners = (): readonly string[] =>
  spawnSync('ss', ['-Hltnp'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(line => line.includes('spiderpool-apis'))

function refuses(test: Pick<typeof t, 'match' | 'equal' | 'ok'>, args: readonly string[], says: RegExp): void {
  const began = performance.now()
  const { status, stdout, stderr } = spawnSync(PROGRAM, args, { encoding: 'utf8', timeout: 10_000 })
  const tookMs = performance.now() - began
  test.match({ status, stdout }, { status: 1, stdout: '' })
  test.match(stderr.replace(/^spiderpool-apiserver: /, '').trimEnd(), says)
  test.equal(stderr.trim().split('\n').length, 1, stderr)
  test.ok(tookMs < REFUSED_MS_MAX, `${tookMs} ms`)
}

const rows = [...wrong.map(row => [row, {}] as const), ...wrongOfRoot.map(row => [row, isRoot] as const)]
rows.forEach(([[name, prepare, says], options], i) =>
  t.test(`spiderpool-apiserver fails with one line at ${name}`, options, async t => {
    const path = used(`wrong-${i}`)
    const before = readdirSync(path).length
    const args = prepare(path)
    const files = readdirSync(path).length
    refuses(t, ['--data-dir', path, ...args], says)
    t.ok(
      readdirSync(path).filter(file => file.endsWith('.new')).length === 0 && files >= before,
      'no file is left half written',
    )
  }),
)

t.test('spiderpool-apiserver fails with one line if its port is in use, and nothing keeps listening', async t => {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const before = listeners().length
  refuses(
    t,
    ['--data-dir', used('taken'), '--listen', `127.0.0.1:${port}`],
    /^--listen 127\.0\.0\.1:\d+: the server cannot listen there \(EADDRINUSE\); stop what listens there/,
  )
  t.equal(listeners().length, before)
  taken.close()
})

t.test('--listen with port 0 reuses the last port if it is free', async t => {
  const args = ['--data-dir', join(folder, 'port')]
  const first = await start(args)
  await first.stop()
  const second = await start(args)
  t.equal(second.port, first.port)
  await second.stop()
  const other = createServer()
  await new Promise<void>(resolve => other.listen(first.port, '127.0.0.1', resolve))
  const third = await start(args)
  t.not(third.port, first.port)
  t.match(readFileSync(join(folder, 'port/kubeconfig'), 'utf8'), `:${third.port}`)
  await third.stop()
  other.close()
})

t.test('start time does not depend on the size of the database', async t => {
  const path = used('large')
  truncateSync(join(path, 'state.db'), 2 ** 30)
  const { child, stop } = await start(['--data-dir', path])
  const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8'))?.[1])
  t.ok(peakKb < 250_000, `${peakKb} kB`)
  await stop()
})
