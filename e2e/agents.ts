// The node agents for their administrator: their processes, their DaemonSet, what lies on the node.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { codeOf } from '../lib/errors.js'
import { kubectl, must, NODES, onNode, within } from './kubectl.js'

export const DAEMON_SET = '-n kube-system daemonset/spiderpool-agent'
export const AGENTS = '-n kube-system pods -l app.kubernetes.io/component=spiderpool-agent'
export const KUBECONFIG = '/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig'

/** What `of` reads below /proc/PID; undefined for a process that has ended. */
function ofProcess<T>(of: () => T): T | undefined {
  try {
    return of()
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(codeOf(error))) return undefined
    throw error
  }
}

/** PIDs of the agent on a node: nodes share the machine's PIDs; an agent has the node's network. */
export function agentPids(node: string): readonly number[] {
  const netnsOf = (pid: string): string => readlinkSync(`/proc/${pid}/ns/net`)
  const own = netnsOf(readFileSync(join(process.env['K8S_FOLDER'] ?? '', node, 'pid'), 'utf8').trim())
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid =>
      ofProcess(() => {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 2)
        return argv.some(word => basename(word) === 'spiderpool-agent') && netnsOf(pid) === own
      }),
    )
    .map(Number)
}

/** SIGKILL to the agent of each node. Returns how many there were. */
export function killAgents(): number {
  const pids = NODES.flatMap(agentPids)
  for (const pid of pids) ofProcess(() => process.kill(pid, 'SIGKILL'))
  return pids.length
}

export const rolledOut = (): Promise<string> => kubectl(`rollout status ${DAEMON_SET} --timeout=120s`)

/** Every agent is gone, and no node has its socket. */
export const noAgents = (): Promise<void> =>
  within(60, 'no agent runs', async () => {
    const left = NODES.flatMap(agentPids)
    if (left.length > 0) throw new Error(`${left.length} do`)
  })

/** Folders of a node in which a CNI plugin could leave or find a credential. */
const CNI_FOLDERS = '/etc/cni /opt/cni /var/run/spidernet /run/spidernet /var/lib/cni /var/log/spidernet'
/** A bearer token (a JWT begins so in base64), a key in PEM or in base64 as kubeconfigs have it. */
const SECRETS = 'eyJhbGciOi|PRIVATE KEY|client-key-data|LS0tLS1CRUdJTiB[A-Za-z0-9+/]*UFJJVkFURSBLRVk'

/** Text files of the node's CNI folders that are a kubeconfig or have a token or a private key. */
export async function credentialsOn(node: string): Promise<readonly string[]> {
  const look = `find ${CNI_FOLDERS} -type f 2>/dev/null | sort -u | while read -r file; do
    case $file in *kubeconfig*) echo "$file" ;; *) grep -qIE '${SECRETS}' "$file" && echo "$file" ;; esac; done; true`
  const found = await must(onNode(node, 'sh', '-c', look))
  return found.split('\n').filter(line => line !== '')
}
