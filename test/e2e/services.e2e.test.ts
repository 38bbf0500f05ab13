// Pods on two nodes: reachability over TCP and ICMP, in both families, also with parts removed.
import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Outcome } from '../fixtures/services.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The program that asks, in namespaces that end with it. */
function outcomes(): Promise<readonly Outcome[]> {
  return new Promise((done, fail) => {
    const child = spawn('demo/run.sh', ['test/fixtures/services.ts'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let words = ''
    child.stdout.on('data', (part: Buffer) => (output += part.toString()))
    child.stderr.on('data', (part: Buffer) => (words += part.toString()))
    child.on('error', fail)
    child.on('close', status => {
      if (status === 0)
        done(
          output
            .trim()
            .split('\n')
            .map(line => JSON.parse(line) as Outcome),
        )
      else fail(new Error(`status ${status}: ${words.trim()}\n${output}`))
    })
  })
}

const all = await outcomes()
const of = (part: string): readonly Outcome[] => all.filter(outcome => outcome.part === part)

/** Every one of a part did well; `count` of them, so that none was left out. */
function went(t: Test, part: string, count: number): void {
  t.equal(of(part).length, count, `${count} were asked`)
  for (const { of: what, said, error } of of(part)) t.equal(error, undefined, `${what}: ${said ?? ''}`)
}

function failed(t: Test, part: string, { count, says }: { count: number; says: RegExp }): void {
  t.equal(of(part).length, count, `${count} were asked`)
  for (const { of: what, error } of of(part)) t.match(error ?? 'it went well', says, what)
}

t.test('the coordinator makes pods, nodes, ClusterIPs, NodePorts and every interface reachable', t => {
  went(t, 'there', 43)
  t.end()
})

t.test('ADD twice is idempotent, and everything stays reachable', t => {
  went(t, 'again', 8)
  t.match(of('again').find(outcome => outcome.of.startsWith('rules,'))?.said, 'as before')
  t.end()
})

t.test('CHECK names missing marks, without which a reply leaves by the wrong interface, and ADD restores them', t => {
  failed(t, 'without marks', { count: 2, says: /no answer|reset|refused/ })
  failed(t, 'without marks: CHECK', { count: 1, says: /nf_tables|inet spiderpool/ })
  went(t, 'marked again', 3)
  t.end()
})

t.test('CHECK names net1’s missing rule, without which the gateway drops its replies by eth0', t => {
  failed(t, 'without a rule for net1', { count: 2, says: /no answer/ })
  failed(t, 'without a rule for net1: CHECK', { count: 1, says: /net1/ })
  t.end()
})

t.test('without masquerade a ClusterIP is unreachable: the reply of the endpoint bypasses the node', t => {
  failed(t, 'without masquerade', { count: 2, says: /no answer|reset|refused/ })
  t.end()
})
