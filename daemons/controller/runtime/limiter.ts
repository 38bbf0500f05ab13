// At most so many of something at a time; the others wait their turn. Knows nothing of what it holds back.

export type Limiter = <T>(work: () => Promise<T>) => Promise<T>

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

/** At most `max` at a time, at most `waitingMax` in wait; `undefined` for what comes beyond. */
export function boundedLimiter(max: number, waitingMax: number): <T>(work: () => Promise<T>) => Promise<T> | undefined {
  const limit = limiter(max)
  let pending = 0
  return work => {
    if (pending >= max + waitingMax) return undefined
    pending += 1
    return limit(work).finally(() => (pending -= 1))
  }
}
