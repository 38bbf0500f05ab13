// `cni add|check|del|plan`: calls the executables of a conf as Multus does, for a person on a node.
import { existsSync } from 'node:fs'
import type { Pod } from '../../../lib/crd/types.js'
import { messageOf } from '../../../lib/errors.js'
import { hash64 } from '../../../lib/hash.js'
import { uidOf } from '../../../lib/ipam/store/pod.js'
import { PODS } from '../../../lib/kube/kinds.js'
import type { CtlCommand, CtlContext } from '../context.js'
import { podRefOf } from '../names.js'
import { CtlError, type ExitStatus } from '../status.js'
import { tracePod } from '../trace/command.js'
import { confFor, pluginsOf, type NetworkList, type PluginConf } from './decide.js'
import { exec, findIn, type Ran } from './exec.js'

export interface CniOptions {
  readonly conf?: string
  readonly netns?: string
  readonly pod?: string
  readonly ifname?: string
  readonly bin?: string
  readonly uid?: string
  readonly containerId?: string
  readonly result?: string
}

type CniVerbName = 'ADD' | 'CHECK' | 'DEL' | 'PLAN'

/** What the calls of one invocation have in common. */
interface Attachment {
  readonly list: NetworkList
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  readonly podRef: string
  readonly prevResult: unknown
  readonly context: CtlContext
}

const BIN = '/opt/cni/bin'

/** `cni add` and its siblings. */
export const cni =
  (verb: CniVerbName): CtlCommand<CniOptions> =>
  async (context, _, options) => {
    const attachment = await attachmentOf(verb, options, context)
    switch (verb) {
      case 'ADD':
        return add(attachment)
      case 'DEL':
        return del(attachment)
      case 'CHECK':
        return check(attachment)
      case 'PLAN':
        return plan(attachment)
    }
  }

function required(options: CniOptions, key: 'conf' | 'netns' | 'pod'): string {
  const value = options[key] ?? ''
  if (value === '') throw new CtlError('usage', `--${key} is missing; see spiderpoolctl cni add --help`)
  return value
}

async function attachmentOf(verb: CniVerbName, options: CniOptions, context: CtlContext): Promise<Attachment> {
  const [conf, netns, pod] = [required(options, 'conf'), required(options, 'netns'), required(options, 'pod')]
  const ref = podRefOf(pod, context.cluster.namespace)
  const list = pluginsOf(jsonOf(conf, '--conf', context))
  if (typeof list === 'string') throw new CtlError('usage', `--conf ${conf}: ${list}`)
  if (verb !== 'DEL' && !existsSync(netns))
    throw new CtlError('usage', `--netns ${netns} does not exist; write /run/netns/NAME or /proc/PID/ns/net`)
  const { result, ifname = 'eth0', bin = BIN } = options
  if (verb === 'CHECK' && result === undefined)
    throw new CtlError('usage', 'cni check needs --result with what cni add printed')
  const podRef = `${ref.namespace}/${ref.name}`
  const uid = options.uid ?? (await uidOfPod(ref, verb, context))
  const containerID = options.containerId ?? `spiderpoolctl-${hash64(`${podRef} ${uid}`).toString(16)}`
  const args = {
    IgnoreUnknown: 'true',
    K8S_POD_NAMESPACE: ref.namespace,
    K8S_POD_NAME: ref.name,
    K8S_POD_INFRA_CONTAINER_ID: containerID,
    K8S_POD_UID: uid,
  }
  const env = {
    CNI_CONTAINERID: containerID,
    CNI_NETNS: netns,
    CNI_IFNAME: ifname,
    CNI_PATH: bin,
    CNI_ARGS: Object.entries(args)
      .map(([key, value]) => `${key}=${value}`)
      .join(';'),
  }
  const prevResult = result === undefined ? undefined : jsonOf(result, '--result', context)
  return { list, path: bin, env, podRef, prevResult, context }
}

