// The controller at N addresses, pods and SpiderEndpoints: memory, time to converged, idle writes.
import type { SpiderIPPool } from '../../lib/crd/types.js'
import { counterOf, openFilled } from './stage.js'
import { peakMb, start } from '../controller.js'
import type { Row } from '../measure.js'
import { SPIDER } from '../stage.js'
import { cpuMsOf, residentMbOf } from '../kube/api.js'

const SILENCE_MS = 10_000
const CONVERGED_MS_MAX = 300_000
const POLL_MS = 500
/** The informers' last pages and the first resync of the reconcilers. */
const SETTLE_MS = 5_000

/** Rows for one size. */
export async function controllerAt(pods: number): Promise<readonly Row[]> {
  const server = await openFilled(pods)
  try {
    const running = await start(server)
    try {
      const end = performance.now() + CONVERGED_MS_MAX
      for (;;) {
        const { items } = await server.ask<{ items: readonly SpiderIPPool[] }>('GET', `${SPIDER}/spiderippools`)
        if (counterOf(items) === pods) break
        if (performance.now() > end) throw new Error(`the pools count ${counterOf(items)} of ${pods} addresses`)
        await Bun.sleep(POLL_MS)
      }
      const convergedS = (performance.now() - running.startedMs) / 1000
      const convergedCpuS = cpuMsOf(running.pid) / 1000
      await Bun.sleep(SETTLE_MS)
      const writes = await running.metric('spiderpool_controller_write_counts')
      const cpuBefore = cpuMsOf(running.pid)
      await Bun.sleep(SILENCE_MS)
      const idleWrites = (await running.metric('spiderpool_controller_write_counts')) - writes
      const idleCpu = (100 * (cpuMsOf(running.pid) - cpuBefore)) / SILENCE_MS
      const title = `controller at ${pods} addresses, pods and SpiderEndpoints`
      return [
        { what: `${title}: start to converged`, value: convergedS, unit: 's', bound: '≤ 30 s' },
        { what: 'CPU until then', value: convergedCpuS, unit: 's' },
        { what: 'largest resident set', value: peakMb(running.pid), unit: 'MB', bound: '≤ 400 MB' },
        { what: 'resident set when idle', value: residentMbOf(running.pid, 'VmRSS'), unit: 'MB' },
        {
          what: `writes in ${SILENCE_MS / 1000} s without changes, except to the Lease`,
          value: idleWrites,
          bound: '0',
        },
        { what: 'CPU of one core when idle', value: idleCpu, unit: '%' },
        { what: 'bytes of one SpiderIPAddress, without managedFields', value: server.addressBytes, unit: 'B' },
      ]
    } finally {
      await running.stop()
    }
  } finally {
    await server.close()
  }
}
