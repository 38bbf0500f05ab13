// The OCI layout of the image, and the bill of materials, from small inputs.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { LIBC_FILES, IMAGE_FILES, MACHINES } from '../../scripts/release/contents.js'
import { layoutOf, sha256, type Descriptor, type Layout } from '../../scripts/release/oci.js'
import { sbomOf, type Lock } from '../../scripts/release/sbom.js'

const labels = { 'org.opencontainers.image.version': '1.2.3', 'org.opencontainers.image.licenses': 'Apache-2.0' }
const facts = {
  ...{ name: 'docker.io/library/spiderpool:1.2.3', entrypoint: ['/bin/x'], created: '2026-01-01T00:00:00.000Z' },
  labels,
}
const layers = { amd64: Buffer.from('a tar'), arm64: Buffer.from('another tar') }

interface Json {
  readonly mediaType?: string
  readonly manifests?: readonly Descriptor[]
  readonly layers?: readonly Descriptor[]
  readonly config?: Descriptor & { readonly Entrypoint?: readonly string[]; readonly Labels?: object }
  readonly rootfs?: { readonly diff_ids: readonly string[] }
  readonly architecture?: string
}
function blobOf(layout: Layout, { digest, size }: Descriptor): Buffer {
  const bytes = Buffer.from(layout.get(`blobs/sha256/${digest.replace('sha256:', '')}`) ?? [])
  if (bytes.length !== size || `sha256:${sha256(bytes)}` !== digest) throw new Error(`${digest} is not in the layout`)
  return bytes
}
const jsonOf = (layout: Layout, one: Descriptor): Json => JSON.parse(blobOf(layout, one).toString()) as Json

t.test('layoutOf() has one index whose manifests, configs and layers exist', t => {
  const layout = layoutOf(facts, layers)
  t.strictSame(JSON.parse(String(layout.get('oci-layout'))), { imageLayoutVersion: '1.0.0' })
  const top = JSON.parse(String(layout.get('index.json'))) as Json
  const [named] = top.manifests ?? []
  t.equal(top.manifests?.length, 1)
  t.strictSame(Object.values(named?.annotations ?? {}), [facts.name, facts.name])
  const index = jsonOf(layout, named as Descriptor)
  t.strictSame(
    index.manifests?.map(({ platform }) => platform),
    [
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ],
  )
  for (const descriptor of index.manifests ?? []) {
    const architecture = descriptor.platform?.architecture as keyof typeof layers
    const manifest = jsonOf(layout, descriptor)
    const config = jsonOf(layout, manifest.config as Descriptor)
    t.match(config, { architecture, os: 'linux', config: { Entrypoint: ['/bin/x'], Labels: labels } })
    const tar = gunzipSync(blobOf(layout, manifest.layers?.[0] as Descriptor))
    t.strictSame(tar, layers[architecture])
    t.strictSame(config.rootfs?.diff_ids, [`sha256:${sha256(tar)}`])
  }
  t.equal(layout.size, 2 + 1 + 3 * MACHINES.length, 'nothing else')
  t.end()
})

t.test('layoutOf() of the same input has the same bytes', t => {
  t.strictSame([...layoutOf(facts, layers)], [...layoutOf(facts, layers)])
  t.end()
})

t.test('the image has the libraries that an executable of Bun loads, for each machine', t => {
  for (const machine of MACHINES) {
    const paths = IMAGE_FILES.map(({ to }) => to(machine))
    t.strictSame([...new Set(paths)], paths, `${machine}: each path once`)
    for (const name of LIBC_FILES)
      t.ok(
        paths.some(path => path.endsWith(`/${name}`)),
        `${machine}: ${name}`,
      )
    t.ok(
      paths.some(path => path.includes('/ld-linux-')),
      `${machine}: the loader`,
    )
  }
  t.end()
})

interface Sbom {
  readonly bomFormat: string
  readonly specVersion: string
  readonly serialNumber: string
  readonly components: readonly { readonly name: string; readonly 'bom-ref': string; readonly version?: string }[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock
const sbomFacts = {
  ...{ version: '1.2.3', created: facts.created, license: 'Apache-2.0', lock },
  bun: { version: '1.4.5', integrity: '' },
  libc: MACHINES.map(machine => ({ machine, version: '2.36' })),
  files: [{ path: 'image/x', sha256: 'a'.repeat(64) }],
}

t.test('sbomOf() lists each dependency of package.json, Bun, libc6 and the files', t => {
  const text = sbomOf(sbomFacts)
  const sbom = JSON.parse(text) as Sbom
  t.match(sbom, { bomFormat: 'CycloneDX', specVersion: '1.5' })
  t.match(sbom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object }
  const names = sbom.components.map(({ name }) => name)
  for (const name of [...Object.keys(dependencies), 'bun', 'libc6', 'image/x']) t.ok(names.includes(name), name)
  t.notOk(names.includes('typescript'), 'no tool of development')
  const refs = sbom.components.map(one => one['bom-ref'])
  t.strictSame([...new Set(refs)], refs, 'each reference once')
  for (const ref of sbom.dependencies[0]?.dependsOn ?? []) t.ok(refs.includes(ref), ref)
  t.equal(sbomOf(sbomFacts), text, 'the same twice')
  t.not(sbomOf({ ...sbomFacts, version: '1.2.4' }).slice(0, 200), text.slice(0, 200), 'another serial number')
  t.end()
})
