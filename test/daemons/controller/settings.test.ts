// Settings from environment and conf.yml, and their errors.
import t from 'tap'
import { confOf, settingsOf, unknownIn, type ControllerSettings } from '../../../daemons/controller/settings.js'

const OUTSIDE = { namespace: 'kube-system', podName: 'host' }
const read = (env: Readonly<Record<string, string>>): ControllerSettings => settingsOf(env, OUTSIDE)

t.test('settingsOf() has the documented defaults', async t => {
  t.strictSame(read({}), {
    namespace: 'kube-system',
    podName: 'host',
    logLevel: 'info',
    bindAddress: '',
    healthAddress: '',
    healthPort: 5720,
    metricsPort: 5721,
    webhookPort: 5722,
    consolePort: undefined,
    deployment: 'spiderpool-controller',
    secret: 'spiderpool-controller-server-certs',
    ciliumConfig: 'kube-system/cilium-config',
    metrics: false,
    timing: { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 },
    reclaim: {
      enabled: true,
      onReadyNodes: true,
      onNotReadyNodes: true,
      runningWithoutAddress: false,
      workers: 3,
      delayMs: 0,
      unrecordedMs: 240_000,
      releaseMs: 10_000,
      resyncMs: 600_000,
    },
  })
})

const SET: readonly (readonly [name: string, value: string, want: object])[] = [
  ['SPIDERPOOL_POD_NAMESPACE', 'spiderpool', { namespace: 'spiderpool' }],
  ['SPIDERPOOL_POD_NAME', 'c-1', { podName: 'c-1' }],
  ['SPIDERPOOL_LOG_LEVEL', 'DEBUG', { logLevel: 'debug' }],
  ['SPIDERPOOL_ENABLED_METRIC', 'T', { metrics: true }],
  ['SPIDERPOOL_HEALTH_PORT', '0', { healthPort: 0 }],
  ['SPIDERPOOL_GC_IP_ENABLED', 'false', { reclaim: { enabled: false } }],
  ['SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_READY_NODE_ENABLED', '0', { reclaim: { onReadyNodes: false } }],
  ['SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_NOT_READY_NODE_ENABLED', 'F', { reclaim: { onNotReadyNodes: false } }],
  [
    'SPIDERPOOL_GC_ENABLE_STATELESS_RUNNING_POD_ON_EMPTY_POD_STATUS_IPS',
    '1',
    { reclaim: { runningWithoutAddress: true } },
  ],
  ['SPIDERPOOL_GC_IP_WORKER_NUM', '9', { reclaim: { workers: 9 } }],
  ['SPIDERPOOL_GC_IP_WORKER_NUM', '0', { reclaim: { workers: 1 } }],
  ['SPIDERPOOL_GC_UNRECORDED_GRACE', '60', { reclaim: { unrecordedMs: 60_000 } }],
  ['SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY', '5', { reclaim: { delayMs: 5000 } }],
  ['SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION', '60', { reclaim: { resyncMs: 60_000 } }],
]
for (const [name, value, want] of SET)
  t.test(`settingsOf() reads ${name}=${value}`, async t => t.match(read({ [name]: value }), want))

const BAD: readonly (readonly [env: Readonly<Record<string, string>>, message: RegExp])[] = [
  [{ SPIDERPOOL_POD_NAME: '' }, /SPIDERPOOL_POD_NAME is set and empty/],
  [{ SPIDERPOOL_LOG_LEVEL: 'loud' }, /SPIDERPOOL_LOG_LEVEL is "loud"; give one of debug, info/],
  [{ SPIDERPOOL_HEALTH_PORT: '-1' }, /SPIDERPOOL_HEALTH_PORT is "-1"; give a whole number/],
  [{ SPIDERPOOL_GC_IP_ENABLED: 'yes' }, /SPIDERPOOL_GC_IP_ENABLED is "yes"; give true or false/],
  [{ SPIDERPOOL_LEADER_DURATION: '5' }, /SPIDERPOOL_LEADER_DURATION must be more/],
  [{ SPIDERPOOL_LEADER_RETRY_PERIOD: '0' }, /SPIDERPOOL_LEADER_RETRY_PERIOD/],
]
for (const [env, message] of BAD)
  t.test(`settingsOf() rejects ${JSON.stringify(env)}`, async t => {
    t.throws(() => read(env), { message })
  })

t.test(
  'confOf() takes a missing key for false, keeps unknown keys, and rejects a value that is not boolean',
  async t => {
    t.match(confOf({ enableIPv4: true, iaasNetworkProvider: { serverUrl: 'x' } }), {
      enableIPv4: true,
      enableIPv6: false,
      enableStatefulSet: false,
      raw: { iaasNetworkProvider: { serverUrl: 'x' } },
    })
    t.throws(() => confOf({ enableIPv4: 'yes' }), {
      message: 'enableIPv4 of the configuration file is "yes"; give true or false',
    })
    for (const text of ['text', null, []]) t.throws(() => confOf(text), { message: /no YAML mapping/ })
  },
)

const unknownKey = (key: string, meant: string, more = ''): string =>
  `${key} of the configuration file is unknown and has no effect; did you mean ${meant}?${more}`
for (const [name, raw, sentences] of [
  [
    'every key that is read',
    { enableIPv4: true, tolerateUnknownClusterCIDR: true, podResourceInject: { enabled: true } },
    [],
  ],
  ['keys of the Go agent', { ipamUnixSocketPath: '', tuneSysctlConfig: true, iaasNetworkProvider: {}, agent: {} }, []],
  [
    'an enable key in another case',
    { enableIpv4: true },
    [unknownKey('enableIpv4', 'enableIPv4', ' enableIPv4 is missing and counts as false')],
  ],
  ['one that stands there too', { enableIpv4: true, enableIPv4: true }, [unknownKey('enableIpv4', 'enableIPv4')]],
  [
    'one below',
    { podResourceInject: { enable: true } },
    [
      unknownKey(
        'podResourceInject.enable',
        'podResourceInject.enabled',
        ' podResourceInject.enabled is missing and counts as false',
      ),
    ],
  ],
] as const)
  t.test(`unknownIn() of ${name}`, t => {
    t.strictSame(unknownIn({ raw }), sentences)
    t.end()
  })
