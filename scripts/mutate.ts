// `make mutate`: runs a rule's tables against each mutant and lists the survivors. Mutants are made
// by mutants.ts. Arguments name sources; none runs all.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { withMutants, type Mutant } from './mutants.js'
import { ROOT, sources, type Source } from './source-tree.js'

/** The rules that keep addresses unique and choose among them, and the tables that hold them. */
const TARGETS: readonly { readonly file: string; readonly tests: readonly string[] }[] = [
  { file: 'lib/crd/unique.ts', tests: ['test/lib/crd/unique.test.ts'] },
  { file: 'lib/crd/ippool.ts', tests: ['test/lib/crd/ippool.test.ts', 'test/lib/crd/subnet.test.ts'] },
  { file: 'lib/crd/subnet.ts', tests: ['test/lib/crd/subnet.test.ts'] },
  { file: 'lib/crd/ranges.ts', tests: ['test/lib/crd/ippool.test.ts', 'test/lib/crd/reservedip.test.ts'] },
  {
    file: 'lib/crd/addressing.ts',
    tests: ['test/lib/crd/addressing.test.ts', 'test/lib/crd/ippool.test.ts', 'test/lib/crd/subnet.test.ts'],
  },
  {
    file: 'daemons/controller/reconcilers/overlap/decide.ts',
    tests: ['test/daemons/controller/reconcilers/overlap/decide.test.ts'],
  },
  ...[
    ...['allocation/search', 'allocation/candidates', 'allocation/allocate', 'allocation/go-records'],
    ...[
      'allocation/shared-pool',
      'pools/filter-rules',
      'pools/annotations',
      'pools/multus-network',
      'pod/release',
      'store/retention',
    ],
  ].map(name => ({ file: `lib/ipam/${name}.ts`, tests: [`test/lib/ipam/${name}.test.ts`] })),
]

/** Equivalent mutants, each with the reason. `was` and `by` as they are printed. */
const SAME: readonly { readonly file: string; readonly was: string; readonly by: string; readonly why: string }[] = [
  ...['lib/crd/ippool.ts', 'lib/crd/subnet.ts'].flatMap(file => [
    { file, was: '!prefix', by: 'false', why: 'subnetFaults has refused what is no CIDR; the compiler does not know' },
    { file, was: '[]', by: 'undefined', why: 'the same' },
  ]),
  {
    file: 'lib/crd/unique.ts',
    was: "(mine[at] ?? '') < (its[at] ?? '')",
    by: "((mine[at] ?? '') <= (its[at] ?? ''))",
    why: 'at is where they differ',
  },
  {
    file: 'lib/crd/unique.ts',
    was: 'other.spec.subnet === pool.spec.subnet',
    by: 'false',
    why: 'a short way: an equal text is an equal network',
  },
  {
    file: 'lib/ipam/allocation/search.ts',
    was: 'address === undefined',
    by: 'false',
    why: 'there is one; the compiler does not know',
  },
  {
    file: 'lib/ipam/allocation/search.ts',
    was: 'first > address',
    by: '(first >= address)',
    why: 'the address is not among them',
  },
  {
    file: 'lib/ipam/allocation/candidates.ts',
    was: 'size <= 2n',
    by: '(size < 2n)',
    why: 'the only step of two addresses is 1',
  },
  {
    file: 'lib/ipam/allocation/candidates.ts',
    was: 'value === undefined',
    by: 'false',
    why: 'there is one; the compiler does not know',
  },
  {
    file: 'lib/ipam/allocation/candidates.ts',
    was: 'taken > size / 2n',
    by: '(taken >= size / 2n)',
    why: 'the greater of two equal numbers',
  },
  ...[
    { was: 'a < b', by: '(a <= b)' },
    { was: '1', by: '2' },
  ].map(change => ({
    file: 'lib/ipam/allocation/go-records.ts',
    ...change,
    why: 'keys of an object differ, and a sort looks at the sign only',
  })),
  ...[
    { was: 'field === undefined', by: 'false' },
    { was: '0', by: '1' },
    { was: '0', by: 'undefined' },
    { was: '1', by: '2' },
  ].map(change => ({
    file: 'lib/ipam/pools/filter-rules.ts',
    ...change,
    why: 'a stable sort asks whether a later one goes before',
  })),
  {
    file: 'lib/ipam/pools/multus-network.ts',
    was: "text.trim() === ''",
    by: 'false',
    why: 'a short way: an empty text has no name',
  },
]

