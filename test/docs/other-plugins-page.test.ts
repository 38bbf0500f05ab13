// Holds docs/other-plugins.md to what the controller makes of its SpiderMultusConfigs.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { nadOf, OURS } from '../../daemons/controller/reconcilers/nad/decide.js'
import type { SpiderMultusConfig } from '../../lib/crd/multusconfig.js'
import { blocksOf } from './page.js'

const blocks = blocksOf(readFileSync(new URL('../../docs/other-plugins.md', import.meta.url), 'utf8'))
const objects = blocks
  .filter(({ language, text }) => language === 'yaml' && text.startsWith('apiVersion'))
  .map(({ heading, text }) => ({ heading, smc: parse(text) as SpiderMultusConfig }))

t.equal(objects.length, 3, 'ipvlan, SR-IOV and a conf of the user')
for (const { heading, smc } of objects) {
  const { metadata, spec } = nadOf({ ...smc, metadata: { ...smc.metadata, uid: 'u' } }, OURS)
  const conf: unknown = JSON.parse(spec?.config ?? '')
  const shown = blocks.find(block => block.heading === heading && block.language === 'json')
  if (shown) t.same(conf, JSON.parse(shown.text), `the page shows the conf of ${smc.metadata.name}`)
  else t.same(conf, JSON.parse(String((smc.spec as { customCNI?: string }).customCNI)), `${smc.metadata.name} as given`)
  if (heading === 'SR-IOV')
    t.equal(metadata.annotations?.['k8s.v1.cni.cncf.io/resourceName'], 'spidernet.io/sriov_netdevice', 'the resource')
}
