// The software bill of materials: CycloneDX 1.5 of what the executables and the image contain.
import { createHash } from 'node:crypto'

interface Locked {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly integrity?: string
  readonly license?: string
}
export interface Lock {
  readonly packages: Readonly<Record<string, Locked>>
}

/** A file of a release or of an image, with its SHA-256. */
export interface HashedFile {
  readonly path: string
  readonly sha256: string
}

export interface SbomFacts {
  readonly version: string
  /** RFC 3339. */
  readonly created: string
  readonly license: string
  readonly lock: Lock
  /** The runtime inside each executable. */
  readonly bun: { readonly version: string; readonly integrity: string }
  /** Of Debian, by machine. */
  readonly libc: readonly { readonly machine: string; readonly version: string }[]
  readonly files: readonly HashedFile[]
}

type Component = Readonly<Record<string, unknown>> & { readonly 'bom-ref': string }

const NODE_MODULES = 'node_modules/'

/** npm's integrity `sha512-BASE64` as CycloneDX has hashes. */
function hashesOf(integrity: string | undefined): readonly { readonly alg: string; readonly content: string }[] {
  const [, text] = /^sha512-(.+)$/.exec(integrity ?? '') ?? []
  return text === undefined ? [] : [{ alg: 'SHA-512', content: Buffer.from(text, 'base64').toString('hex') }]
}

/** An expression of SPDX, or a name where npm's text is none. */
const licensesOf = (license: string | undefined): readonly object[] =>
  license === undefined ? [] : [{ expression: license }]

function npmComponents({ packages }: Lock): readonly Component[] {
  return Object.entries(packages)
    .filter(([path, one]) => path.startsWith(NODE_MODULES) && one.dev !== true && one.version !== undefined)
    .map(([path, { version = '', integrity, license }]) => {
      const name = path.slice(path.lastIndexOf(NODE_MODULES) + NODE_MODULES.length)
      const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
      return {
        ...{ type: 'library', 'bom-ref': purl, name, version, purl },
        ...{ hashes: hashesOf(integrity), licenses: licensesOf(license) },
      }
    })
}

/** The document. The same facts make the same bytes: its serial number is a hash of them. */
export function sbomOf(facts: SbomFacts): string {
  const { version, created, license, lock, bun, libc, files } = facts
  const own = { type: 'application', 'bom-ref': 'spiderpool', name: 'spiderpool', version }
  const runtime: Component = {
    ...{ type: 'framework', 'bom-ref': `pkg:npm/bun@${bun.version}`, name: 'bun', version: bun.version },
    ...{ purl: `pkg:npm/bun@${bun.version}`, hashes: hashesOf(bun.integrity), licenses: licensesOf('MIT') },
  }
  const libraries: readonly Component[] = libc.map(({ machine, version }) => {
    const purl = `pkg:deb/debian/libc6@${version}?arch=${machine}&distro=bookworm`
    const licenses = licensesOf('LGPL-2.1-or-later')
    return { type: 'library', 'bom-ref': purl, name: 'libc6', version, purl, licenses }
  })
  const components: readonly Component[] = [runtime, ...npmComponents(lock), ...libraries]
  const hashed = files.map(({ path, sha256 }) => ({
    ...{ type: 'file', 'bom-ref': `file:${path}`, name: path },
    hashes: [{ alg: 'SHA-256', content: sha256 }],
  }))
  const body = {
    metadata: { timestamp: created, component: { ...own, licenses: licensesOf(license) } },
    components: [...components, ...hashed],
    dependencies: [{ ref: 'spiderpool', dependsOn: components.map(one => one['bom-ref']) }],
  }
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(body))}`
  const head = { bomFormat: 'CycloneDX', specVersion: '1.5', serialNumber, version: 1 }
  return `${JSON.stringify({ ...head, ...body }, undefined, 2)}\n`
}

/** A name-based UUID (RFC 9562 5.8, version 8) of the text. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
