// The workflow of CI: what it runs and uploads exists, and no job has more rights than it needs.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'

const FILE = '.github/workflows/ci.yml'

interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly needs?: readonly string[]
  readonly if?: string
  readonly 'timeout-minutes'?: number
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[]
}
const workflow = parse(readFileSync(FILE, 'utf8')) as {
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}
const jobs = Object.entries(workflow.jobs)
const commands = jobs.flatMap(([, { steps }]) => steps.flatMap(({ run }) => run ?? []))

t.test('each step names a target of the Makefile, a file, or an action with its version', t => {
  const targets = new Set([...readFileSync('Makefile', 'utf8').matchAll(/^([a-z0-9-]+):/gm)].map(([, name]) => name))
  for (const [, { steps }] of jobs)
    for (const { uses, run = '' } of steps) {
      if (uses !== undefined) t.match(uses, /^[\w-]+\/[\w.-]+@v\d+$/)
      const [, target] = /^make ([a-z0-9-]+)$/.exec(run) ?? []
      if (target !== undefined) t.ok(targets.has(target), target)
      if (run.startsWith('.ci/')) t.ok(existsSync(run), run)
    }
  t.end()
})

t.test('the workflow uploads exactly what make release writes', t => {
  const program = readFileSync('scripts/release/main.ts', 'utf8')
  const written = new Set(
    [...program.matchAll(/to\([`'](.+?)[`']\)/g)].map(([, name = '']) => name.replace('${version}', '$VERSION')),
  )
  const used = commands.flatMap(text => [...text.matchAll(/dist\/release\/([\w$.-]+)/g)].map(([, name = '']) => name))
  t.ok(used.length > 3)
  for (const name of used.filter(one => !one.endsWith('.sigstore.json'))) t.ok(written.has(name), name)
  t.end()
})

t.test('only the release of a tag may write, after lint and tests', t => {
  t.strictSame(workflow.permissions, { contents: 'read' })
  for (const [name, { permissions, 'timeout-minutes': minutes }] of jobs) {
    if (name !== 'release') t.equal(permissions, undefined, name)
    t.ok(minutes, `${name} has a limit`)
  }
  const release = workflow.jobs['release']
  t.match(release?.if, "startsWith(github.ref, 'refs/tags/v')")
  t.strictSame(release?.needs, ['lint', 'test'])
  t.strictSame(release?.permissions, { contents: 'write', packages: 'write', 'id-token': 'write' })
  t.end()
})

t.test('actionlint accepts the workflows', t => {
  const { status, stdout, stderr } = spawnSync('scripts/release/actionlint.sh', [FILE], { encoding: 'utf8' })
  t.strictSame([status, stdout, stderr], [0, '', ''])
  t.end()
})
