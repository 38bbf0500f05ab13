// docs/ifacer.md: its confs are taken, its options are those that are known, and the sentences that
// it explains are those that are said.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { CniError } from '../../../lib/cni/error.js'
import { accepts } from '../../../plugins/ifacer/config.js'
import { optionsOf } from '../../../plugins/ifacer/bond.js'
import { ROOT } from '../../../scripts/source-tree.js'

const guide = readFileSync(`${ROOT}docs/ifacer.md`, 'utf8')
const inTicks = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
/** What is in ticks in a column of the table that begins with this head. */
const column = (head: string, at: number): readonly string[] => {
  const [table = ''] = guide.split(`| ${head} `)[1]?.split('\n\n') ?? []
  return table.split('\n').flatMap(line => (line.startsWith('| `') ? inTicks(line.split('|')[at + 1] ?? '') : []))
}

t.test('docs/ifacer.md: accepts() takes every conf', async t => {
  const confs = [...guide.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(text) as object)
  t.equal(confs.length, 2)
  for (const conf of confs) {
    const { plugins } = conf as { plugins: readonly { type: string; master: string }[] }
    const { bond, vlan } = accepts(plugins[0], 'ADD')
    t.equal((vlan ?? bond)?.name, plugins[1]?.master, 'what is made is the next one’s master')
    if (bond) t.ok(optionsOf(bond.options).primary)
  }
})

t.test('docs/ifacer.md explains exactly the keys of the schema', async t => {
  const { properties } = JSON.parse(readFileSync(`${ROOT}schemas/netconf/ifacer.json`, 'utf8')) as {
    properties: object
  }
  const explained = new Set(column('key', 0).map(key => key.split('.')[0]))
  t.strictSame([...explained].sort(), Object.keys(properties).sort())
})

t.test('docs/ifacer.md explains exactly the bond options', async t => {
  let known: readonly string[] = []
  try {
    optionsOf('none=1')
  } catch (error) {
    if (error instanceof CniError) known = error.message.split('there are ')[1]?.split(', ') ?? []
  }
  t.ok(known.length > 25, `${known.length} options`)
  t.strictSame([...column('option', 0)].sort(), [...known].sort())
})

t.test('docs/ifacer.md quotes sentences that exist', async t => {
  const sources = readdirSync(`${ROOT}plugins/ifacer`)
    .filter(file => file.endsWith('.ts'))
    .map(file => readFileSync(`${ROOT}plugins/ifacer/${file}`, 'utf8'))
    .join('\n')
  const sentences = column('sentence', 0)
  t.ok(sentences.length > 12, `${sentences.length} sentences`)
  for (const part of sentences.flatMap(sentence => sentence.split('…').map(piece => piece.trim())))
    t.ok(part.length < 2 || sources.includes(part), part)
})
