// Calls a CNI executable as Multus does for a pod's default network. Knows the protocol; knows nothing of what is called.
import { randomBytes } from 'node:crypto'
import type { Api, KubeObject } from './api.js'
import { BIN, run } from './world.js'

export interface Attachment {
  readonly pod: KubeObject
  readonly containerID: string
  readonly netns: string
}

export const attachment = (pod: KubeObject, netns: string): Attachment => ({
  pod,
  netns,
  containerID: randomBytes(32).toString('hex'),
})

interface Reply {
  readonly ips?: readonly { readonly address: string }[]
  readonly code?: number
  readonly msg?: string
  readonly details?: string
}

const PATH = '/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions/macvlan-conf'

/** Returns the executable's answer and how long it took, in ms; throws what it said if it failed. */
export async function call(
  verb: 'ADD' | 'CHECK' | 'DEL',
  { pod, containerID, netns }: Attachment,
  { api, prevResult }: { readonly api: Api; readonly prevResult?: Reply },
): Promise<{ readonly reply: Reply; readonly ms: number }> {
  const { config } = (await api.read(PATH))['spec'] as { config: string }
  const conf = JSON.parse(config) as { type: string }
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const args = [
    'IgnoreUnknown=true',
    `K8S_POD_NAMESPACE=${namespace}`,
    `K8S_POD_NAME=${name}`,
    `K8S_POD_INFRA_CONTAINER_ID=${containerID}`,
    `K8S_POD_UID=${uid}`,
  ]
  const env = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: containerID,
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH: BIN,
    CNI_ARGS: args.join(';'),
  }
  const started = performance.now()
  const { status, stdout, stderr } = await run(`${BIN}/${conf.type}`, [], {
    env,
    stdin: JSON.stringify({ ...conf, ...(prevResult && { prevResult }) }),
  })
  const ms = performance.now() - started
  if (stdout === '' && status !== 0)
    throw new Error(`${conf.type} ${verb} of ${name}: status ${status} ${stderr.trim()}`)
  const reply = (stdout === '' ? {} : JSON.parse(stdout)) as Reply
  if (status !== 0) throw new Error(`${conf.type} ${verb} of ${name}: ${reply.msg ?? stdout} ${reply.details ?? ''}`)
  return { reply, ms }
}
