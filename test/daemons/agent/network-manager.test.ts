// What the agent says of NetworkManager, from state files and processes in a folder.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { managedSentence } from '../../../daemons/agent/node/network-manager.js'

interface Node {
  /** Name and ifindex of links, and NetworkManager's file of each. */
  readonly links: readonly (readonly [name: string, index: number, state?: string])[]
  readonly process?: { readonly comm: string; readonly netns: string }
}

const MANAGED = '[device]\nmanaged=true\n'
const RUNNING = { comm: 'NetworkManager\n', netns: 'net:[1]' }

function nodeOf(t: Test, { links, process }: Node): Parameters<typeof managedSentence>[0] {
  const folder = t.testdir({})
  const folders = { state: `${folder}/state`, proc: `${folder}/proc`, links: `${folder}/links` }
  for (const path of [folders.state, `${folders.proc}/self/ns`, folders.links]) mkdirSync(path, { recursive: true })
  symlinkSync('net:[1]', `${folders.proc}/self/ns/net`)
  for (const [name, index, state] of links) {
    mkdirSync(`${folders.links}/${name}`)
    writeFileSync(`${folders.links}/${name}/ifindex`, `${index}\n`)
    if (state !== undefined) writeFileSync(`${folders.state}/${index}`, state)
  }
  if (process) {
    mkdirSync(`${folders.proc}/7/ns`, { recursive: true })
    writeFileSync(`${folders.proc}/7/comm`, process.comm)
    symlinkSync(process.netns, `${folders.proc}/7/ns/net`)
  }
  return folders
}

const many = Array.from({ length: 7 }, (_, at) => [`veth${at}`, at + 10, MANAGED] as const)
const cases: readonly (readonly [what: string, node: Node, says: RegExp | undefined])[] = [
  [
    'a managed veth',
    { links: [['veth1', 4, MANAGED]], process: RUNNING },
    /manages veth1 and may .*installNetworkManagerConf=true/,
  ],
  ['many of them', { links: many, process: RUNNING }, /veth4 and 2 more/],
  ['an unmanaged veth', { links: [['veth1', 4, '[device]\nmanaged=false\n']], process: RUNNING }, undefined],
  ['a managed uplink', { links: [['eth0', 2, MANAGED]], process: RUNNING }, undefined],
  ['files of a NetworkManager that ended', { links: [['veth1', 4, MANAGED]] }, undefined],
  ['another process', { links: [['veth1', 4, MANAGED]], process: { ...RUNNING, comm: 'sh\n' } }, undefined],
  ['one in a container', { links: [['veth1', 4, MANAGED]], process: { ...RUNNING, netns: 'net:[2]' } }, undefined],
  ['a node without NetworkManager', { links: [['veth1', 4]] }, undefined],
]
for (const [what, node, says] of cases)
  t.test(`managedSentence() of ${what}`, t => {
    const sentence = managedSentence(nodeOf(t, node))
    if (says) t.match(sentence, says)
    else t.equal(sentence, undefined)
    t.end()
  })

t.test('managedSentence() is undefined where nothing can be read', t => {
  t.equal(managedSentence({ state: '/none', proc: '/none', links: '/none' }), undefined)
  t.end()
})
