// What the image and a release contain, as tables: a new executable or file is a row here.

/** As images and Debian name it. */
export type Machine = 'amd64' | 'arm64'
export const MACHINES: readonly Machine[] = ['amd64', 'arm64']

export const IMAGE_NAME = 'docker.io/library/spiderpool'
export const SOURCE_URL = 'https://github.com/spidernet-io/spiderpool'
export const LICENSE = 'Apache-2.0'
export const TITLE = 'Spiderpool'
export const DESCRIPTION = 'Underlay networking for Kubernetes: CNI plugins, node agent, controller and spiderpoolctl'

export interface ImageFile {
  /** Where it is built or kept: a path of the repository, or of Debian's libc6 for the machine. */
  readonly from: (machine: Machine) => string
  readonly of: 'repository' | 'libc6'
  readonly to: (machine: Machine) => string
  readonly mode: number
}

const LIBRARIES = { amd64: 'lib/x86_64-linux-gnu', arm64: 'lib/aarch64-linux-gnu' } as const
const LOADERS = {
  amd64: { from: 'lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', to: '/lib64/ld-linux-x86-64.so.2' },
  arm64: { from: 'lib/aarch64-linux-gnu/ld-linux-aarch64.so.1', to: '/lib/ld-linux-aarch64.so.1' },
} as const

/** What Bun's executables need of libc6 (`readelf -d`): NEEDED. */
export const LIBC_FILES = ['libc.so.6', 'libpthread.so.0', 'libdl.so.2', 'libm.so.6'] as const

const libc = (name: string): ImageFile => ({
  from: machine => `${LIBRARIES[machine]}/${name}`,
  of: 'libc6',
  to: machine => `/${LIBRARIES[machine]}/${name}`,
  mode: 0o755,
})

/** Every file of the image but /etc/passwd. */
export const IMAGE_FILES: readonly ImageFile[] = [
  {
    from: machine => `dist/executables/${machine}/spiderpool-controller`,
    of: 'repository',
    to: () => '/bin/spiderpool-image',
    mode: 0o755,
  },
  {
    from: machine => `dist/executables/${machine}/spiderpool-client`,
    of: 'repository',
    to: () => '/bin/spiderpool-client',
    mode: 0o755,
  },
  { from: () => 'LICENSE', of: 'repository', to: () => '/usr/share/doc/spiderpool/LICENSE', mode: 0o644 },
  {
    from: () => 'usr/share/doc/libc6/copyright',
    of: 'libc6',
    to: () => '/usr/share/doc/libc6/copyright',
    mode: 0o644,
  },
  { from: machine => LOADERS[machine].from, of: 'libc6', to: machine => LOADERS[machine].to, mode: 0o755 },
  ...LIBC_FILES.map(libc),
]

export const ENTRYPOINT = ['/bin/spiderpool-image']
