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
