// Starts a thread of this executable; the root main.ts sees that it is one.
import type { ToWorker } from './messages.js'
import type { WorkerEvents, WorkerHandle } from './pool.js'
import type { FromWorker } from './messages.js'

/** The thread, which serves calls as soon as it runs. It does not keep the process alive. */
export function startThread({ onMessage, onEnd }: WorkerEvents): WorkerHandle {
  const worker = new Worker(Bun.main, { smol: true })
  worker.unref()
  const early: ToWorker[] = []
  let isReady = false
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (!isReady) for (const message of early.splice(0)) worker.postMessage(message)
    isReady = true
    onMessage(data)
  }
  worker.onerror = ({ message }) => onEnd(`a thread of the agent failed: ${message}`)
  worker.addEventListener('close', () => onEnd('a thread of the agent ended'))
  return {
    // What comes before the thread listens would be lost.
    send: (message: ToWorker) => void (isReady ? worker.postMessage(message) : early.push(message)),
    terminate: () => worker.terminate(),
  }
}
