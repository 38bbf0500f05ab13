// docs/quickstart.md from its second step on: applies its objects, runs its commands, compares what
// they print.
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Case } from '../case.js'
import { kubectl, must, within } from '../kubectl.js'
import { show } from '../say.js'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = join(ROOT, 'docs/quickstart.md')
const FIRST_STEP = '## 2. '
/** Of a state that follows an object, as the controller's counts do. */
const FOLLOWS_S = 15

/** The image that these nodes have, in the place of the registry's. */
const withOurImage = (yaml: string): string =>
  yaml.replaceAll('image: busybox:1', 'image: localhost/busybox:1\n          imagePullPolicy: Never')

/** `…` stands for anything; a run of blanks for any other, since columns fit their words. */
const patternOf = (expected: string): RegExp =>
  new RegExp(
    `^${expected
      .trim()
      .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/[ \t]+/g, '[ \\t]+')
      .replaceAll(/(?:\n|\[ \\t\]\+|^)?…\n?/g, '[^]*')}\\s*$`,
  )

interface Step {
  readonly command: string
  readonly expected: string
}

const stepsOf = (block: string): readonly Step[] =>
  block.split(/^\$ /m).flatMap(text => {
    const [command = '', ...output] = text.split('\n')
    return command === '' ? [] : [{ command, expected: output.join('\n') }]
  })

/** Assignments stay for the commands after them, as in the reader's shell. */
async function runBlock(block: string, assigned: string[]): Promise<void> {
  for (const { command, expected } of stepsOf(block)) {
    if (/^[A-Z]+=/.test(command)) {
      assigned.push(command)
      continue
    }
    const path = `PATH=${join(ROOT, 'dist/bin')}${delimiter}$PATH`
    const output = await within(FOLLOWS_S, command, async () => {
      const printed = await must(['sh', '-c', [path, ...assigned, command].join('\n')])
      if (!patternOf(expected).test(printed)) throw new Error(`it printed\n${printed}\nand the page says\n${expected}`)
      return printed
    })
    show(`$ ${command}\n${output.trimEnd()}`)
  }
}

async function run(): Promise<void> {
  const page = readFileSync(PAGE, 'utf8')
  const steps = page.slice(page.indexOf(FIRST_STEP))
  const assigned: string[] = []
  let blocks = 0
  for (const [, language, text = ''] of steps.matchAll(/^```(\w+)\n([^]*?)^```$/gm)) {
    blocks++
    if (language === 'yaml') show(await kubectl('apply -f -', withOurImage(text)))
    else await runBlock(text, assigned)
  }
  if (blocks === 0) throw new Error(`${PAGE} has no blocks from "${FIRST_STEP}" on`)
}

export const quickstart: Case = { name: 'quickstart', says: 'docs/quickstart.md, each object and each command', run }
