// CNI_ARGS as runtimes send it, and as they should not.
import t from 'tap'
import { parseArgs } from '../../../lib/cni/args.js'

const KNOWN = ['IP', 'K8S_POD_NAME', 'K8S_POD_NAMESPACE']

const READ: readonly [string, Readonly<Record<string, string>>][] = [
  ['', {}],
  ['IP=10.0.0.5', { IP: '10.0.0.5' }],
  ['IP=', { IP: '' }],
  ['IP=1;IP=2', { IP: '2' }],
  ['IP=10.0.0.5/24,fd00::5/64', { IP: '10.0.0.5/24,fd00::5/64' }],
  ['IgnoreUnknown=1;ip=5', { IgnoreUnknown: '1', ip: '5' }],
  ['X=5;IgnoreUnknown=true', { X: '5', IgnoreUnknown: 'true' }],
  ['X=5;IgnoreUnknown=TRUE', { X: '5', IgnoreUnknown: 'TRUE' }],
  ['IgnoreUnknown=0;IP=1', { IgnoreUnknown: '0', IP: '1' }],
  ['IgnoreUnknown=false', { IgnoreUnknown: 'false' }],
  [
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=c;K8S_POD_UID=u',
    {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: 'default',
      K8S_POD_NAME: 'web-0',
      K8S_POD_INFRA_CONTAINER_ID: 'c',
      K8S_POD_UID: 'u',
    },
  ],
  ['IgnoreUnknown=1;__proto__=x', { IgnoreUnknown: '1', ['__proto__']: 'x' }],
]

t.test('parseArgs() takes the last duplicate', t => {
  for (const [text, expected] of READ)
    t.strictSame([...parseArgs(text, KNOWN)], Object.entries(expected), `reads ${JSON.stringify(text)}`)
  t.end()
})

const REFUSED: readonly [string, string][] = [
  ['IP', 'ARGS: invalid pair "IP"'],
  ['IP=1;', 'ARGS: invalid pair ""'],
  [';IP=1', 'ARGS: invalid pair ""'],
  ['IP=1=2', 'ARGS: invalid pair "IP=1=2"'],
  ['IgnoreUnknown=1;X', 'ARGS: invalid pair "X"'],
  ['ip=1', 'ARGS: unknown args ["ip=1"]'],
  ['X=1;IP=2;Y=3', 'ARGS: unknown args ["X=1" "Y=3"]'],
  ['X=1;IgnoreUnknown=0', 'ARGS: unknown args ["X=1"]'],
  ['X=1;IgnoreUnknown=1;IgnoreUnknown=0', 'ARGS: unknown args ["X=1"]'],
  ['IgnoreUnknown=yes', 'ARGS: IgnoreUnknown is "yes"; it must be 1, true, 0 or false'],
  ['X=1;IgnoreUnknown=', 'ARGS: IgnoreUnknown is ""; it must be 1, true, 0 or false'],
]

t.test('parseArgs() rejects malformed pairs and unknown keys', t => {
  for (const [text, message] of REFUSED)
    t.throws(() => parseArgs(text, KNOWN), { code: 4, message }, `refuses ${JSON.stringify(text)}`)
  t.end()
})
