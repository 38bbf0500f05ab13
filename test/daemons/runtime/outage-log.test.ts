// Outage: the log lines of an API server that goes away and comes back, and their levels.
import t from 'tap'
import { Outage } from '../../../daemons/runtime/outage-log.js'
import { KubeError } from '../../../lib/kube/errors.js'

const gone = new KubeError(0, 'Connection', 'connection refused')
const busy = new KubeError(503, 'ServiceUnavailable', 'etcd has no leader')
const expired = new KubeError(401, 'Unauthorized', 'the token has expired')
const forbidden = new KubeError(403, 'Forbidden', 'may not list')

type Step = readonly ['failed', what: string, error: KubeError] | readonly ['answered', what: string]
const failed = (what: string, error = gone): Step => ['failed', what, error]
const answered = (what: string): Step => ['answered', what]

const CASES: readonly (readonly [what: string, steps: readonly Step[], warned: readonly string[]])[] = [
  ['one broken stream is no outage', [failed('pods'), answered('pods'), failed('pods'), answered('pods')], []],
  [
    'an outage is two lines, however many watches and retries',
    [
      failed('pods'),
      failed('jobs'),
      failed('pods'),
      failed('jobs'),
      failed('pods'),
      answered('pods'),
      answered('jobs'),
    ],
    ['the API server is away: pods failed: connection refused', 'the API server is back after 4 s'],
  ],
  [
    'the outage ends when everything that failed has an answer',
    [failed('a'), failed('a'), failed('b'), answered('a')],
    ['the API server is away: a failed: connection refused'],
  ],
  [
    '503 is an outage too',
    [failed('a', busy), failed('a', busy), answered('a')],
    ['the API server is away: a failed: etcd has no leader', 'the API server is back after 1 s'],
  ],
  [
    'an error status is logged once for each message',
    [failed('a', forbidden), failed('a', forbidden), failed('b', forbidden)],
    ['a failed: may not list', 'b failed: may not list'],
  ],
  [
    'an error status ends the outage',
    [failed('a'), failed('a'), failed('a', forbidden)],
    [
      'the API server is away: a failed: connection refused',
      'a failed: may not list',
      'the API server is back after 1 s',
    ],
  ],
  [
    'a credential that is refused is two lines, however many watches and retries',
    [
      failed('a', expired),
      failed('b', expired),
      failed('a', expired),
      answered('a'),
      failed('b', expired),
      answered('b'),
    ],
    ['a failed: the token has expired', 'the API server accepts the credential again after 5 s'],
  ],
  [
    'a refused credential ends the outage',
    [failed('a'), failed('a'), failed('a', expired), answered('a')],
    [
      'the API server is away: a failed: connection refused',
      'a failed: the token has expired',
      'the API server is back after 1 s',
      'the API server accepts the credential again after 1 s',
    ],
  ],
  [
    'the next outage is logged again',
    [failed('a'), failed('a'), answered('a'), failed('a'), failed('a')],
    [
      'the API server is away: a failed: connection refused',
      'the API server is back after 1 s',
      'the API server is away: a failed: connection refused',
    ],
  ],
]
for (const [what, steps, warned] of CASES)
  t.test(`Outage: ${what}`, async t => {
    const lines: string[] = []
    let nowMs = 0
    const quiet = (): void => {}
    const log = { debug: quiet, info: quiet, warn: (line: string) => void lines.push(line), error: quiet }
    const outage = new Outage(log, () => nowMs)
    for (const step of steps) {
      if (step[0] === 'failed') outage.failed(step[1], step[2])
      else outage.answered(step[1])
      nowMs += 1_000
    }
    t.strictSame(lines, warned)
  })
