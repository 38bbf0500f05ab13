// `npx tsx scripts/walk.ts`, as root, with dist/bin built: how calls of spiderpool-ipam go through
// lib/ipam: an ADD, the ADD of a restarted sandbox, a DEL. Every function reports its first call;
// prints each file in that order. `^` is a return upward: a file of a higher folder, which a reader
// has to open again. Fails where a call has more than RETURNS_MAX of them.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { ArrowFunction, FunctionDeclaration, MethodDeclaration, Node } from 'typescript/unstable/ast'
import { isArrowFunction, isBlock, isFunctionDeclaration, isMethodDeclaration } from 'typescript/unstable/ast/is'
import { poolAnnotation } from '../test/fixtures/cluster.js'
import { cniEnv } from '../test/fixtures/executable.js'
import { openIpam } from '../test/fixtures/ipam.js'
import { nodeEnv } from '../test/fixtures/node-config.js'
import { ROOT, sources, startOf, walk, type Source } from './source-tree.js'

const RETURNS_MAX = 5

/** From the call down, as scripts/boundaries.ts has them. */
const FOLDERS = ['cni', 'pod', 'pools', 'allocation', 'store']
const depthOf = (path: string): number => FOLDERS.indexOf(path.split('/')[2] ?? '')

const isFunction = (node: Node): node is ArrowFunction | FunctionDeclaration | MethodDeclaration =>
  isArrowFunction(node) || isFunctionDeclaration(node) || isMethodDeclaration(node)

/** A callback is read with the function that it is in. */
const isInFunction = ({ parent }: Node): boolean => parent !== undefined && (isFunction(parent) || isInFunction(parent))

/** The source with a call of `__walk` at the start of every function that is not in another. */
function traced({ path, text, root }: Source): string {
  const inserts: (readonly [at: number, text: string])[] = []
  walk(root, (node: Node) => {
    if (!isFunction(node) || isInFunction(node)) return
    const { body } = node
    if (body === undefined) return
    const start = startOf(body, root)
    const report = `globalThis.__walk(${JSON.stringify(`${path} ${start}`)})`
    if (isBlock(body)) inserts.push([start + 1, ` ${report};`])
    else inserts.push([start, `(${report}, `], [body.end, ')'])
  })
  let out = text
  for (const [at, more] of inserts.sort(([a], [b]) => b - a)) out = out.slice(0, at) + more + out.slice(at)
  return out
}

const DRIVER = `
import { writeFileSync } from 'node:fs'
const [stdin, to] = process.argv.slice(2)
const calls = []
globalThis.__walk = call => void calls.push(call)
const [{ outcomeOf }, { plugin }] = [await import('./lib/cni/plugin.js'), await import('./plugins/spiderpool-ipam/main.js')]
const outcome = await outcomeOf(plugin, { env: process.env, readStdin: () => stdin, sameNetns: () => false })
writeFileSync(to, JSON.stringify({ calls, outcome }))
process.exit()
`

interface Walked {
  readonly calls: readonly string[]
  readonly outcome: { readonly exitCode: number; readonly stdout: string }
}

const CALLS = ['ADD', 'ADD of a restarted sandbox', 'DEL'] as const
type WalkedCall = (typeof CALLS)[number]

async function callsIn(folder: string): Promise<ReadonlyMap<WalkedCall, Walked>> {
  const ipam = await openIpam()
  try {
    await ipam.cluster.pool('p', { subnet: '10.9.0.0/24', ips: ['10.9.0.1-10.9.0.9'] })
    const pod = await ipam.cluster.pod('p', poolAnnotation('p'))
    const conf = { type: 'spiderpool', kubeconfig: ipam.kubeconfig, log_file_path: '/dev/null' }
    const stdin = JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'any', ipam: conf })
    const walked = new Map<WalkedCall, Walked>()
    let { containerID } = ipam.sandbox(pod)
    for (const call of CALLS) {
      if (call === 'ADD of a restarted sandbox') containerID = ipam.sandbox(pod).containerID
      if (call === 'DEL') await ipam.cluster.removePod(pod)
      const verb = call === 'DEL' ? 'DEL' : 'ADD'
      spawnSync(`${ROOT}scripts/bun.sh`, [`${folder}/driver.ts`, stdin, `${folder}/walked.json`], {
        env: { ...process.env, ...nodeEnv(), ...cniEnv({ verb, containerID, netns: ipam.netns, pod }) },
        stdio: 'inherit',
      })
      walked.set(call, JSON.parse(readFileSync(`${folder}/walked.json`, 'utf8')) as Walked)
    }
    return walked
  } finally {
    await ipam.stop()
  }
}

/** Prints the walk of a call; the number of returns upward. */
function print(call: WalkedCall, { calls, outcome }: Walked): number {
  if (outcome.exitCode !== 0) throw new Error(`the ${call} failed: ${outcome.stdout}`)
  const files = [...new Set(calls)].map(one => one.split(' ')[0] ?? '').filter((file, at, all) => file !== all[at - 1])
  const known = new Set<string>()
  let [again, upward] = [0, 0]
  console.log(`${call}:`)
  files.forEach((file, at) => {
    const isAgain = known.has(file)
    const isUpward = isAgain && depthOf(file) < depthOf(files[at - 1] ?? '')
    again += Number(isAgain)
    upward += Number(isUpward)
    known.add(file)
    console.log(`${isUpward ? '^' : isAgain ? '=' : ' '} ${'  '.repeat(depthOf(file))}${file}`)
  })
  console.log(`${known.size} files; ${again} are opened again, ${upward} of them upward; at most ${RETURNS_MAX} may be`)
  return upward
}

const folder = `${ROOT}dist/walk-${process.pid}`
try {
  mkdirSync(folder, { recursive: true })
  for (const part of ['lib', 'plugins', 'schemas', 'package.json', 'tsconfig.json'])
    cpSync(`${ROOT}${part}`, `${folder}/${part}`, { recursive: true })
  symlinkSync(`${ROOT}node_modules`, `${folder}/node_modules`)
  for (const source of sources().filter(({ path }) => path.startsWith('lib/ipam/') && depthOf(path) >= 0))
    writeFileSync(`${folder}/${source.path}`, traced(source))
  writeFileSync(`${folder}/driver.ts`, DRIVER)
  for (const [call, walked] of await callsIn(folder)) if (print(call, walked) > RETURNS_MAX) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
