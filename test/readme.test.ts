// The README: its objects are accepted, its commands and links exist, its figures are current.
import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { POOLS } from '../demo/objects.js'
import { ipamConf } from '../lib/ipam/cni/conf.js'
import { accepts } from '../plugins/macvlan-wrapper/config.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const README = readFileSync(`${ROOT}README.md`, 'utf8')
const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
const README_LINES_MAX = 150
const BENCH = /<!-- bench -->([^]+)<!-- \/bench -->/

interface Shown {
  readonly kind: string
  readonly spec: unknown
}

const objects = [...README.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => parse(text) as Shown)
const shown = (kind: string): unknown => objects.find(object => object.kind === kind)?.spec

t.test('README.md shows the SpiderIPPool of the demo', t => {
  t.strictSame(shown('SpiderIPPool'), POOLS[0]?.['spec'])
  t.end()
})

t.test('the conf of the README is accepted by macvlan-wrapper and by IPAM', t => {
  const { config } = shown('NetworkAttachmentDefinition') as { config: string }
  const conf: unknown = JSON.parse(config)
  t.match(accepts(conf), { master: 'eth0', mode: 'bridge' })
  t.match(ipamConf(conf), { ipv4: ['ippool-test'] })
  t.end()
})

t.test('every `make` target of the documents exists', t => {
  const makefile = readFileSync(`${ROOT}Makefile`, 'utf8')
  const targets = new Set([...makefile.matchAll(/^([a-z0-9-]+):/gm)].map(([, name]) => name))
  for (const document of DOCUMENTS) {
    const text = readFileSync(ROOT + document, 'utf8')
    const words = [...text.matchAll(/(?:`|^|&& |=\S+ )make ([a-z0-9-]+)/gm)].map(([, word]) => word)
    for (const word of new Set(words)) t.ok(targets.has(word), `${document}: make ${word}`)
  }
  t.end()
})

t.test('every relative link of the documents names a file', t => {
  for (const document of DOCUMENTS)
    for (const [, link = ''] of readFileSync(ROOT + document, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)\)/g))
      t.ok(existsSync(ROOT + link), `${document}: ${link}`)
  t.end()
})

t.test('the README shows the two commands on its first screen and stays short', t => {
  const lines = README.trimEnd().split('\n')
  const screen = lines.slice(0, 24).join('\n')
  t.match(screen, /make demo/)
  t.match(screen, /make test/)
  t.ok(lines.length <= README_LINES_MAX, `${lines.length} lines, ${README_LINES_MAX} at most`)
  t.end()
})

/** Machine and rows between the bench marks, without the padding of the table. */
function figures(document: string): readonly string[] {
  const [, text = ''] = BENCH.exec(readFileSync(ROOT + document, 'utf8')) ?? []
  const lines = text.split('\n').map(line => line.replace(/ +\|/g, ' |'))
  return lines.filter(line => line.startsWith('_') || (line.startsWith('| ') && !/^\| (what|-)/.test(line)))
}

t.test('README.md has only figures of docs/benchmarks.md', t => {
  const all = new Set(figures('docs/benchmarks.md'))
  const shown = figures('README.md')
  t.equal(shown.length, 9, 'the machine and eight rows')
  for (const line of shown) t.ok(all.has(line), line)
  t.end()
})
