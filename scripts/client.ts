// Builds the client of the node agent: dist/client, laid out as /opt/cni/bin of a node is. Runs
// under Bun, after scripts/build.ts; `--release`: for every platform, into dist/executables.
import { chmodSync, existsSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENT_FILE, CNI_NAMES, FULL_IMAGE } from '../daemons/install/plan.js'
import { plugin as coordinator } from '../plugins/coordinator/main.js'
import { plugin as ifacer } from '../plugins/ifacer/main.js'
import { plugin as macvlanWrapper } from '../plugins/macvlan-wrapper/main.js'
import { plugin as spiderpoolIpam } from '../plugins/spiderpool-ipam/main.js'

const ROOT = join(import.meta.dir, '..')
const DIST = join(ROOT, 'dist')

const versions = Object.fromEntries(
  [coordinator, ifacer, macvlanWrapper, spiderpoolIpam].map(one => [one.name, one.versions]),
)

/** The client as one script without modules, which QuickJS compiles. */
async function bundle(file: string): Promise<void> {
  const made = await Bun.build({
    entrypoints: [join(ROOT, 'client/main.ts')],
    target: 'browser',
    format: 'iife',
    minify: true,
    define: { PLUGIN_VERSIONS: JSON.stringify(versions) },
    plugins: [
      {
        name: 'node:fs of the client',
        setup: build => {
          build.onResolve({ filter: /^node:fs$/ }, () => ({ path: join(ROOT, 'client/fs.ts') }))
        },
      },
    ],
  })
  const [script] = made.outputs
  if (script === undefined) throw new Error(`client/main.ts cannot be bundled: ${made.logs.join('\n')}`)
  writeFileSync(file, await script.text())
}

/** @throws Error where the compiler cannot be had or refuses */
async function compile(machine: 'x86_64' | 'aarch64', out: string): Promise<void> {
  const script = join(DIST, `.client-${machine}.js`)
  await bundle(script)
  const made = Bun.spawnSync([join(ROOT, 'scripts/client.sh'), machine, script, out], {
    stdout: 'inherit',
    stderr: 'inherit',
  })
  rmSync(script)
  if (made.exitCode !== 0) throw new Error(`scripts/client.sh ${machine} failed with status ${made.exitCode}`)
  chmodSync(out, 0o755)
}

function link(file: string, path: string): void {
  rmSync(`${path}.new`, { force: true })
  linkSync(file, `${path}.new`)
  renameSync(`${path}.new`, path)
  rmSync(`${path}.new`, { force: true }) // rename(2) of two links of one inode leaves both
}

const NO_CLIENT =
  'client: the client of the node agent is not built, and the executables work without it, only slower; what is missing is above'

async function build(): Promise<void> {
  mkdirSync(DIST, { recursive: true })
  const client = join(DIST, CLIENT_FILE)
  try {
    await compile('x86_64', client)
  } catch (error) {
    console.error(`${NO_CLIENT} (${error instanceof Error ? error.message : String(error)})`)
    for (const stale of [client, join(DIST, 'bin', CLIENT_FILE), join(DIST, 'client')])
      rmSync(stale, { recursive: true, force: true })
    return
  }
  mkdirSync(join(DIST, 'client'), { recursive: true })
  link(client, join(DIST, 'bin', CLIENT_FILE))
  for (const name of CNI_NAMES) link(client, join(DIST, 'client', name))
  link(join(DIST, 'image'), join(DIST, 'client', FULL_IMAGE))
}

const MACHINES = { amd64: 'x86_64', arm64: 'aarch64' } as const

/** @throws Error where a client cannot be built: a release is whole */
async function release(): Promise<void> {
  for (const [folder, machine] of Object.entries(MACHINES)) {
    const executables = join(DIST, 'executables', folder)
    if (!existsSync(executables))
      throw new Error(`there is no ${executables}; scripts/release/main.ts runs scripts/build.ts --release first`)
    await compile(machine, join(executables, CLIENT_FILE))
  }
}

await (process.argv.includes('--release') ? release() : build())
