// Each check of `make lint` on a small bad tree: its findings, line by line.
import t, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a check on a tree and returns the lines it prints, without the last, which counts them. */
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
  t.equal(status, lines.length > 0 ? 1 : 0, 'exit status 1 with findings, else 0')
  return lines.filter(line => !line.includes('matches no file'))
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

t.test('check-files reports each bad habit, with its line', t => {
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
    lines.map(line => line.replace(/^lib\/ip\//, '').replace(/;.*| is forbidden.*| costs.*/, '')),
    [
      'any.ts:2: `any`',
      'bang.ts:2: `!`',
      `bun.ts:2: ${['.bin', 'bun'].join('/')} is an empty file where npm blocks install scripts`,
      'catch.ts:4: an empty `catch`',
      'file.ts:400: a file of 401 lines',
      'function.ts:2: a function of 61 lines',
      'ignore.ts:2: a suppression',
      "import.ts:2: import of './any' has no .js",
      "import.ts:3: import of './bang' has no .js",
      'no-first-line.ts:1: the first line is not a comment that says what the file is',
      'stream.ts:2: `process.stdout`',
    ],
  )
  t.end()
})

t.test('check-boundaries rejects what its table does not list', t => {
  const lines = found(t, 'check-boundaries.ts', {
    'lib/netlink/message.ts':
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
    'lib/netlink/message.ts:1: lib/netlink may not import lib/plan/a.ts',
    'lib/netlink/message.ts:2: lib/netlink may not import node:os',
    'lib/netlink/message.ts:3: lib/netlink may not import ajv',
    'lib/netlink/message.ts:4: lib/netlink may not import lib/kube/c.ts',
    'lib/nowhere/a.ts:1: a part that scripts/boundaries.ts does not list may not import ip-address',
    'lib/plan/run.ts:1: a pure file has no `async` and no `await`',
    'lib/plan/run.ts:2: a pure file has no `async` and no `await`',
    'lib/plan/run.ts:2: `process.env` outside the edge of the program (PROCESS in scripts/boundaries.ts)',
    'plugins/ifacer/main.ts:1: plugins/ifacer may not import plugins/coordinator/main.ts',
    'plugins/ifacer/main.ts:2: `process.exit` outside the edge of the program (PROCESS in scripts/boundaries.ts)',
    'plugins/ifacer/main.ts:2: the executable never calls `process.exit`; set `process.exitCode`',
  ])
  t.end()
})

t.test('check-language reports repeated types, undocumented exports, cycles, banned words and wide comments', t => {
  const lines = found(t, 'check-language.ts', {
    'lib/a/route.ts': '// A type.\nexport interface Route {}\n',
    'plugins/b/route.ts': '// The name again.\nexport type Route = string\n',
    'daemons/c/route.ts': '// And again.\n\nexport class Route {}\n',
    'test/route.ts': '// Tests may repeat a name.\nexport type Route = number\n',
    'lib/a/private.ts': '// Not exported.\ninterface Route {}\n',
    'lib/a/docs.ts':
      '// Exports.\nexport function f(): void {}\nexport const g = (): void => f()\n// No doc comment.\nexport const h = (): void => f()\n',
    'lib/a/documented.ts':
      '// Exports.\n/** Does it. */\nexport function f(): void {}\n/** Does it. */\nexport const g = (): void => f()\nfunction inner(): void {}\nexport const N = 1\n',
    'daemons/c/docs.ts': '// No plugin, no library.\nexport function f(): void {}\n',
    'lib/a/one.ts': "// A cycle of types.\nimport type { Two } from './two.js'\nexport type One = Two\n",
    'lib/a/two.ts': "// Its other half.\nexport type { Three as Two } from './three.js'\n",
    'lib/a/three.ts': "// Its third.\nimport type { One } from './one.js'\nexport type Three = One\n",
    'lib/a/lazy.ts': "// A lazy import is no cycle.\nexport const load = 1\nvoid import('./loaded.js')\n",
    'lib/a/loaded.ts': "// Loaded lazily.\nimport './lazy.js'\n",
    'lib/a/words.ts': "// Whoever reads.\nexport const s = 'it was told'\nexport const t = 'retold, marshall'\n",
    'lib/a/wide.ts': `// ${'x'.repeat(98)}\n// ${'x'.repeat(97)}\nexport const s = '${'x'.repeat(120)}'\n  /** ${'x'.repeat(91)} */\n// https://${'x'.repeat(98)}\n`,
    'lib/a/generated/words.ts': '// Whoever generates.\n',
    'docs/page.md': 'A page.\nIt shall be.\n',
    'docs/glossary.md': 'Not “shall”.\n',
    'decisions/0007-old.md': 'Nobody edits it.\n',
    'decisions/0021-new.md': 'Nobody edits it.\n',
    Makefile: 'all: ## made anew\n',
    'run.sh': '# let go\n',
    'deploy/x.yaml': '# put aside\n',
  })
  const word = (text: string): string => `banned word “${text}”; use the field's term (docs/glossary.md)`
  t.strictSame(lines, [
    `decisions/0021-new.md:1: ${word('Nobody')}`,
    `deploy/x.yaml:1: ${word('put aside')}`,
    `docs/page.md:2: ${word('shall')}`,
    'lib/a/docs.ts:2: exported function f has no doc comment',
    'lib/a/docs.ts:3: exported function g has no doc comment',
    'lib/a/docs.ts:5: exported function h has no doc comment',
    'lib/a/route.ts:2: type Route is also exported by daemons/c/route.ts; rename one',
    'lib/a/three.ts:1: import cycle: lib/a/one.ts → lib/a/two.ts → lib/a/three.ts → lib/a/one.ts; move what both need to a third file',
    'lib/a/wide.ts:1: a comment of 101 columns; 100 at most',
    `lib/a/words.ts:1: ${word('Whoever')}`,
    `lib/a/words.ts:2: ${word('told')}`,
    `Makefile:1: ${word('anew')}`,
    'plugins/b/route.ts:2: type Route is also exported by daemons/c/route.ts; rename one',
    `run.sh:1: ${word('let go')}`,
  ])
  t.end()
})
