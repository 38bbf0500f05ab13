// What the README shows works: its objects are accepted, its commands and links exist. Reads the README itself.
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

interface Shown {
  readonly kind: string
  readonly spec: unknown
}

const objects = [...README.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => parse(text) as Shown)
const shown = (kind: string): unknown => objects.find(object => object.kind === kind)?.spec

t.test('the pool of the README is the pool of the demo', t => {
  t.strictSame(shown('SpiderIPPool'), POOLS[0]?.['spec'])
  t.end()
})

t.test('the configuration in the NetworkAttachmentDefinition is accepted by macvlan-wrapper and by IPAM', t => {
  const { config } = shown('NetworkAttachmentDefinition') as { config: string }
  const conf: unknown = JSON.parse(config)
  t.match(accepts(conf), { master: 'eth0', mode: 'bridge' })
  t.match(ipamConf(conf), { ipv4: ['ippool-test'], kubeconfig: '/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig' })
  t.end()
})

t.test('every `make` word in the documents is a target', t => {
  const makefile = readFileSync(`${ROOT}Makefile`, 'utf8')
  const targets = new Set([...makefile.matchAll(/^([a-z0-9-]+):/gm)].map(([, name]) => name))
  for (const document of DOCUMENTS) {
    const text = readFileSync(ROOT + document, 'utf8')
    const words = [...text.matchAll(/(?:`|^|&& |=\S+ )make ([a-z0-9-]+)/gm)].map(([, word]) => word)
    for (const word of new Set(words)) t.ok(targets.has(word), `${document}: make ${word}`)
  }
  t.end()
})

t.test('every relative link in the documents leads to a file', t => {
  for (const document of DOCUMENTS)
    for (const [, link = ''] of readFileSync(ROOT + document, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)\)/g))
      t.ok(existsSync(ROOT + link), `${document}: ${link}`)
  t.end()
})

t.test('the first screen shows the two commands, and the figures have their place', t => {
  const screen = README.split('\n').slice(0, 24).join('\n')
  t.match(screen, /make demo/)
  t.match(screen, /make test/)
  t.match(README, /<!-- bench -->[^]+<!-- \/bench -->/)
  t.end()
})
