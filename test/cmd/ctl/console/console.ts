// spiderpoolctl console as a process, for tests.
import { spawn } from 'node:child_process'
import { BIN } from '../../../fixtures/executable.js'

export interface RunningConsole {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** By SIGINT: its exit status. */
  stop(): Promise<number | null>
}

const STARTS_MS_MAX = 20_000

/** Starts it, and resolves with the address that it prints. */
export async function startConsole(kubeconfig: string, args: readonly string[] = []): Promise<RunningConsole> {
  const env = { PATH: process.env['PATH'], KUBECONFIG: kubeconfig }
  const child = spawn(`${BIN}/spiderpoolctl`, ['console', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const atExit = (): void => void child.kill('SIGKILL')
  process.once('exit', atExit)
  let stderr = ''
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  const url = await new Promise<string>((resolve, reject) => {
    const clock = setTimeout(() => reject(new Error(`no address within ${STARTS_MS_MAX} ms: ${stderr}`)), STARTS_MS_MAX)
    child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()))
    child.once('exit', status => reject(new Error(`it ended with ${status}: ${stderr}`)))
    child.once('exit', () => clearTimeout(clock))
    child.stdout.once('data', () => clearTimeout(clock))
  })
  return {
    ...{ url, port: Number(new URL(url).port), pid: child.pid ?? 0 },
    stop() {
      process.removeListener('exit', atExit)
      const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
      child.kill('SIGINT')
      return ended
    },
  }
}
