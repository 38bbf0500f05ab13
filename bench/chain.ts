// macvlan-wrapper and coordinator chained as a runtime chains them; the caller passes the conf.
import { measure, median, type Row } from './measure.js'
import { BIN, callOf, masterOf, type Stage } from './stage.js'

const CHAIN_ROUNDS = 15

/** macvlan-wrapper with its IPAM, then coordinator with its result; DEL in reverse order. */
export async function chain(stage: Stage, conf: (prevResult: object) => string): Promise<readonly Row[]> {
  Bun.spawnSync(['ip', 'addr', 'add', '10.99.0.1/24', 'dev', masterOf()])
  await stage.pool('chain', { subnet: '10.99.0.0/24', ips: ['10.99.0.10-10.99.0.250'], gateway: '10.99.0.1' })
  const walls: number[] = []
  for (let round = 0; round < CHAIN_ROUNDS; round++) {
    const pod = await stage.pod(`chain-${round}`, 'chain')
    const macvlan = (verb: string) => callOf(stage, { verb, pod, type: 'macvlan-wrapper' })
    const first = await measure({ file: `${BIN}/macvlan-wrapper`, ...macvlan('ADD') })
    const after = (verb: string) => ({
      file: `${BIN}/coordinator`,
      env: { ...macvlan(verb).env },
      stdin: conf(JSON.parse(first.stdout) as object),
    })
    const second = await measure(after('ADD'))
    if (second.status !== 0) throw new Error(`coordinator ADD: ${second.stdout}`)
    walls.push(first.wallMs + second.wallMs)
    await measure(after('DEL'))
    await measure({ file: `${BIN}/macvlan-wrapper`, ...macvlan('DEL') })
  }
  return [{ what: 'macvlan-wrapper + coordinator ADD, wall', value: median(walls), unit: 'ms', bound: '<= 60 ms' }]
}
