// Damaged stdin: every conf ends in one JSON document and status 0 or 1, never in a bug.
import t from 'tap'
import { ask } from './call.js'
import { STATIC } from './golden.js'

/** Random numbers that are the same in each run (Marsaglia's xorshift32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const SIGNS = [
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  '-',
  'e',
  'null',
  'true',
  '1.5',
  '"a"',
  '\\',
  '\u0000',
  '\ufeff',
  'é',
]
const TRIES = 4000
const SEED = 20_261

const goods = Object.entries(STATIC).map(([cniVersion, text]) =>
  JSON.stringify({
    cniVersion,
    name: 'net',
    type: 'noop',
    'cni.dev/valid-attachments': [{ containerID: 'a', ifname: 'b' }],
    prevResult: JSON.parse(text) as object,
  }),
)

t.test('outcomeOf() of damaged confs never throws an unexpected error', async t => {
  const random = randomFrom(SEED)
  const verbs = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS']
  let refused = 0
  for (let tries = 0; tries < TRIES; tries++) {
    let conf = goods[random(goods.length)] ?? ''
    for (let damage = random(3); damage >= 0; damage--) {
      const at = random(conf.length + 1)
      const cut = random(4) === 0 ? random(40) : random(3)
      conf = conf.slice(0, at) + (random(2) === 0 ? (SIGNS[random(SIGNS.length)] ?? '') : '') + conf.slice(at + cut)
    }
    const { exitCode, reply, stderr } = await ask({ env: { CNI_COMMAND: verbs[random(verbs.length)] }, conf })
    const { code = 0 } = (exitCode === 1 ? reply : {}) as { code?: number }
    if (exitCode === 1) refused++
    if (stderr !== '' || code === 999) t.fail(`a bug: ${JSON.stringify({ conf, reply, stderr })}`)
  }
  t.ok(refused > TRIES / 2, `${refused} of ${TRIES} were refused`)
  t.ok(refused < TRIES, 'some were taken')
})
