// The checkers find what they are there to find: a small tree of offenders, and what is said of each line.
import t, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The lines a checker prints of a tree, without its last, which counts them. */
function found(t: Test, checker: string, files: Readonly<Record<string, string>>): readonly string[] {
  const folder = t.testdir({ 'tsconfig.json': '{"include": ["**/*.ts"]}', ...nested(files) })
  const { stdout, stderr, status } = spawnSync(
    `${ROOT}node_modules/.bin/tsx`,
    [`${ROOT}scripts/${checker}`, `${folder}/`],
    {
      encoding: 'utf8',
    },
  )
  if (status === null || stderr.includes('Error')) throw new Error(stderr)
  const lines = stdout.trim().split('\n').slice(0, -1)
  t.equal(status, lines.length > 0 ? 1 : 0, 'its exit status says whether it found anything')
  return lines.filter(line => !line.includes('and no such file'))
}

interface Tree {
  [name: string]: string | Tree
}

/** `{'lib/ip/a.ts': …}` as folders within folders. */
function nested(files: Readonly<Record<string, string>>): Tree {
  const tree: Tree = {}
  for (const [path, text] of Object.entries(files)) {
    const names = path.split('/')
    const name = names.pop() ?? ''
    let folder = tree
    for (const part of names) {
      const inner = folder[part] ?? {}
      if (typeof inner === 'string') throw new Error(`${part} is a file`)
      folder[part] = inner
      folder = inner
    }
    folder[name] = text
  }
  return tree
}

const long = (lines: number): string => '  a()\n'.repeat(lines)

t.test('check-files finds each bad habit, with its line', t => {
  const lines = found(t, 'check-files.ts', {
    'lib/ip/no-first-line.ts': 'export const a = 1\n',
    'lib/ip/any.ts': '// An any.\nexport const a = (b: any): string => String(b)\n',
    'lib/ip/bang.ts': '// A bang.\nexport const a = (b: string[]): string => b[0]!\n',
    'lib/ip/bun.ts': `// A path.\nexport const a = 'node_modules/${['.bin', 'bun'].join('/')}'\n`,
    'lib/ip/catch.ts': '// A catch.\ntry {\n  a()\n} catch {\n  // nothing\n}\n',
    'lib/ip/ignore.ts': '// A suppression.\n// @ts-ignore\nexport const a = 1\n',
    'lib/ip/import.ts': "// An import.\nimport { a } from './any'\nexport const b = import('./bang')\n",
    'lib/ip/stream.ts': '// A stream.\nprocess.stdout.write("")\n',
    'lib/ip/function.ts': `// A function.\nexport function f(): void {\n${long(59)}}\n`,
    'lib/ip/file.ts': '// A file.\n' + 'a()\n'.repeat(400),
    'lib/ip/good.ts': `// All is well: not "any", nor 'a!'.\nexport function f(): void {\n${long(58)}}\n`,
    'lib/ip/generated/any.ts': 'export const a: any = 1\n',
    'test/lib/long.ts': `// A test may be long.\nexport function f(): void {\n${long(300)}}\n`,
  })
  t.strictSame(
    lines.map(line => line.replace(/^lib\/ip\//, '').replace(/;.*| is not used.*| says what.*| costs.*/, '')),
    [
      'any.ts:2: `any`',
      'bang.ts:2: `!`',
      `bun.ts:2: ${['.bin', 'bun'].join('/')} is an empty shell where npm blocks install scripts`,
      'catch.ts:4: an empty `catch`',
      'file.ts:400: a file of 401 lines',
      'function.ts:2: a function of 61 lines',
      'ignore.ts:2: a suppression',
      "import.ts:2: import of './any' lacks its .js",
      "import.ts:3: import of './bang' lacks its .js",
      'no-first-line.ts:1: the first line does not say what the file is: `// …`',
      'stream.ts:2: `process.stdout`',
    ],
  )
  t.end()
})

t.test('check-boundaries forbids what its table does not list', t => {
  const lines = found(t, 'check-boundaries.ts', {
    'lib/netlink/wire.ts':
      "import type { A } from '../plan/a.js'\nimport os from 'node:os'\nexport { b } from 'ajv/dist/x.js'\nexport type C = import('../kube/c.js').C\n",
    'lib/ip/address.ts': "import 'ip-address'\nimport './cidr.js'\nexport const now = Date.now()\n",
    'lib/plan/run.ts': 'export async function run(): Promise<void> {\n  await Promise.resolve(process.env)\n}\n',
    'lib/nowhere/a.ts': "import 'ip-address'\n",
    'plugins/ifacer/main.ts': "void import('../coordinator/main.js')\nprocess.exit(1)\n",
    'scripts/any.ts': "import 'node:child_process'\nprocess.exit(process.argv.length)\n",
  })
  t.strictSame(lines, [
    'lib/ip/address.ts:1: lib/ip may not import ip-address',
    'lib/ip/address.ts:3: `Date.now` in a pure file; make it an argument',
    'lib/netlink/wire.ts:1: lib/netlink may not import lib/plan/a.ts',
    'lib/netlink/wire.ts:2: lib/netlink may not import node:os',
    'lib/netlink/wire.ts:3: lib/netlink may not import ajv',
    'lib/netlink/wire.ts:4: lib/netlink may not import lib/kube/c.ts',
    'lib/nowhere/a.ts:1: a part that scripts/boundaries.ts does not list may not import ip-address',
    'lib/plan/run.ts:1: a pure file waits for nothing',
    'lib/plan/run.ts:2: a pure file waits for nothing',
    'lib/plan/run.ts:2: `process.env` belongs to the edge of the program',
    'plugins/ifacer/main.ts:1: plugins/ifacer may not import plugins/coordinator/main.ts',
    'plugins/ifacer/main.ts:2: `process.exit` belongs to the edge of the program',
    'plugins/ifacer/main.ts:2: no part of the image calls `process.exit`; set `process.exitCode`',
  ])
  t.end()
})
