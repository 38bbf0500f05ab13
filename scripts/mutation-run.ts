// Runs tests once for each mutant in one process. Under Bun, in a copy of the tree.
import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { firstFailure, SWITCH } from './mutation-tap.js'

const [from = '0', to = '0', ...tests] = process.argv.slice(2)
for (const test of tests) await import(pathToFileURL(test).href)
const whole = await firstFailure()
if (whole !== undefined) throw new Error(`the tests fail without a mutant: ${whole}`)
writeSync(1, 'ready\n')
for (let mutant = Number(from); mutant < Number(to); mutant++) {
  Reflect.set(globalThis, SWITCH, mutant)
  writeSync(1, `${JSON.stringify([mutant, (await firstFailure()) ?? null])}\n`)
}
