// What one ADD and one DEL cost the API server: requests and bytes of bodies, as the client counts.
import { measure, median, type Row } from './measure.js'
import { costs, logOf } from './log.js'
import { BIN, callOf, type Stage } from './stage.js'

const ROUNDS = 9

export async function traffic(stage: Stage): Promise<readonly Row[]> {
  await stage.pool('traffic', { subnet: '10.97.0.0/24', ips: ['10.97.0.10-10.97.0.250'], gateway: '10.97.0.1' })
  const ipam = { type: 'spiderpool', kubeconfig: stage.kubeconfig, log_level: 'info', log_file_path: logOf(stage) }
  for (let round = 0; round < ROUNDS; round++) {
    const pod = await stage.pod(`traffic-${round}`, 'traffic')
    const call = (verb: string) => ({
      file: `${BIN}/spiderpool-ipam`,
      ...callOf(stage, { verb, pod, type: 'spiderpool-ipam', ipam }),
    })
    await measure(call('ADD'))
    await stage.ask('DELETE', `/api/v1/namespaces/default/pods/${pod.name}?gracePeriodSeconds=0`)
    await measure(call('DEL'))
  }
  const all = costs(stage)
  return ['ADD', 'DEL'].flatMap(verb => {
    const own = all.filter(({ command }) => command === verb)
    return [
      { what: `requests per ${verb}`, value: String(median(own.map(({ requests }) => requests))) },
      { what: `bytes sent per ${verb}`, value: String(median(own.map(({ sent }) => sent))), unit: 'B' },
      { what: `bytes received per ${verb}`, value: String(median(own.map(({ received }) => received))), unit: 'B' },
    ]
  })
}
