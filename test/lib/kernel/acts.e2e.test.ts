// Every act on a real kernel, under Bun: apply satisfies the step, undo does not, undo again
// succeeds.
import t from 'tap'
import { fileURLToPath } from 'node:url'
import { must, openNetwork } from '../../fixtures/netns.js'

interface Outcome {
  readonly of: string
  readonly error?: string
  readonly heldBefore?: boolean
  readonly held?: boolean
  readonly heldAfter?: boolean
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const network = openNetwork()
t.teardown(() => network.close())
const pod = network.pod()
const said = must(`ip netns exec ${network.node.name} ${ROOT}scripts/bun.sh ${ROOT}test/fixtures/acts.ts ${pod.path}`)
const { outcomes, ends, undone, left } = JSON.parse(said) as {
  outcomes: readonly Outcome[]
  ends: object
  undone: readonly string[]
  left: readonly string[]
}

for (const { of, ...outcome } of outcomes)
  t.test(`apply() and undo() of ${of}`, t => {
    // A sysctl that the kernel does not have is passed over: it is satisfied all the time.
    const passed = of.endsWith('/none')
    const staysDone = passed || of.startsWith('removeLink')
    t.strictSame(outcome, { heldBefore: passed, held: true, heldAfter: staysDone })
    t.end()
  })

t.test('addLink sets both MACs of a veth pair', t => {
  t.match(ends, {
    pod: { kind: 'veth', mac: '0a:00:00:00:00:01', up: true, parentElsewhere: true },
    node: { kind: 'veth', mac: '0a:00:00:00:00:02', up: true },
  })
  t.end()
})

t.test('undoPlan() restores both namespaces', t => {
  t.strictSame(undone, [])
  t.strictSame([...left].sort(), ['eth0', 'lo', 'lo'])
  t.end()
})
