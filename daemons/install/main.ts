// spiderpool-install: installs the CNI executables and their kubeconfig on its node, and keeps them
// current, where no node agent does.
import { writeSync } from 'node:fs'
import { messageOf } from '../../lib/errors.js'
import { logTo, type Log } from '../../lib/log.js'
import { VERSION_TEXT } from '../../lib/version.js'
import { installExecutables, type Verified } from './executables.js'
import { accountHere, kubeconfigIn, writeKubeconfig } from './kubeconfig.js'
import { kubeconfigOf, settingsOf, USAGE, type InstallSettings } from './plan.js'
import { repeat, SyncLog } from './sync-log.js'

const writeAccount = async (confFolder: string): Promise<boolean> =>
  writeKubeconfig(
    kubeconfigIn(confFolder),
    kubeconfigOf(await accountHere('spiderpool-install'), process.env),
    process.pid,
  )

async function install(
  { binFolder, confFolder, usesClient }: InstallSettings,
  verified: Verified,
  log: Log,
): Promise<void> {
  const isWritten = await writeAccount(confFolder)
  log.info(isWritten ? `wrote ${kubeconfigIn(confFolder)}` : `${kubeconfigIn(confFolder)} is up to date`)
  const stale = await installExecutables(binFolder, verified, usesClient)
  log.info(stale.length === 0 ? `${binFolder} is up to date` : `installed ${stale.join(', ')} in ${binFolder}`)
}

/** Restores what was deleted, replaced or renewed, until a signal. */
async function keepCurrent(
  { binFolder, confFolder, usesClient }: InstallSettings,
  verified: Verified,
  log: Log,
): Promise<void> {
  const syncLog = new SyncLog(log)
  const path = kubeconfigIn(confFolder)
  const stop = repeat(async () => {
    await syncLog.run(path, async () => ((await writeAccount(confFolder)) ? `wrote ${path} again` : undefined))
    await syncLog.run(binFolder, async () => {
      const stale = await installExecutables(binFolder, verified, usesClient)
      return stale.length === 0 ? undefined : `restored ${stale.join(', ')} in ${binFolder}`
    })
  })
  await new Promise<void>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  await stop()
}

export async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) return void writeSync(1, USAGE)
  try {
    const settings = settingsOf(argv, process.env)
    const log = logTo(line => void writeSync(1, line), 'info')
    log.info(`${VERSION_TEXT} begins`)
    const verified: Verified = new Map()
    await install(settings, verified, log)
    if (!settings.isOnce) await keepCurrent(settings, verified, log)
  } catch (error) {
    writeSync(2, `spiderpool-install: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
