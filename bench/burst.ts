// 1,000 ADDs by 1,000 processes, 50 at a time, into a pool of exactly 1,000 addresses.
import { quantile, type Row, measure, type Sample } from './measure.js'
import { costs, logOf } from './log.js'
import { BIN, callOf, type Pod, type Stage } from './stage.js'

const PODS = 1000
const AT_ONCE = 50

export async function burst(stage: Stage): Promise<readonly Row[]> {
  await stage.pool('thousand', { subnet: '10.64.0.0/16', ips: ['10.64.1.1-10.64.4.232'] })
  const pods: Pod[] = []
  for (let at = 0; at < PODS; at++) pods.push(await stage.pod(`burst-${at}`, 'thousand'))
  const ipam = { type: 'spiderpool', kubeconfig: stage.kubeconfig, log_level: 'info', log_file_path: logOf(stage) }
  const queue = [...pods]
  const samples: Sample[] = []
  const started = performance.now()
  const worker = async (): Promise<void> => {
    for (let pod = queue.shift(); pod; pod = queue.shift())
      samples.push(
        await measure({
          file: `${BIN}/spiderpool-ipam`,
          ...callOf(stage, { verb: 'ADD', pod, type: 'spiderpool-ipam', ipam }),
        }),
      )
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const totalS = (performance.now() - started) / 1000
  const addresses = new Set(samples.map(({ stdout }) => /"address": "([^"]+)"/.exec(stdout)?.[1]).filter(Boolean))
  const walls = samples.map(({ wallMs }) => wallMs)
  const failures = samples.filter(({ status }) => status !== 0).map(({ stdout }) => stdout)
  for (const stdout of new Set(failures)) console.error(stdout)
  const counted = costs(stage)
  return [
    { what: `${PODS} ADDs, ${AT_ONCE} at a time, total`, value: totalS, unit: 's', bound: '<= 25 s' },
    {
      what: 'ADDs that succeeded',
      value: String(samples.filter(({ status }) => status === 0).length),
      bound: String(PODS),
    },
    { what: 'distinct addresses', value: String(addresses.size), bound: String(PODS) },
    { what: 'one ADD, p50', value: quantile(walls, 0.5), unit: 'ms' },
    { what: 'one ADD, p99', value: quantile(walls, 0.99), unit: 'ms' },
    { what: 'creations that conflicted (409)', value: String(sum(counted.map(({ taken }) => taken))) },
    { what: 'requests', value: String(sum(counted.map(({ requests }) => requests))) },
  ]
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
