// Bounds how many calls run at the same time; the others wait in order.

export type Limiter = <T>(work: () => Promise<T>) => Promise<T>

/** At most `max` calls run at the same time. */
export function limiter(max: number): Limiter {
  let running = 0
  const waiting: (() => void)[] = []
  return async work => {
    if (running >= max) await new Promise<void>(resolve => waiting.push(resolve))
    running += 1
    try {
      return await work()
    } finally {
      running -= 1
      waiting.shift()?.()
    }
  }
}

/** At most `max` run and at most `waitingMax` wait; returns undefined for a call beyond that. */
export function boundedLimiter(max: number, waitingMax: number): <T>(work: () => Promise<T>) => Promise<T> | undefined {
  const limit = limiter(max)
  let pending = 0
  return work => {
    if (pending >= max + waitingMax) return undefined
    pending += 1
    return limit(work).finally(() => (pending -= 1))
  }
}
