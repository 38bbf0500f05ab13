// ifacer's log: where it goes, what a line says of a call, and which level is refused by which
// verb.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { CniError } from '../../../lib/cni/error.js'
import type { Call } from '../../../lib/cni/plugin.js'
import { accepts, type IfacerConf } from '../../../plugins/ifacer/config.js'
import { fieldsOf, stepsOf, logged } from '../../../plugins/ifacer/log.js'
import { nodeEnv } from '../../fixtures/node-config.js'
import { VERSION } from '../../../lib/version.js'
import { up } from '../../../plugins/ifacer/ownership.js'

const callOf = (command: string, logOptions: object): Call<IfacerConf> => ({
  command,
  containerID: 'c1',
  netns: '/run/netns/p',
  ifName: 'net1',
  args: new Map([
    ['K8S_POD_NAME', 'p'],
    ['K8S_POD_NAMESPACE', 'ns'],
  ]),
  env: nodeEnv(),
  path: [],
  cniVersion: '1.0.0',
  name: 'vlan100',
  config: accepts({ interfaces: ['eth1'], vlanID: 5, logOptions }, command),
  stdin: '',
  prevResult: undefined,
  validAttachments: [],
})
const linesOf = (file: string): readonly object[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as object)

const OF = { version: VERSION, command: 'ADD', network: 'vlan100', containerID: 'c1', ifName: 'net1', pod: 'ns/p' }

t.test('logged() logs the error of a call and rethrows it', async t => {
  const logFile = `${t.testdir()}/a/ifacer.log`
  const work = (): never => {
    throw new CniError('internal', 'no such link')
  }
  await t.rejects(logged(callOf('ADD', { logFile }), 'no links made', work), { message: 'no such link' })
  const [line] = linesOf(logFile)
  t.match(line, { level: 'ERROR', msg: 'no links made', error: /no such link/, ...OF })
})

t.test('logged() writes the steps, unless the level is higher', async t => {
  const logFile = `${t.testdir()}/ifacer.log`
  for (const logLevel of ['INFO', 'warn']) {
    const call = callOf('ADD', { logFile, logLevel })
    await logged(call, '', log => log.info('links made', { ...fieldsOf(call), steps: stepsOf([up('eth1.5')]) }))
  }
  const lines = linesOf(logFile)
  t.equal(lines.length, 1)
  t.match(lines[0], { level: 'INFO', msg: 'links made', steps: ['setUp eth1.5'], ...OF })
})

t.test('logged() rejects an unknown level, except for DEL and GC', async t => {
  const logFile = `${t.testdir()}/ifacer.log`
  for (const command of ['ADD', 'CHECK', 'STATUS'])
    await t.rejects(
      logged(callOf(command, { logFile, logLevel: 'loud' }), '', () => 0),
      { message: 'unsupported log level loud' },
    )
  for (const command of ['DEL', 'GC'])
    t.equal(await logged(callOf(command, { logFile, logLevel: 'loud' }), '', () => 1), 1)
})

t.test('accepts() of DEL takes the log file and ignores what ADD rejects', async t => {
  t.equal(accepts({ interfaces: [], logOptions: { logFile: '/x' } }, 'DEL').log.file, '/x')
  for (const raw of [{ interfaces: 7 }, { logOptions: 7 }, null, 'x'])
    t.equal(accepts(raw, 'DEL').log.file, '/var/log/spidernet/ifacer.log', JSON.stringify(raw))
})
