// Runs every command of docs/troubleshooting.md, in its order, on a cluster with its symptoms.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { poolAnnotation, SPIDER } from '../fixtures/cluster.js'
import { BIN } from '../fixtures/executable.js'
import { openIpam } from '../fixtures/ipam.js'
import { run } from '../../demo/external-host.js'

const page = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')
const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig } = bench
const folder = mkdtempSync(join(tmpdir(), 'troubleshooting-'))
t.teardown(async () => {
  rmSync(folder, { recursive: true })
  await bench.stop()
})

await cluster.pool('ippool-test', { subnet: '172.18.0.0/16', ips: ['172.18.30.138-172.18.30.139'] })
await cluster.pool('ippool-lab', { subnet: '172.19.0.0/16', ips: ['172.19.30.150-172.19.30.155'] })
const named = { 'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: ['ippool-test'] }) }
for (const name of ['web-0', 'web-1']) {
  const pod = await cluster.pod(name, named)
  await bench.sandbox(pod).add()
}
// The address that the page names is that of the pod that goes.
const path = `${SPIDER}/spiderippools/ippool-test`
const pool = await cluster.api.read(path)
const spec = { ...(pool['spec'] as object), ips: ['172.18.30.138-172.18.30.140'] }
await cluster.api.replace(path, { ...pool, spec })
const old = await cluster.pod('old-0', named)
await bench.sandbox(old).add()
await cluster.removePod(old)
const none = { namespace: '', name: '', uid: '' }
await cluster.api.create('spideripaddresses', {
  ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPAddress' },
  metadata: {
    name: '172.19.30.150',
    labels: { 'ipam.spidernet.io/pod-uid': '', 'ipam.spidernet.io/conflict': '0a-1b-00-00-00-01' },
    annotations: { 'ipam.spidernet.io/conflict-since': '2026-12-01T00:00:00.000Z' },
  },
  spec: {
    ...{ address: '172.19.30.150/16', ipVersion: 4, pool: 'ippool-lab', nic: '', node: 'n1', containerID: '' },
    ...{ pod: none, owner: { apiVersion: '', kind: '', name: '' } },
  },
})
await cluster.pod('web-2', named)
await cluster.pod('typo', { 'ipam.spidernet.io/ipool': JSON.stringify({ ipv4: ['ippool-test'] }) })
writeFileSync(
  join(folder, 'pod.yaml'),
  JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'planned', annotations: poolAnnotation('ippool-lab') } },
    spec: { containers: [] },
  }),
)

/** A line of the page as a pattern: `…` is any text, blanks are any number of blanks. */
const patternOf = (line: string): RegExp =>
  new RegExp(
    line
      .split(/(…| +)/)
      .map(part => (part === '…' ? '.*' : /^ +$/.test(part) ? ' +' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      .join(''),
  )

const blocks = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map(([, text = '']) => text.trimEnd().split('\n'))

t.test('docs/troubleshooting.md: every command of spiderpoolctl in a block is run', async t => {
  t.ok(blocks.length > 10)
  for (const [first = '', ...expected] of blocks) {
    const command = first.replace(/^\$ spiderpoolctl /, '')
    t.not(command, first, `the block begins with a command: ${first}`)
    const { status, stdout, stderr } = await run('sh', ['-c', `cd ${folder} && ${BIN}/spiderpoolctl ${command}`], {
      env: { KUBECONFIG: kubeconfig },
    })
    t.ok(status === 0 || status === 1, `${command}: status ${status}, ${stderr}`)
    for (const line of expected.filter(one => one !== '…')) t.match(stdout + stderr, patternOf(line), command)
  }
})
