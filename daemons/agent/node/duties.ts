// What the agent keeps current on its node: the executables, sysctls, and where they are asked for
// a kubeconfig, Multus' files and a drop-in for NetworkManager.
import { rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { installExecutables, removeExecutables, textIfAny, type Verified } from '../../install/executables.js'
import { repeat, SyncLog } from '../../install/sync-log.js'
import type { Log } from '../../../lib/log.js'
import { removeIfEmpty, type MultusFiles } from '../multus/keep.js'
import type { NodeDuties } from '../settings.js'
import type { AccountKubeconfig } from './kubeconfig.js'
import { dropInOf, hasDropIn, managedSentence, NODE_FOLDERS, writeDropIn } from './network-manager.js'
import { NODE_SYSCTLS, sysctlToWrite } from './sysctls.js'

/** Comparisons from one look at NetworkManager's files to the next: a minute. */
const LOOK_EVERY = 12

export interface DutyDeps {
  readonly duties: NodeDuties
  /** Undefined where no kubeconfig is asked for. */
  readonly fallback: AccountKubeconfig | undefined
  /** Undefined where Multus is installed by others. */
  readonly multus: MultusFiles | undefined
  readonly log: Log
}

/** Ends the comparisons; `uninstalls`: removes what was written. */
export type EndDuties = (uninstalls: boolean) => Promise<void>

/**
 * Does all once, then keeps the files current until the result is called. A failure is logged and
 * tried again: it does not keep the agent from serving.
 */
export async function startDuties(deps: DutyDeps): Promise<EndDuties> {
  const { duties, fallback, multus, log } = deps
  const { binFolder, usesClient, tunesSysctls, sysctlFolder, networkManagerFolder } = duties
  const syncLog = new SyncLog(log)
  const verified: Verified = new Map()
  let comparisons = 0
  let hasWarned = false
  const compare = async (): Promise<void> => {
    if (binFolder !== '')
      await syncLog.run(binFolder, async () => {
        const stale = await installExecutables(binFolder, verified, usesClient)
        return stale.length === 0 ? undefined : `installed ${stale.join(', ')} in ${binFolder}`
      })
    if (fallback)
      await syncLog.run(fallback.path, async () => ((await fallback.write()) ? `wrote ${fallback.path}` : undefined))
    if (networkManagerFolder !== '') {
      const path = dropInOf(networkManagerFolder)
      await syncLog.run(path, async () =>
        (await writeDropIn(networkManagerFolder)) ? `wrote ${path}; run nmcli general reload` : undefined,
      )
    }
    if (comparisons++ % LOOK_EVERY === 0) hasWarned = warnOfNetworkManager(log, hasWarned)
    if (multus) await syncLog.run(multus.path, () => multus.keep()) // last: a node gets Ready by it
  }
  if (tunesSysctls) await syncLog.run('the node’s sysctls', () => tune(sysctlFolder))
  await compare()
  const stop = repeat(compare)
  return async uninstalls => {
    await stop()
    if (uninstalls) await remove(deps, syncLog)
  }
}

/** Warns once while NetworkManager manages links of pods. Returns whether it does. */
function warnOfNetworkManager(log: Log, hasWarned: boolean): boolean {
  const sentence = managedSentence(NODE_FOLDERS)
  if (sentence !== undefined && !hasWarned) log.warn(sentence)
  return sentence !== undefined
}

/** Multus' conf first, so that the runtime starts no pod through what is removed next. */
async function remove({ duties, fallback, multus }: DutyDeps, syncLog: SyncLog): Promise<void> {
  const { binFolder, networkManagerFolder, removes } = duties
  const said = (paths: readonly string[]): string | undefined =>
    paths.length === 0 ? undefined : `removed ${paths.join(', ')}`
  if (multus && removes !== 'nothing') await syncLog.run(multus.path, async () => said(await multus.remove()))
  if (removes !== 'all') return
  if (fallback)
    await syncLog.run(fallback.path, async () => {
      await rm(fallback.path, { force: true })
      await removeIfEmpty(dirname(fallback.path))
      return said([fallback.path])
    })
  if (networkManagerFolder !== '') {
    const path = dropInOf(networkManagerFolder)
    await syncLog.run(path, async () => {
      if (!(await hasDropIn(networkManagerFolder))) return undefined
      await rm(path)
      return said([path])
    })
  }
  if (binFolder !== '') await syncLog.run(binFolder, async () => said(await removeExecutables(binFolder)))
}

/** Sets what differs. Returns what was set; a sysctl that the kernel lacks is skipped. */
async function tune(folder: string): Promise<string | undefined> {
  const set: string[] = []
  for (const sysctl of NODE_SYSCTLS) {
    const path = join(folder, sysctl.path)
    const current = await textIfAny(path)
    const value = current === undefined ? undefined : sysctlToWrite(sysctl, current)
    if (value === undefined) continue
    await writeFile(path, value)
    set.push(`${sysctl.path.replaceAll('/', '.')}=${value}`)
  }
  return set.length === 0 ? undefined : `set ${set.join(', ')}`
}
