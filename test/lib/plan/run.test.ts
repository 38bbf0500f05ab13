// applyPlan() and undoPlan() with an executor that records steps and fails some.
import t from 'tap'
import { applyPlan, StepError, undoPlan } from '../../../lib/plan/run.js'
import type { Plan, Step } from '../../../lib/plan/step.js'

const plan: Plan = ['a', 'b', 'c'].map(name => ({ verb: 'setUp', where: 'pod', name, was: false }))

function recorder(drops: readonly string[]) {
  const log: string[] = []
  const record = (what: 'apply' | 'undo') => (step: Step) => {
    const line = `${what} ${'name' in step ? step.name : ''}`
    log.push(line)
    if (drops.includes(line)) throw new Error(`cannot ${line}`)
  }
  return { log, apply: record('apply'), undo: record('undo') }
}

const cases = [
  { name: 'applyPlan() applies every step in order', drops: [], log: ['apply a', 'apply b', 'apply c'] },
  {
    name: 'applyPlan() undoes the steps before the one that fails',
    drops: ['apply c'],
    log: ['apply a', 'apply b', 'apply c', 'undo b', 'undo a'],
  },
  { name: 'applyPlan() undoes nothing if the first step fails', drops: ['apply a'], log: ['apply a'] },
  {
    name: 'applyPlan() goes on undoing after a failed undo',
    drops: ['apply c', 'undo b'],
    log: ['apply a', 'apply b', 'apply c', 'undo b', 'undo a'],
  },
] as const

for (const { name, drops, log } of cases)
  t.test(name, t => {
    const h = recorder(drops)
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

t.test('applyPlan() undoes a failed step that may have been applied', t => {
  const h = recorder(['apply b'])
  t.throws(() =>
    applyPlan(plan, { ...h, mayBeDone: error => error instanceof Error && error.message === 'cannot apply b' }),
  )
  t.strictSame(h.log, ['apply a', 'apply b', 'undo b', 'undo a'])
  t.end()
})

t.test('StepError names the step and keeps its cause', t => {
  const h = recorder(['apply b'])
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

t.test('undoPlan() undoes newest first and reports every failure', t => {
  const h = recorder(['undo c', 'undo a'])
  t.strictSame(undoPlan(plan, h), ['setUp c: cannot undo c', 'setUp a: cannot undo a'])
  t.strictSame(h.log, ['undo c', 'undo b', 'undo a'])
  t.end()
})
