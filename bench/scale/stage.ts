// A standalone server over a filled data directory. Runs under Bun.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { SpiderIPPool } from '../../lib/crd/types.js'
import { BIN, accessIn, type Server } from '../stage.js'
import { apiOf } from '../kube/api.js'
import { fillDatabase } from './fill.js'

export interface FilledServer extends Server {
  readonly addressBytes: number
}

/** Addresses, as the pools' status counts them. */
export const counterOf = (pools: readonly SpiderIPPool[]): number =>
  pools.reduce((sum, { status }) => sum + (status?.allocatedIPCount ?? 0), 0)

/** Starts the server; resolves once it answers. */
async function started(folder: string) {
  const kubeconfig = `${folder}/kubeconfig`
  const args = ['--data-dir', `${folder}/data`, '--kubeconfig', kubeconfig, '--no-embedded-controller']
  const child = Bun.spawn([`${BIN}/spiderpool-apiserver`, ...args], { stdout: 'pipe', stderr: 'inherit' })
  const reader = child.stdout.getReader()
  const { value } = await reader.read()
  if (value === undefined) throw new Error(`spiderpool-apiserver of ${accessIn(kubeconfig).server} did not start`)
  reader.releaseLock()
  return { kubeconfig, child }
}

/** A server with N pods, their addresses and records. */
export async function openFilled(pods: number): Promise<FilledServer> {
  const folder = mkdtempSync(`${tmpdir()}/bench-scale-`)
  const first = await started(folder)
  first.child.kill()
  await first.child.exited
  const addressBytes = await fillDatabase(`${folder}/data/state.db`, pods)
  const { kubeconfig, child } = await started(folder)
  return {
    ...{ folder, kubeconfig, addressBytes, ask: apiOf(kubeconfig).ask },
    async close() {
      child.kill()
      await child.exited
      rmSync(folder, { recursive: true })
    },
  }
}
