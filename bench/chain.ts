// macvlan-wrapper and coordinator one behind the other, as a runtime calls them. Knows no conf of the coordinator's: it is given.
import { measure, median, type Row } from './measure.js'
import { BIN, callOf, masterOf, type Stage } from './stage.js'

const CHAIN_ROUNDS = 15

/** macvlan-wrapper with its IPAM, then coordinator with what it answered; DEL in the other order. */
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
