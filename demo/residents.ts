// Starts resident.ts in network namespaces and sends it requests: dial, relay.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Answer, Ask, Target } from './resident.js'

const BUN = fileURLToPath(new URL('../scripts/bun.sh', import.meta.url))
const PROGRAM = fileURLToPath(new URL('resident.ts', import.meta.url))

export interface Resident {
  readonly netnsName: string
  /** Returns the answer of the server, `NAME sees ADDRESS`. @throws the reason without one. */
  dial(target: Target): Promise<string>
  relay(ends: NonNullable<Ask['relay']>): Promise<void>
  end(): Promise<void>
}

/** Starts a resident in a network namespace; resolves when it listens. */
export async function startResident(netnsName: string): Promise<Resident> {
  const child = spawn('nsenter', [`--net=/run/netns/${netnsName}`, BUN, PROGRAM, netnsName], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const waiting = new Map<number, { done: (text: string) => void; fail: (error: Error) => void }>()
  const ended = new Promise<void>(done =>
    child.once('exit', () => {
      for (const { fail } of waiting.values()) fail(new Error(`the resident of ${netnsName} ended`))
      done()
    }),
  )
  createInterface({ input: child.stdout }).on('line', line => {
    const { id, text = '', error } = JSON.parse(line) as Answer
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.done(text)
    else one?.fail(new Error(error))
  })
  const heard = (id: number): Promise<string> => new Promise((done, fail) => waiting.set(id, { done, fail }))
  let asked = 0
  const ask = (what: Omit<Ask, 'id'>): Promise<string> => {
    const id = ++asked
    const answer = heard(id)
    child.stdin.write(`${JSON.stringify({ id, ...what })}\n`)
    return answer
  }
  await heard(0) // it listens
  return {
    netnsName,
    dial: target => ask({ dial: target }),
    relay: async ends => void (await ask({ relay: ends })),
    end: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