function jsonOf(file: string, option: string, { readFile }: CtlContext): unknown {
  try {
    return JSON.parse(readFile(file)) as unknown
  } catch (error) {
    throw new CtlError('usage', `${option} ${file} cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

async function uidOfPod(
  ref: { readonly namespace: string; readonly name: string },
  verb: CniVerbName,
  { cluster }: CtlContext,
): Promise<string> {
  const pod = await cluster.find<Pod>(PODS, ref)
  if (pod) return uidOf(pod)
  if (verb === 'DEL')
    throw new CtlError(
      'usage',
      `there is no pod ${ref.namespace}/${ref.name} any more; give the --uid of the one that had it`,
    )
  throw new CtlError('usage', `there is no pod ${ref.namespace}/${ref.name}; see kubectl get pods -n ${ref.namespace}`)
}

/** One call of one executable. */
function call(verb: string, plugin: PluginConf, prevResult: unknown, { list, path, env }: Attachment): Ran {
  const file = findIn(path, plugin.type)
  if (file === undefined) throw new CtlError('usage', `there is no executable ${plugin.type} in ${path}; set --bin`)
  const stdin = JSON.stringify(confFor(list, plugin, prevResult))
  const isPlan = verb === 'PLAN'
  return exec(file, { args: isPlan ? ['--plan'] : [], env: { ...env, ...(!isPlan && { CNI_COMMAND: verb }) }, stdin })
}

/** The sentence of a failed call. */
function failure(verb: string, { type }: PluginConf, { stdout, stderr, exitCode }: Ran): string {
  try {
    const { code, msg, details } = JSON.parse(stdout) as { code?: number; msg?: string; details?: string }
    return `${verb} of ${type} fails with code ${code}: ${msg}${details === undefined || details === '' ? '' : ` (${details})`}`
  } catch {
    return `${verb} of ${type} ends with status ${exitCode}: ${(stderr || stdout).trim()}` // it wrote no JSON
  }
}

/** Each plugin gets the result of the one before; a failed ADD is followed by a DEL of all. */
function add(attachment: Attachment): ExitStatus {
  const { list, context } = attachment
  let { prevResult } = attachment
  for (const plugin of list.plugins) {
    const ran = call('ADD', plugin, prevResult, attachment)
    if (ran.exitCode !== 0) {
      context.warn(failure('ADD', plugin, ran))
      const left = deleteAll({ ...attachment, prevResult })
      context.warn(
        left ? 'DEL has removed what was set up' : 'DEL failed too; run spiderpoolctl cni del with the same options',
      )
      return 'no'
    }
    prevResult = JSON.parse(ran.stdout) as unknown
  }
  context.print(`${JSON.stringify(prevResult, null, 2)}\n`)
  return 'ok'
}

const del = (attachment: Attachment): ExitStatus => (deleteAll(attachment) ? 'ok' : 'no')

/** In reverse order, past failures. True where each succeeded. */
function deleteAll(attachment: Attachment): boolean {
  const failed = [...attachment.list.plugins].reverse().filter(plugin => {
    const ran = call('DEL', plugin, attachment.prevResult, attachment)
    if (ran.exitCode !== 0) attachment.context.warn(failure('DEL', plugin, ran))
    return ran.exitCode !== 0
  })
  return failed.length === 0
}

function check(attachment: Attachment): ExitStatus {
  for (const plugin of attachment.list.plugins) {
    const ran = call('CHECK', plugin, attachment.prevResult, attachment)
    if (ran.exitCode === 0) continue
    attachment.context.warn(failure('CHECK', plugin, ran))
    return 'no'
  }
  attachment.context.print(`${attachment.list.plugins.map(({ type }) => type).join(', ')}: nothing differs\n`)
  return 'ok'
}

/** The plan of each plugin; that of our IPAM is the trace of the pod. */
async function plan(attachment: Attachment): Promise<ExitStatus> {
  const { list, context, podRef } = attachment
  let isWhole = true
  for (const plugin of list.plugins) {
    context.print(`${plugin.type}:\n`)
    const ran = call('PLAN', plugin, attachment.prevResult, attachment)
    if (ran.exitCode === 0) context.print(ran.stdout.replace(/^(?=.)/gm, '  '))
    else context.warn(failure('--plan', plugin, ran))
    isWhole &&= ran.exitCode === 0
    if (!plugin.isOurIpam) continue
    context.print('ipam:\n')
    isWhole = (await tracePod({ ...context, format: 'table' }, [podRef], {})) === 'ok' && isWhole
  }
  return isWhole ? 'ok' : 'no'
}
