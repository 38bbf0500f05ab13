// Pods with a secondary interface: two NetworkAttachmentDefinitions, a pool each.
import type { Case } from '../case.js'
import { conflist, useMultus, useNetwork } from '../install.js'
import { apply, inPod, kubectl, must, NODES, within, type Obj } from '../kubectl.js'
import { network, NETWORK, pool4 } from '../objects.js'
import { show, showKubectl } from '../say.js'
import { allocated, gone, launch } from '../wait.js'

const SECOND = 'kube-system/macvlan-second'
const POOLS = JSON.stringify([
  { interface: 'eth0', ipv4: ['first'] },
  { interface: 'net1', ipv4: ['second'] },
])

interface Endpoint extends Obj {
  readonly status: { readonly current: { readonly ips: readonly { interface: string; ipv4: string }[] } }
}

async function attach(): Promise<void> {
  const [namespace = '', name = ''] = SECOND.split('/')
  await apply(network(name, 'eth1'))
  await within(10, `NetworkAttachmentDefinition ${SECOND} is there`, () =>
    kubectl(`-n ${namespace} get network-attachment-definitions.k8s.cni.cncf.io ${name}`),
  )
  await apply(pool4('first', '172.18.60.1-172.18.60.4'), {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: 'second' },
    spec: { subnet: '172.19.0.0/16', ips: ['172.19.60.1-172.19.60.4'], multusName: [SECOND] },
  })
  const annotations = { 'k8s.v1.cni.cncf.io/networks': SECOND, 'ipam.spidernet.io/ippools': POOLS }
  const pods = await launch({ name: 'twofold', replicas: 2, annotations, isSpread: true })
  await showKubectl('get spiderendpoints')
  for (const { metadata } of pods) {
    const other = pods.find(pod => pod.metadata.name !== metadata.name)?.metadata.name ?? ''
    const { status } = JSON.parse(await kubectl(`get spiderendpoint ${other} -o json`)) as Endpoint
    if (status.current.ips.length !== 2) throw new Error(`${other} has ${status.current.ips.length} interfaces`)
    for (const { interface: nic, ipv4 } of status.current.ips) {
      const [address = ''] = ipv4.split('/')
      const ping = inPod(metadata.name, 'ping', '-c', '1', '-W', '1', '-I', nic, address)
      await within(10, `${address} answers ${metadata.name} on ${nic}`, () => must(ping))
      show(`${metadata.name} reaches ${other} by ${nic}, ${address}`)
    }
  }
  await allocated('second', 2)
  await kubectl('delete deployment twofold')
  await gone('twofold')
  await allocated('first', 0)
  await allocated('second', 0)
  await kubectl('delete sp first second')
  await kubectl(`-n ${namespace} delete spidermultusconfig ${name}`)
}

/** Where no Multus was named, a stand-in is the nodes' network for as long as the case runs. */
async function run(): Promise<void> {
  if ((process.env['MULTUS_BIN'] ?? '') !== '') return attach()
  const standIn = process.env['MULTUS_STAND_IN'] ?? ''
  for (const node of NODES) await useMultus(node, standIn)
  try {
    await attach()
  } finally {
    const conf = await conflist()
    for (const node of NODES) await useNetwork(node, conf)
  }
}

export const networks: Case = {
  name: 'networks',
  says: `pods with a secondary interface: ${NETWORK} and ${SECOND}, by Multus, or by a stand-in where MULTUS_BIN names none`,
  run,
}
