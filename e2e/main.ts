// `make e2e`: the cases on a real Kubernetes. Arguments name cases; none runs all, --install none.
import { messageOf } from '../lib/errors.js'
import { CASES } from './cases.js'
import { everything } from './install.js'
import { wrongs } from './invariants.js'
import { kubectl, within } from './kubectl.js'
import { say, show } from './say.js'

const INVARIANT_S = 60

interface Outcome {
  readonly name: string
  readonly seconds: number
  readonly failure?: string
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => name !== '--install' && !CASES.some(one => one.name === name))
if (unknown.length > 0)
  throw new Error(`no such case: ${unknown.join(', ')}; there are ${CASES.map(({ name }) => name).join(', ')}`)
const started = performance.now()

const LINES_MAX = 40

/** Prints the state after a failure, then deletes pods and Services: the next case starts clean. */
async function aftermath(): Promise<void> {
  const looks = [
    'get pods -A -o wide',
    'get spideripaddresses',
    'get events --field-selector=type=Warning --sort-by=.lastTimestamp',
    '-n kube-system logs -l app.kubernetes.io/component=spiderpool-agent --tail=15',
  ]
  for (const look of looks) {
    const lines = (await kubectl(look).catch(String)).trimEnd().split('\n')
    show(`$ kubectl ${look}\n${lines.slice(-LINES_MAX).join('\n')}\n`)
  }
  await kubectl('delete deployments,statefulsets --all --wait=false').catch(String)
  await kubectl('delete services --field-selector=metadata.name!=kubernetes').catch(String)
}

async function attempt({ name, says, run }: (typeof CASES)[number]): Promise<Outcome> {
  const before = performance.now()
  const seconds = (): number => Math.round((performance.now() - before) / 100) / 10
  say(`${name}: ${says}`)
  try {
    await run()
    await within(INVARIANT_S, 'everything is in order', async () => {
      const found = await wrongs()
      if (found.length > 0) throw new Error(`\n  ${found.join('\n  ')}`)
    })
    show(
      `in order: address objects, pods, records, and links, addresses, routes and rules on the nodes (${seconds()} s)`,
    )
    return { name, seconds: seconds() }
  } catch (error) {
    const failure = messageOf(error)
    show(`FAILED: ${failure}`)
    await aftermath()
    return { name, seconds: seconds(), failure }
  }
}

await everything()
const outcomes: Outcome[] = []
for (const one of CASES) if (wanted.length === 0 || wanted.includes(one.name)) outcomes.push(await attempt(one))
const failed = outcomes.filter(({ failure }) => failure !== undefined)
console.log(
  `\n${outcomes.map(({ name, seconds, failure }) => `${failure === undefined ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`).join('\n')}`,
)
console.log(
  `\n${Math.round((performance.now() - started) / 1000)} s\n${outcomes.length - failed.length} passed, ${failed.length} failed, 0 skipped`,
)
process.exitCode = failed.length === 0 ? 0 : 1
