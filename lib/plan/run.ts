// Applies a plan and undoes it: order and failures. What a step does is the Executor's.
import { messageOf } from '../errors.js'
import { describe, type Plan, type Step } from './step.js'

/** Applies a step and undoes it. */
export interface Executor {
  apply(step: Step): void
  undo(step: Step): void
  /**
   * Whether a failed step may have been applied because only its answer was lost; default: never.
   */
  mayBeDone?(error: unknown): boolean
}

/** A step that failed: the message of the cause, followed by what could not be undone. */
export class StepError extends Error {
  override readonly name = 'StepError'
  readonly step: Step
  readonly undoFailures: readonly string[]
  constructor(step: Step, cause: unknown, undoFailures: readonly string[]) {
    const what = messageOf(cause)
    super(
      undoFailures.length === 0
        ? what
        : `${what}; and so did undoing ${undoFailures.length}: ${undoFailures.join('; ')}`,
      { cause },
    )
    this.step = step
    this.undoFailures = undoFailures
  }
}

/**
 * Applies every step in order. On failure all steps that were or may have been applied are undone,
 * newest first.
 * @throws StepError naming the step
 */
export function applyPlan(plan: Plan, executor: Executor): void {
  plan.forEach((step, i) => {
    try {
      executor.apply(step)
    } catch (error) {
      const done = executor.mayBeDone?.(error) === true ? i + 1 : i
      throw new StepError(step, error, undoPlan(plan.slice(0, done), executor))
    }
  })
}

/**
 * Undoes every step, newest first, and does not stop at a failure. Returns one line per failure.
 */
export const undoPlan = (plan: Plan, executor: Pick<Executor, 'undo'>): string[] =>
  failuresOf([...plan].reverse(), step => executor.undo(step))

/**
 * Applies every step in order and does not stop at a failure: for clean-up. Returns one line per
 * failure.
 */
export const applyAll = (plan: Plan, executor: Pick<Executor, 'apply'>): string[] =>
  failuresOf(plan, step => executor.apply(step))

function failuresOf(plan: Plan, execute: (step: Step) => void): string[] {
  const failures: string[] = []
  for (const step of plan) {
    try {
      execute(step)
    } catch (error) {
      failures.push(`${describe(step)}: ${messageOf(error)}`)
    }
  }
  return failures
}
