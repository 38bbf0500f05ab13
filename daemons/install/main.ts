// spiderpool-install: brings the CNI executables onto its node, and the kubeconfig that they use. Knows files and signals; what it writes, plan.ts says.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { logTo, type Log } from '../../lib/log.js'
import { VERSION_TEXT } from '../../lib/version.js'
import { CNI_NAMES, kubeconfigOf, settingsOf, USAGE, type Settings } from './plan.js'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const IMAGE = '/proc/self/exe'
/** A bound token lives an hour and is renewed by the kubelet well before. */
const LOOK_MS = 10_000
/** What is written aside; the kernel shows the new file under its name or the old one, never a part. */
const ASIDE = '.spiderpool-install.'

/** Readers see the old file or the whole new one: written aside, on disk, then renamed. */
function replace(path: string, content: string, mode: number): void {
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, content, { mode })
  chmodSync(aside, mode)
  sync(aside)
  renameSync(aside, path)
}

function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** The names in the folder that are not this image. Links to one inode are read once. */
function staleIn(folder: string): readonly string[] {
  const size = statSync(IMAGE).size
  const known = new Map<number, boolean>()
  return CNI_NAMES.filter(name => {
    const there = statSync(join(folder, name), { throwIfNoEntry: false })
    if (there?.size !== size || (there.mode & 0o111) === 0) return true
    const isSame = known.get(there.ino) ?? readFileSync(IMAGE).equals(readFileSync(join(folder, name)))
    known.set(there.ino, isSame)
    return !isSame
  })
}

/**
 * One copy of this image, and a hard link for each name. A name that is in use keeps its old inode until its processes end, so a pod that starts
 * meanwhile runs the old executable or the new one. Returns the names that were changed.
 */
function installExecutables(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true })
  for (const left of readdirSync(folder).filter(name => name.startsWith(ASIDE))) rmSync(join(folder, left))
  const stale = staleIn(folder)
  if (stale.length === 0) return []
  const image = join(folder, `${ASIDE}image`)
  copyFileSync(IMAGE, image)
  chmodSync(image, 0o755)
  sync(image)
  for (const name of CNI_NAMES) {
    const aside = join(folder, `${ASIDE}${name}`)
    linkSync(image, aside)
    renameSync(aside, join(folder, name))
  }
  rmSync(image)
  sync(folder)
  return CNI_NAMES
}

/** The kubeconfig, where its token is another than the one that was written last. Returns the token. */
function writeKubeconfig(folder: string, written: string | undefined): string {
  const token = readFileSync(join(ACCOUNT, 'token'), 'utf8').trim()
  if (token === written) return token
  const at = join(folder, 'spiderpool.d')
  mkdirSync(at, { recursive: true, mode: 0o700 })
  const ca = readFileSync(join(ACCOUNT, 'ca.crt'), 'utf8')
  replace(join(at, 'spiderpool.kubeconfig'), kubeconfigOf({ token, ca }, process.env), 0o600)
  return token
}

function install({ binFolder, confFolder }: Settings, log: Log): string {
  const token = writeKubeconfig(confFolder, undefined)
  log.info(`wrote ${join(confFolder, 'spiderpool.d/spiderpool.kubeconfig')}`)
  const changed = installExecutables(binFolder)
  log.info(changed.length === 0 ? `${binFolder} is up to date` : `installed ${changed.join(', ')} in ${binFolder}`)
  return token
}

/** Until a signal: looks whether the token is another, and says so in the log. */
async function keepFresh(settings: Settings, first: string, log: Log): Promise<void> {
  let token = first
  const timer = setInterval(() => {
    try {
      const next = writeKubeconfig(settings.confFolder, token)
      if (next !== token) log.info('the token was renewed; wrote the kubeconfig again')
      token = next
    } catch (error) {
      log.error(`the kubeconfig could not be renewed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }, LOOK_MS)
  await new Promise<void>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  clearInterval(timer)
}

export async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) return void writeSync(1, USAGE)
  try {
    const settings = settingsOf(argv, process.env)
    const log = logTo(line => void writeSync(1, line), 'info')
    log.info(`${VERSION_TEXT} begins`)
    const token = install(settings, log)
    if (!settings.isOnce) await keepFresh(settings, token, log)
  } catch (error) {
    writeSync(2, `spiderpool-install: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
