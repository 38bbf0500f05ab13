// Holds after every case: what `spiderpoolctl check --node` finds on each node, and that no network
// namespace and no veth is left.
import { list, must, NODES, onNode, run, type Pod } from './kubectl.js'

/** What is wrong; each a sentence. */
type Wrong = string

interface PlanRow {
  readonly object: string
  readonly kind: string
  readonly what: string
  readonly wrong: boolean
}

/** Of the machine: a node's mounts may hide the repository. */
export const ctl = (): string => {
  const path = process.env['SPIDERPOOLCTL']
  if (path === undefined) throw new Error('SPIDERPOOLCTL is not set; run: make e2e')
  return path
}

/**
 * A case has ended, so nothing needs a grace period; the looks are as far apart as a count needs.
 */
const CHECK = ['check', '-o', 'json', '--settle', '1.5', '--unrecorded', '0']

/** What `spiderpoolctl check --node` finds on a node. */
async function checked(node: string): Promise<readonly Wrong[]> {
  const { status, stdout, stderr } = await run(onNode(node, ctl(), ...CHECK, '--node', node))
  if (status !== 0 && status !== 1) throw new Error(`spiderpoolctl check on ${node}: ${stderr.trim()}`)
  const rows = JSON.parse(stdout) as readonly PlanRow[]
  return rows.filter(({ wrong }) => wrong).map(({ object, kind, what }) => `${object}: ${what} (${kind})`)
}

const isOurs = (pod: Pod): boolean => pod.spec.hostNetwork !== true && pod.status.podIP !== undefined

interface NamedLink {
  readonly ifname: string
  readonly linkinfo?: { readonly info_kind?: string }
}

/** As many network namespaces and veths as pods: an empty one has no address that is compared. */
async function counted(node: string, pods: readonly Pod[]): Promise<readonly Wrong[]> {
  const here = pods.filter(pod => pod.spec.nodeName === node && isOurs(pod) && pod.status.phase === 'Running').length
  const names = (await must(onNode(node, 'sh', '-c', 'ls /run/netns')))
    .split('\n')
    .filter(name => name.startsWith('cni-'))
  const links = JSON.parse(await must(onNode(node, 'ip', '-j', '-d', 'link'))) as readonly NamedLink[]
  const veths = links.filter(({ linkinfo, ifname }) => linkinfo?.info_kind === 'veth' && !/^eth\d$/.test(ifname))
  return [
    ...(names.length === here ? [] : [`${node}: ${names.length} namespaces of pods, ${here} pods`]),
    ...(veths.length === here
      ? []
      : [`${node}: ${veths.length} veths (${veths.map(v => v.ifname).join(' ')}), ${here} pods`]),
  ]
}

/** Returns every violated invariant; `dead`: nodes that do not answer. */
export async function wrongs({ dead = [] }: { readonly dead?: readonly string[] } = {}): Promise<readonly Wrong[]> {
  const pods = await list<Pod>('pods -A')
  const nodes = NODES.filter(node => !dead.includes(node))
  const found = await Promise.all(nodes.map(async node => [...(await checked(node)), ...(await counted(node, pods))]))
  return [...new Set(found.flat())]
}

/** The pod that `spiderpoolctl who ADDRESS` names; '' where no pod has it. */
export async function holderOf(address: string): Promise<string> {
  const { stdout } = await run([ctl(), 'who', address, '-o', 'json'])
  const [row] = JSON.parse(stdout) as readonly { readonly namespace: string; readonly pod: string }[]
  return row && row.pod !== '' ? `${row.namespace}/${row.pod}` : ''
}
