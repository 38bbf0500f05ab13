// What `make release` made: checksums, the same bytes again, images that load and run, also on the
// other machine. `make test-release` sets the variable.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { BIN } from '../fixtures/executable.js'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const IMAGE = `docker.io/library/spiderpool:${version}`
const COMMAND_MS_MAX = 300_000
const isAsked = process.env['SPIDERPOOL_TEST_RELEASE'] === '1'
const options = isAsked ? { timeout: COMMAND_MS_MAX } : { skip: 'SPIDERPOOL_TEST_RELEASE is not 1' }

const sh = (command: string, env: Readonly<Record<string, string>> = {}): string =>
  execFileSync('sh', ['-ec', command], {
    ...{ encoding: 'utf8', timeout: COMMAND_MS_MAX, env: { ...process.env, ...env } },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
function inFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'spiderpool-release-test-'))
  try {
    use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

t.test('SHA256SUMS of a release names every file, and each matches', options, t => {
  const names = readFileSync('dist/release/SHA256SUMS', 'utf8')
    .trim()
    .split('\n')
    .map(line => line.slice(66))
  t.strictSame([...names, 'SHA256SUMS'].sort(), sh('ls dist/release').trim().split('\n').sort())
  t.match(sh('cd dist/release && sha256sum --check SHA256SUMS'), /OK/)
  t.end()
})

t.test('make release makes the same bytes twice', options, t => {
  const before = readFileSync('dist/release/SHA256SUMS', 'utf8')
  sh('node_modules/.bin/tsx scripts/release/main.ts --release')
  t.equal(readFileSync('dist/release/SHA256SUMS', 'utf8'), before)
  t.end()
})

t.test('podman loads the image and runs every program of it', options, t => {
  inFolder(folder => {
    const run = `podman run --rm --network none ${IMAGE}`
    const commands = `podman load -q -i dist/spiderpool.tar; ${run} spiderpoolctl --version; ${run} spiderpool-agent --version`
    const said = sh(`scripts/podman.sh ${folder} sh -ec '${commands}'`, { CNI_PLUGINS: BIN })
    t.match(said, `Loaded image: ${IMAGE}\nspiderpoolctl ${version} (`)
    t.match(said, `spiderpool-agent ${version} (`)
  })
  t.end()
})

t.test('containerd imports the image for both machines under the chart’s name', options, t => {
  inFolder(folder => {
    const ctr = `ctr -a ${folder}/sock -n k8s.io`
    const wait = `for i in 1 2 3 4 5 6 7 8 9 10; do ${ctr} version >/dev/null 2>&1 && break; sleep 0.5; done`
    const commands = `containerd -c ${folder}/containerd.toml >${folder}/log 2>&1 & P=$!; ${wait}; ${ctr} images import dist/spiderpool.tar >/dev/null; ${ctr} images ls; kill $P`
    const said = sh(`scripts/containerd.sh ${folder} sh -c '${commands}'`, { CNI_PLUGINS: BIN })
    t.match(said, new RegExp(`^${IMAGE} .*linux/amd64,linux/arm64`, 'm'))
  })
  t.end()
})

t.test('executables of the release run on arm64, and on an x86-64 without AVX', options, t => {
  inFolder(folder => {
    sh(`tar xzf dist/release/spiderpool-${version}-linux-arm64.tar.gz -C ${folder}`)
    const libc = sh('scripts/release/libc.sh arm64').trim()
    const qemu = sh('scripts/release/qemu.sh').trim()
    t.match(
      sh(`${qemu}/qemu-aarch64-static -L ${libc} ${folder}/spiderpoolctl --version`),
      `spiderpoolctl ${version} (`,
    )
    sh(`tar xzf dist/release/spiderpool-${version}-linux-amd64.tar.gz -C ${folder}`)
    const old = `${qemu}/qemu-x86_64-static -cpu Nehalem`
    t.match(sh(`CNI_COMMAND=VERSION ${old} ${folder}/spiderpool-ipam`), /^\{"cniVersion":/)
  })
  t.end()
})

t.test('helm and kubectl accept the chart and the CRDs of the release', options, t => {
  const rendered = sh(`scripts/helm.sh template spiderpool dist/release/spiderpool-${version}.tgz -n kube-system`)
  t.match(rendered, `image: spiderpool:${version}`)
  const kinds = parseAllDocuments(readFileSync(`dist/release/spiderpool-crds-${version}.yaml`, 'utf8')).map(one =>
    one.get('kind'),
  )
  t.equal(kinds.length, 8)
  t.ok(kinds.every(kind => kind === 'CustomResourceDefinition'))
  t.end()
})
