// What a person reads while it runs: each step with kubectl's own output. Knows nothing else.
import { kubectl } from './kubectl.js'

const started = performance.now()
let steps = 0

export function say(text: string): void {
  steps += 1
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6)
  console.log(`\n${seconds} s  ${steps}. ${text}`)
}

export const show = (text: string): void => console.log(text.trimEnd().replace(/^/gm, '          '))

/** Runs kubectl and shows command and output, as in a terminal. */
export async function showKubectl(args: string): Promise<string> {
  const out = await kubectl(args)
  show(`$ kubectl ${args}\n${out}`)
  return out
}
