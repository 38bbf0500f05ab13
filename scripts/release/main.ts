// `make image` and `make release`: the image of every machine, its bill of materials, and all files
// of a release. It needs no network once npm's packages, Bun's arm64 and Debian's libc6 are there.
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as contents from './contents.js'
import { layoutOf, sha256, type Layout } from './oci.js'
import { sbomOf, type HashedFile, type Lock } from './sbom.js'

/** Larger than the executables of all machines. */
const TAR_BYTES_MAX = 1 << 30
const ROOT = join(import.meta.dirname, '../..')
const at = (path: string): string => join(ROOT, path)
const run = (file: string, ...args: readonly string[]): string =>
  execFileSync(file, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()

interface Version {
  readonly version: string
  readonly revision: string
  /** RFC 3339, of the commit. */
  readonly created: string
}

function versionOf(): Version {
  const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { version: string }
  const isDirty = run('git', 'status', '--porcelain', '-uno') !== ''
  const created = new Date(Number(run('git', 'log', '-1', '--format=%ct')) * 1000).toISOString()
  return { version, revision: run('git', 'rev-parse', 'HEAD') + (isDirty ? '-dirty' : ''), created }
}

/** A tar of a folder whose bytes are those of names, modes and contents. */
function tarOf(folder: string, ...more: readonly string[]): Buffer {
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar']
  return execFileSync('tar', [...fixed, ...more, '-C', folder, '-cf', '-', '.'], { maxBuffer: TAR_BYTES_MAX })
}

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'spiderpool-release-'))
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Root {
  readonly tar: Buffer
  readonly files: readonly HashedFile[]
}

/** The file system of the image. */
function rootOf(machine: contents.Machine, libc: string): Root {
  return inFolder(folder => {
    const put = (path: string, bytes: Uint8Array | string, mode: number): void => {
      mkdirSync(join(folder, dirname(path)), { recursive: true, mode: 0o755 })
      writeFileSync(join(folder, path), bytes)
      chmodSync(join(folder, path), mode)
    }
    mkdirSync(join(folder, 'tmp'))
    chmodSync(join(folder, 'tmp'), 0o1777)
    chmodSync(folder, 0o755)
    put('etc/passwd', 'root:x:0:0::/:\n', 0o644)
    const files = contents.IMAGE_FILES.map(({ from, of, to, mode }) => {
      const bytes = readFileSync(of === 'libc6' ? join(libc, from(machine)) : at(from(machine)))
      put(to(machine), bytes, mode)
      return { path: `image/linux-${machine}${to(machine)}`, sha256: sha256(bytes) }
    })
    return { tar: tarOf(folder), files }
  })
}

/** Of Debian's changelog: `glibc (2.36-9+deb12u14) bookworm; …`. */
function libcVersion(folder: string): string {
  const text = run('gzip', '-cd', join(folder, 'usr/share/doc/libc6/changelog.Debian.gz'))
  return /^glibc \(([^)]+)\)/.exec(text)?.[1] ?? 'unknown'
}

function writeLayout(folder: string, layout: Layout): void {
  rmSync(folder, { recursive: true, force: true })
  for (const [path, bytes] of layout) {
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
}

/** dist/oci, dist/spiderpool.tar (the same as one file) and dist/spiderpool.cdx.json. */
function image({ version, revision, created }: Version): void {
  const libcs = contents.MACHINES.map(machine => ({ machine, folder: run(at('scripts/release/libc.sh'), machine) }))
  const roots = libcs.map(({ machine, folder }) => ({ machine, ...rootOf(machine, folder) }))
  const label = (name: string, value: string): readonly [string, string] => [`org.opencontainers.image.${name}`, value]
  const labels = Object.fromEntries([
    ...[label('title', contents.TITLE), label('description', contents.DESCRIPTION)],
    ...[label('version', version), label('revision', revision), label('created', created)],
    ...[label('licenses', contents.LICENSE), label('source', contents.SOURCE_URL)],
  ])
  const facts = { name: `${contents.IMAGE_NAME}:${version}`, entrypoint: contents.ENTRYPOINT, created, labels }
  writeLayout(at('dist/oci'), layoutOf(facts, Object.fromEntries(roots.map(({ machine, tar }) => [machine, tar]))))
  writeFileSync(at('dist/spiderpool.tar'), tarOf(at('dist/oci')))
  const lock = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')) as Lock
  const bun = lock.packages['node_modules/bun']
  const sbom = sbomOf({
    ...{ version, created, license: contents.LICENSE, lock, files: roots.flatMap(({ files }) => files) },
    bun: { version: bun?.version ?? 'unknown', integrity: bun?.integrity ?? '' },
    libc: libcs.map(({ machine, folder }) => ({ machine, version: libcVersion(folder) })),
  })
  writeFileSync(at('dist/spiderpool.cdx.json'), sbom)
  console.log(
    `image ${facts.name} for ${contents.MACHINES.join(', ')}: dist/oci, dist/spiderpool.tar, dist/spiderpool.cdx.json`,
  )
}

/** Every file of a release, in dist/release, with SHA256SUMS. */
function release({ version }: Version): void {
  const folder = at('dist/release')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const to = (name: string): string => join(folder, name)
  cpSync(at('dist/spiderpool.tar'), to(`spiderpool-image-${version}.tar`))
  cpSync(at('dist/spiderpool.cdx.json'), to(`spiderpool-${version}.cdx.json`))
  for (const machine of contents.MACHINES)
    writeFileSync(
      to(`spiderpool-${version}-linux-${machine}.tar.gz`),
      gzipSync(tarOf(at(`dist/executables/${machine}`))),
    )
  writeFileSync(to(`spiderpool-${version}.tgz`), chartArchive())
  const crds = readdirSync(at('schemas/crds')).filter(name => name.endsWith('.yaml'))
  const texts = crds.sort().map(name => readFileSync(at(`schemas/crds/${name}`), 'utf8').trim())
  writeFileSync(to(`spiderpool-crds-${version}.yaml`), `${texts.join('\n---\n')}\n`)
  cpSync(at('deploy/spiderpool.yaml'), to(`spiderpool-${version}.yaml`))
  const sums = readdirSync(folder)
    .sort()
    .map(name => `${sha256(readFileSync(to(name)))}  ${name}`)
  writeFileSync(to('SHA256SUMS'), `${sums.join('\n')}\n`)
  console.log(sums.join('\n'))
}

/** The chart's archive, not by `helm package`, which writes the time into it. */
function chartArchive(): Buffer {
  run(at('scripts/helm.sh'), 'lint', '--strict', 'charts/spiderpool')
  return inFolder(folder => {
    cpSync(at('charts/spiderpool'), join(folder, 'spiderpool'), { recursive: true })
    return gzipSync(tarOf(folder, '--mode=u=rwX,go=rX', '--transform=s,^\\./,,'))
  })
}

const version = versionOf()
if (process.argv.includes('--chart')) {
  writeFileSync(at(`dist/spiderpool-${version.version}.tgz`), chartArchive())
} else {
  run(at('scripts/bun.sh'), 'scripts/build.ts', '--release')
  run(at('scripts/bun.sh'), 'scripts/client.ts', '--release')
  image(version)
  if (process.argv.includes('--release')) release(version)
}
