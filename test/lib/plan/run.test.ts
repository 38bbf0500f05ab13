// The runner, on hands that write down what they are told and drop what they are told to drop.
import t from 'tap'
import { applyPlan, StepError, undoPlan } from '../../../lib/plan/run.js'
import type { Plan, Step } from '../../../lib/plan/step.js'

const plan: Plan = ['a', 'b', 'c'].map(name => ({ verb: 'setUp', where: 'pod', name, was: false }))

function hands(drops: readonly string[]) {
  const log: string[] = []
  const told = (what: 'apply' | 'undo') => (step: Step) => {
    const line = `${what} ${'name' in step ? step.name : ''}`
    log.push(line)
    if (drops.includes(line)) throw new Error(`cannot ${line}`)
  }
  return { log, apply: told('apply'), undo: told('undo') }
}

const cases = [
  { name: 'all goes well', drops: [], log: ['apply a', 'apply b', 'apply c'] },
  { name: 'the last step fails', drops: ['apply c'], log: ['apply a', 'apply b', 'apply c', 'undo b', 'undo a'] },
  { name: 'the first step fails', drops: ['apply a'], log: ['apply a'] },
  {
    name: 'undoing fails too, and goes on',
    drops: ['apply c', 'undo b'],
    log: ['apply a', 'apply b', 'apply c', 'undo b', 'undo a'],
  },
] as const

for (const { name, drops, log } of cases)
  t.test(name, t => {
    const h = hands(drops)
    if (drops.length === 0) applyPlan(plan, h)
    else
      t.throws(() => applyPlan(plan, h), {
        name: 'StepError',
        message:
          drops.length === 1 ? `cannot ${drops[0]}` : 'cannot apply c; and so did undoing 1: setUp b: cannot undo b',
      })
    t.strictSame(h.log, log)
    t.end()
  })

t.test('a step that failed and may be done all the same is undone with the others', t => {
  const h = hands(['apply b'])
  t.throws(() =>
    applyPlan(plan, { ...h, mayBeDone: error => error instanceof Error && error.message === 'cannot apply b' }),
  )
  t.strictSame(h.log, ['apply a', 'apply b', 'undo b', 'undo a'])
  t.end()
})

t.test('the error names the step that failed and keeps its cause', t => {
  const h = hands(['apply b'])
  try {
    applyPlan(plan, h)
    t.fail('it ran')
  } catch (error) {
    t.ok(error instanceof StepError)
    if (error instanceof StepError) {
      t.strictSame(error.step, plan[1])
      t.match(error.cause, { message: 'cannot apply b' })
      t.strictSame(error.undoFailures, [])
    }
  }
  t.end()
})

t.test('undoAll goes newest first to the end and tells every failure', t => {
  const h = hands(['undo c', 'undo a'])
  t.strictSame(undoPlan(plan, h), ['setUp c: cannot undo c', 'setUp a: cannot undo a'])
  t.strictSame(h.log, ['undo c', 'undo b', 'undo a'])
  t.end()
})
