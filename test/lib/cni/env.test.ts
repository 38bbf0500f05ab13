// The environment of each verb: required variables, missing ones, and the order of errors.
import t from 'tap'
import { checkEnv, checkNetworkName } from '../../../lib/cni/env.js'
import { CniError } from '../../../lib/cni/error.js'
import { ENV } from './call.js'

const refusal = (work: () => void): { code: number; message: string; details: string } | undefined => {
  try {
    work()
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    return { code: error.code, message: error.message, details: error.details }
  }
  return undefined
}

const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  GC: ['CNI_PATH'],
  STATUS: ['CNI_PATH'],
  UPDATE: [],
}
const OPTIONAL = ['CNI_ARGS', 'CNI_NETNS_OVERRIDE']

t.test('checkEnv() requires variables per verb', t => {
  for (const [verb, required] of Object.entries(REQUIRED)) {
    const env = { ...ENV, CNI_COMMAND: verb, CNI_ARGS: 'a=b', CNI_NETNS_OVERRIDE: '1' }
    t.strictSame(
      refusal(() => checkEnv(env)),
      undefined,
      `${verb} with everything`,
    )
    for (const name of [...Object.keys(ENV), ...OPTIONAL].filter(name => name !== 'CNI_COMMAND'))
      for (const [how, value] of [
        ['unset', undefined],
        ['empty', ''],
      ] as const) {
        const message = `required env variables [${name}] missing`
        t.strictSame(
          refusal(() => checkEnv({ ...env, [name]: value })),
          required.includes(name) ? { code: 4, message, details: '' } : undefined,
          `${verb} with ${name} ${how}`,
        )
      }
    t.strictSame(
      refusal(() => checkEnv({ CNI_COMMAND: verb }))?.message,
      required.length === 0 ? undefined : `required env variables [${required.join(',')}] missing`,
      `${verb} with nothing else lists all missing variables, in the order of the table`,
    )
  }

  t.strictSame(
    refusal(() => checkEnv({})),
    { code: 4, message: 'required env variables [CNI_COMMAND] missing', details: '' },
    'without a verb only the verb is missing',
  )
  t.end()
})

const LONG = 'interface name is too long'
const TELLS_LENGTH = 'interface name should be less than 16 characters'
const SIGNS = 'interface name contains / or : or whitespace characters'

const BAD: readonly [string, string, string, string][] = [
  ['CNI_CONTAINERID', 'a/b', 'invalid characters in containerID', 'a/b'],
  ['CNI_CONTAINERID', '-a', 'invalid characters in containerID', '-a'],
  ['CNI_CONTAINERID', 'ä', 'invalid characters in containerID', 'ä'],
  ['CNI_CONTAINERID', 'a\n', 'invalid characters in containerID', 'a\n'],
  ['CNI_IFNAME', '0123456789abcdef', LONG, TELLS_LENGTH],
  ['CNI_IFNAME', 'ä'.repeat(8), LONG, TELLS_LENGTH], // 16 bytes
  ['CNI_IFNAME', '.', 'interface name is . or ..', ''],
  ['CNI_IFNAME', '..', 'interface name is . or ..', ''],
  ['CNI_IFNAME', 'a/b', SIGNS, ''],
  ['CNI_IFNAME', 'a:b', SIGNS, ''],
  ['CNI_IFNAME', 'a b', SIGNS, ''],
  ['CNI_IFNAME', 'a\tb', SIGNS, ''],
  ['CNI_IFNAME', 'a\u0085b', SIGNS, ''],
  ['CNI_IFNAME', 'a\u00a0b', SIGNS, ''],
  ['CNI_IFNAME', 'a\u2028b', SIGNS, ''],
]

t.test('checkEnv() checks required variables only', t => {
  for (const [name, value, message, details] of BAD) {
    for (const verb of ['ADD', 'DEL', 'CHECK'])
      t.strictSame(
        refusal(() => checkEnv({ ...ENV, CNI_COMMAND: verb, [name]: value })),
        { code: 4, message, details },
        `${verb} refuses ${name} ${encodeURIComponent(value)}`,
      )
    for (const verb of ['GC', 'STATUS'])
      t.strictSame(
        refusal(() => checkEnv({ ...ENV, CNI_COMMAND: verb, [name]: value })),
        undefined,
        `${verb} does not look at ${name}`,
      )
  }
  t.end()
})

const GOOD: readonly [string, string][] = [
  ['CNI_CONTAINERID', 'a'],
  ['CNI_CONTAINERID', '0'],
  ['CNI_CONTAINERID', `a${'.-_9Z'.repeat(200)}`],
  ['CNI_IFNAME', '0123456789abcde'],
  ['CNI_IFNAME', '...'],
  ['CNI_IFNAME', 'ä'.repeat(7)],
  ['CNI_IFNAME', 'eth0.100@x'],
  ['CNI_IFNAME', 'a\ufeffb'], // no white space to Unicode, though to JavaScript
]

t.test('checkEnv() takes what kernel and spec allow', t => {
  for (const [name, value] of GOOD)
    t.strictSame(
      refusal(() => checkEnv({ ...ENV, [name]: value })),
      undefined,
      `${name} ${encodeURIComponent(value).slice(0, 40)} is good`,
    )
  t.end()
})

t.test('checkEnv() reports the first invalid value before missing variables', t => {
  t.strictSame(
    refusal(() => checkEnv({ CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'a/b', CNI_IFNAME: '..' }))?.message,
    'invalid characters in containerID',
    'the first invalid value, before missing variables',
  )
  t.strictSame(
    refusal(() => checkEnv({ CNI_COMMAND: 'ADD', CNI_IFNAME: '..' }))?.message,
    'interface name is . or ..',
    'a wrong value wins over one that is missing before it',
  )
  t.end()
})

const NAMES: readonly [string, { code: number; message: string; details: string } | undefined][] = [
  ['', { code: 7, message: 'missing network name', details: '' }],
  ['a b', { code: 7, message: 'invalid characters found in network name', details: 'a b' }],
  ['_a', { code: 7, message: 'invalid characters found in network name', details: '_a' }],
  ['a/../b', { code: 7, message: 'invalid characters found in network name', details: 'a/../b' }],
  ['macvlan-vlan100', undefined],
  ['0', undefined],
]

t.test('checkNetworkName() rejects other characters', t => {
  for (const [name, expected] of NAMES)
    t.strictSame(
      refusal(() => checkNetworkName(name)),
      expected,
      `network name ${JSON.stringify(name)}`,
    )
  t.end()
})
