// docs/coordinator.md: its confs are valid, its keys are the schema's, its messages are in the
// sources.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { accepts } from '../../../plugins/coordinator/config.js'
import { settingsOf } from '../../../plugins/coordinator/settings.js'
import { ROOT } from '../../../scripts/source-tree.js'

const guide = readFileSync(`${ROOT}docs/coordinator.md`, 'utf8')
const cells = guide.split('\n').flatMap(line => (line.startsWith('| `') ? [line.split('|')[1] ?? ''] : []))
const inTicks = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)

t.test('docs/coordinator.md: every conf is valid', t => {
  const confs = [...guide.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(text) as object)
  t.ok(confs.length > 3)
  for (const conf of confs) {
    const { plugins = [conf] } = conf as { plugins?: readonly object[] }
    const own = plugins.find(one => (one as { type?: string }).type === 'coordinator')
    t.ok(settingsOf(accepts(own ?? {}), {}).mode, JSON.stringify(own))
  }
  t.end()
})

t.test('docs/coordinator.md explains exactly the keys of the schema', t => {
  const { properties } = JSON.parse(readFileSync(`${ROOT}schemas/netconf/coordinator.json`, 'utf8')) as {
    properties: Readonly<Record<string, { description?: string }>>
  }
  const [, table = ''] = guide.split('| key ')
  const [keys = ''] = table.split('\n\n')
  const explained = keys
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .flatMap(line => inTicks(line.split('|')[1] ?? ''))
  t.strictSame([...explained].sort(), Object.keys(properties).sort())
  t.end()
})

t.test('docs/coordinator.md quotes sentences that exist', t => {
  const sources = ['plugins/coordinator', 'lib/coordinator', 'lib/ipam', 'lib/probe', 'lib/kernel', 'lib/cni']
    .flatMap(folder =>
      readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).map(file => `${ROOT}${folder}/${file}`),
    )
    .filter(file => file.endsWith('.ts'))
    .map(file => readFileSync(file, 'utf8').replaceAll("\\'", "'"))
    .join('\n')
  const [, trouble = ''] = guide.split('| sentence ')
  const sentences = cells.filter(cell => trouble.includes(cell)).flatMap(inTicks)
  t.ok(sentences.length > 20, `${sentences.length} sentences`)
  for (const sentence of sentences)
    for (const part of sentence
      .split('…')
      .map(piece => piece.trim())
      .filter(piece => piece.length > 1))
      t.ok(sources.includes(part), part)
  t.end()
})
