// What `doctor --node` finds on this node: executables, confs, trust, socket, kernel, logs.
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { AGENT_PATHS, AGENT_SOCKET } from '../../../lib/agent/protocol.js'
import { messageOf } from '../../../lib/errors.js'
import { whyNotFile, whyNotFolder, whyNotSocket } from '../../../lib/file-trust.js'
import { openKernel } from '../../../lib/kernel/kernel.js'
import type { NetnsState } from '../../../lib/plan/state.js'
import { netnsNames, netnsState } from '../check/kernel.js'
import { pluginsOf, typesIn } from './decide.js'
import { duplicateMacs, lastErrors, masterFindings, ruleFindings, sysctlFindings, SYSCTLS } from './kernel-decide.js'
import type { ClusterFacts, Finding } from './facts.js'

export const NODE_PATHS = {
  bin: '/opt/cni/bin',
  confs: '/etc/cni/net.d',
  kubeconfig: '/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig',
  logs: '/var/log/spidernet',
  networkManager: { pid: '/run/NetworkManager', dropIn: '/etc/NetworkManager/conf.d/spidernet.conf' },
} as const

const EXECUTABLES = ['spiderpool-ipam', 'spiderpool', 'coordinator', 'macvlan-wrapper', 'ifacer'] as const
const TABLE = 500
const LOG_BYTES_MAX = 65_536
const SOCKET_MS = 2_000

const object = `node/${hostname().toLowerCase()}`
const wrong = (check: string, what: string, why: string, mend: string): Finding => ({ check, object, what, why, mend })
const REINSTALL = 'kubectl -n kube-system rollout restart daemonset/spiderpool-agent'

/** Undefined where it does not exist or cannot be read. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined // the caller says what is missing
  }
}

/** Everything that is wrong on this node. */
export async function nodeFindings(facts: ClusterFacts): Promise<readonly Finding[]> {
  const table = facts.coordinator?.spec?.hostRuleTable ?? TABLE
  return [
    ...executables(),
    ...confs(facts),
    ...kubeconfig(),
    ...(await socket(facts.hasAgents)),
    ...kernel(table, facts),
    ...networkManager(),
    ...logs(),
  ]
}

function executables(): readonly Finding[] {
  const why = 'an ADD of a network that names it fails'
  const own = quietly(() => statSync(process.execPath))
  return EXECUTABLES.flatMap((name): readonly Finding[] => {
    const path = `${NODE_PATHS.bin}/${name}`
    const stats = quietly(() => statSync(path))
    if (!stats) return [wrong('executables', `${path} does not exist`, why, REINSTALL)]
    if ((stats.mode & 0o111) === 0) return [wrong('executables', `${path} is not executable`, why, `chmod 755 ${path}`)]
    const isSame = stats.ino === own?.ino || stats.size === own?.size
    const other = `${path} is of another version than this spiderpoolctl (${stats.size} and ${own?.size ?? 0} bytes)`
    return isSame
      ? []
      : [{ ...wrong('executables', other, 'an upgrade has not reached this node', REINSTALL), isNote: true }]
  })
}

/** The first conf of the folder is used; every type of it and of the networks must exist. */
function confs({ nads }: ClusterFacts): readonly Finding[] {
  const names = (quietly(() => readdirSync(NODE_PATHS.confs)) ?? [])
    .filter(name => /\.(conf|conflist|json)$/.test(name))
    .sort()
  const [first] = names
  const why = 'the container runtime starts no pod'
  if (first === undefined)
    return [
      wrong(
        'confs',
        `${NODE_PATHS.confs} has no CNI conf`,
        why,
        'install Multus, or a CNI conf of your cluster network',
      ),
    ]
  const found: Finding[] = []
  const installed = new Set(quietly(() => readdirSync(NODE_PATHS.bin)) ?? [])
  const config = quietly(() => readFileSync(`${NODE_PATHS.confs}/${first}`, 'utf8')) ?? ''
  const plugins = pluginsOf({ metadata: { name: first }, spec: { config } })
  if (!plugins)
    return [wrong('confs', `${NODE_PATHS.confs}/${first} is not JSON`, why, `correct ${NODE_PATHS.confs}/${first}`)]
  for (const type of typesIn(plugins))
    if (!installed.has(type))
      found.push(wrong('confs', `${first} names ${type}, which is not in ${NODE_PATHS.bin}`, why, `install ${type}`))
  for (const nad of nads ?? [])
    for (const type of new Set(typesIn(pluginsOf(nad) ?? [])))
      if (!installed.has(type)) {
        const what = `network ${nad.metadata.namespace ?? ''}/${nad.metadata.name} names ${type}, which is not in ${NODE_PATHS.bin}`
        found.push(
          wrong(
            'networks',
            what,
            'a pod on this node that names the network does not start',
            `install ${type} on this node`,
          ),
        )
      }
  return found
}