const COPIED = ['lib', 'daemons', 'test', 'schemas', 'tsconfig.json']
const BUN = `${ROOT}scripts/bun.sh`
/** Per mutant; one that runs longer counts as an endless loop. */
const RUN_MS_MAX = 20_000

/** The numbers of the mutants that no test notices. */
async function survivorsOf(folder: string, tests: readonly string[], mutants: number): Promise<readonly number[]> {
  const alive: number[] = []
  for (let next = 0; next < mutants;) {
    const outcomes = await run(folder, [String(next), String(mutants), ...tests])
    for (const [number, killedBy] of outcomes) if (killedBy === null) alive.push(number)
    next = (outcomes.at(-1)?.[0] ?? next - 1) + 1
    if (next < mutants) next++ // it ran for ever, or took the process with it
  }
  return alive
}

type Outcome = readonly [mutant: number, killedBy: string | null]

/** Throws where the tests do not even run, or fail without any change. */
function run(folder: string, args: readonly string[]): Promise<readonly Outcome[]> {
  const child = spawn(BUN, ['node_modules/tap/mutation-run.ts', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const outcomes: Outcome[] = []
  let words = ''
  let isReady = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text))
  const stop = (): void => void child.kill('SIGKILL')
  let late = setTimeout(stop, RUN_MS_MAX)
  createInterface({ input: child.stdout }).on('line', line => {
    if (line === 'ready') isReady = true
    else outcomes.push(JSON.parse(line) as Outcome)
    clearTimeout(late)
    late = setTimeout(stop, RUN_MS_MAX)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(late)
      if (isReady) resolve(outcomes)
      else reject(new Error(`the tests do not run: ${words}`))
    })
  })
}

interface Score {
  readonly file: string
  readonly mutants: number
  readonly same: number
  readonly survivors: readonly Mutant[]
}

async function score({ file, tests }: (typeof TARGETS)[number], source: Source, folder: string): Promise<Score> {
  const { mutants, text } = withMutants(source)
  writeFileSync(`${folder}/${file}`, text)
  const alive = await survivorsOf(folder, tests, mutants.length)
  writeFileSync(`${folder}/${file}`, source.text)
  const left = alive.map(number => mutants[number]).filter(one => one !== undefined)
  const isSame = ({ was, by }: Mutant): boolean =>
    SAME.some(one => one.file === file && one.was === oneLine(was) && one.by === oneLine(by))
  const survivors = left.filter(one => !isSame(one))
  return { file, mutants: mutants.length, same: left.length - survivors.length, survivors }
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ')

function copyTo(folder: string): void {
  mkdirSync(`${folder}/node_modules/tap`, { recursive: true })
  for (const part of COPIED) cpSync(`${ROOT}${part}`, `${folder}/${part}`, { recursive: true })
  for (const part of ['mutation-tap.ts', 'mutation-run.ts'])
    cpSync(`${ROOT}scripts/${part}`, `${folder}/node_modules/tap/${part}`)
  writeFileSync(`${folder}/node_modules/tap/package.json`, '{"type":"module","exports":{".":"./mutation-tap.ts"}}')
}

async function main(only: readonly string[]): Promise<void> {
  const folder = `${ROOT}dist/mutants-${process.pid}`
  const parsed = new Map(sources().map(source => [source.path, source]))
  const scores: Score[] = []
  try {
    copyTo(folder)
    for (const target of TARGETS.filter(({ file }) => only.length === 0 || only.includes(file))) {
      const source = parsed.get(target.file)
      if (!source) throw new Error(`there is no ${target.file}`)
      scores.push(await score(target, source, folder))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  tell(scores)
}

function tell(scores: readonly Score[]): void {
  for (const { file, mutants, same, survivors } of scores) {
    console.log(`${file}: ${mutants} mutants, ${same} are equivalent, ${survivors.length} survive`)
    for (const { line, was, by } of survivors) console.log(`${file}:${line}: ${oneLine(was)} → ${oneLine(by)}`)
  }
  const survive = scores.reduce((sum, { survivors }) => sum + survivors.length, 0)
  console.log(`mutate: ${survive === 0 ? 'no survivor' : `${survive} survive`}`)
  if (survive > 0 || scores.length === 0) process.exitCode = 1
}

await main(process.argv.slice(2))
