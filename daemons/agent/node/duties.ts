// What the agent keeps current on its node: the executables, sysctls, and a kubeconfig where one is
// asked for.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installExecutables, type Verified } from '../../install/executables.js'
import { repeat, SyncLog } from '../../install/sync-log.js'
import { codeOf } from '../../../lib/errors.js'
import type { Log } from '../../../lib/log.js'
import type { NodeDuties } from '../settings.js'
import type { FallbackKubeconfig } from './kubeconfig.js'
import { NODE_SYSCTLS, sysctlToWrite } from './sysctls.js'

export interface DutyDeps {
  readonly duties: NodeDuties
  /** Undefined where no kubeconfig is asked for. */
  readonly fallback: FallbackKubeconfig | undefined
  readonly log: Log
}

/**
 * Does all once, then keeps the files current until the result is called. A failure is logged and
 * tried again: it does not keep the agent from serving.
 */
export async function startDuties({ duties, fallback, log }: DutyDeps): Promise<() => void> {
  const { binFolder, tunesSysctls, sysctlFolder } = duties
  const syncLog = new SyncLog(log)
  const verified: Verified = new Map()
  const compare = async (): Promise<void> => {
    if (binFolder !== '')
      await syncLog.run(binFolder, async () => {
        const stale = await installExecutables(binFolder, verified)
        return stale.length === 0 ? undefined : `installed ${stale.join(', ')} in ${binFolder}`
      })
    if (fallback)
      await syncLog.run(fallback.path, async () => ((await fallback.write()) ? `wrote ${fallback.path}` : undefined))
  }
  if (tunesSysctls) await syncLog.run('the node’s sysctls', () => tune(sysctlFolder))
  await compare()
  return binFolder === '' && fallback === undefined ? () => undefined : repeat(compare)
}

/** Sets what differs. Returns what was set; a sysctl that the kernel lacks is skipped. */
async function tune(folder: string): Promise<string | undefined> {
  const set: string[] = []
  for (const sysctl of NODE_SYSCTLS) {
    const path = join(folder, sysctl.path)
    const value = sysctlToWrite(sysctl, await textAt(path, sysctl.value))
    if (value === undefined) continue
    await writeFile(path, value)
    set.push(`${sysctl.path.replaceAll('/', '.')}=${value}`)
  }
  return set.length === 0 ? undefined : `set ${set.join(', ')}`
}

/** A missing file reads as the wanted value, so that nothing is written. */
async function textAt(path: string, otherwise: number): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return `${otherwise}`
    throw error
  }
}