function kubeconfig(): readonly Finding[] {
  const path = NODE_PATHS.kubeconfig
  const stats = quietly(() => lstatSync(path))
  const why = 'without an agent the executables have no credentials'
  if (!stats) return [{ ...wrong('kubeconfig', `${path} does not exist`, why, REINSTALL), isNote: true }]
  const reason = whyNotFile(stats) ?? quietly(() => whyNotFolder(path.replace(/\/[^/]*$/, '')))
  return reason === undefined
    ? []
    : [
        wrong(
          'kubeconfig',
          `${path} or its folder ${reason}`,
          'the executables do not use it',
          `chown root ${path}; chmod 600 ${path}`,
        ),
      ]
}

async function socket(hasAgents: boolean): Promise<readonly Finding[]> {
  const stats = quietly(() => lstatSync(AGENT_SOCKET))
  const why = 'each call goes the slower direct way'
  const mend = 'kubectl -n kube-system get pods -o wide -l app.kubernetes.io/component=spiderpool-agent'
  if (!stats) return hasAgents ? [wrong('agent', `${AGENT_SOCKET} does not exist`, why, mend)] : []
  const reason = whyNotSocket(stats)
  if (reason !== undefined) return [wrong('agent', `${AGENT_SOCKET} ${reason}`, why, mend)]
  try {
    const init = { unix: AGENT_SOCKET, signal: AbortSignal.timeout(SOCKET_MS) }
    const { status } = await fetch(`http://agent${AGENT_PATHS.healthy}`, init as RequestInit)
    return status === 200 ? [] : [wrong('agent', `it answers with status ${status}`, why, mend)]
  } catch (error) {
    return [wrong('agent', `it does not answer: ${messageOf(error)}`, why, mend)]
  }
}

function kernel(table: number, { nads }: ClusterFacts): readonly Finding[] {
  const opened = openKernel('')
  try {
    const { node } = opened.observe({ node: { links: 'all', rules: true, sysctls: SYSCTLS.map(({ path }) => path) } })
    const inside: (readonly [string, NetnsState])[] = []
    const stale: Finding[] = []
    for (const name of netnsNames()) {
      const state = netnsState(name)
      if (typeof state !== 'string') inside.push([name, state])
      else
        stale.push(
          wrong(
            'netns',
            `/run/netns/${name} cannot be opened: ${state}`,
            'it is left of a pod that is gone',
            `rm /run/netns/${name}, if no pod has it`,
          ),
        )
    }
    const place = (one: Omit<Finding, 'object'>): Finding => ({ object, ...one })
    return [
      ...stale,
      ...sysctlFindings(node.sysctls).map(place),
      ...ruleFindings(node.rules, table).map(place),
      ...masterFindings(node.links, nads ?? []).map(place),
      ...duplicateMacs([['the node', node], ...inside]).map(place),
    ]
  } catch (error) {
    return [
      {
        ...wrong(
          'kernel',
          `it cannot be read: ${messageOf(error)}`,
          'links, rules and sysctls were not looked at',
          'run it as root',
        ),
        isNote: true,
      },
    ]
  } finally {
    opened.close()
  }
}

function networkManager(): readonly Finding[] {
  const { pid, dropIn } = NODE_PATHS.networkManager
  if (!quietly(() => statSync(pid)) || quietly(() => statSync(dropIn))) return []
  const why = 'NetworkManager may take the veths of pods for its own and remove their addresses'
  return [
    {
      ...wrong(
        'networkmanager',
        `it runs, and ${dropIn} does not exist`,
        why,
        'set spiderpoolAgent.installNetworkManagerConf of the chart',
      ),
      isNote: true,
    },
  ]
}

function logs(): readonly Finding[] {
  return (quietly(() => readdirSync(NODE_PATHS.logs)) ?? [])
    .filter(name => name.endsWith('.log'))
    .flatMap(name => {
      const path = `${NODE_PATHS.logs}/${name}`
      const text = quietly(() => readFileSync(path, 'utf8').slice(-LOG_BYTES_MAX)) ?? ''
      return lastErrors(text).map(line => ({
        ...wrong('log', `${path}: ${line}`, 'a recent call failed', `see docs/errors.md, and tail ${path}`),
        isNote: true as const,
      }))
    })
}
