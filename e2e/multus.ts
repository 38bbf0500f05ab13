// A stand-in for Multus, of which Debian has no package, as a CNI executable (`bun build
// --compile`). ADD: the default network, then those of the pod's annotation, by
// NetworkAttachmentDefinition; DEL: in reverse. `--type thin`: installs itself, as the
// /install_multus of Multus' image does.
import { codeOf, messageOf } from '../lib/errors.js'
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { parse } from 'yaml'
import * as libcni from '../demo/libcni.js'

interface Conf {
  readonly cniVersion: string
  readonly kubeconfig: string
  /** Name of the NetworkAttachmentDefinition that is every pod's eth0, and its namespace. */
  readonly clusterNetwork: string
  readonly multusNamespace: string
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ]
  readonly users: readonly [{ readonly user: { readonly token: string } }]
}

type Named = readonly [ifName: string, list: libcni.Conflist]

const STATE = '/var/lib/cni/multus'
const DEFAULT_NETWORK = 'v1.multus-cni.io/default-network'
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'

function environment(key: string): string {
  return process.env[key] ?? ''
}
const args = Object.fromEntries(
  environment('CNI_ARGS')
    .split(';')
    .map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const),
)
const containerID = environment('CNI_CONTAINERID')

async function read<T>(kubeconfig: string, path: string): Promise<T> {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig
  const { server, 'certificate-authority-data': authority } = clusters[0].cluster
  const ca = Buffer.from(authority, 'base64').toString()
  const headers = { authorization: `Bearer ${users[0].user.token}` }
  const answer = await fetch(server + path, { headers, tls: { ca }, signal: AbortSignal.timeout(30_000) })
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

async function networksOf({ kubeconfig, clusterNetwork, multusNamespace }: Conf): Promise<readonly Named[]> {
  const namespace = args['K8S_POD_NAMESPACE'] ?? ''
  interface Pod {
    readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  }
  const pod = await read<Pod>(kubeconfig, `/api/v1/namespaces/${namespace}/pods/${args['K8S_POD_NAME'] ?? ''}`)
  const { annotations = {} } = pod.metadata
  const further = (annotations[NETWORKS] ?? '').split(',').filter(name => name.trim() !== '')
  const names = [
    annotations[DEFAULT_NETWORK] ?? `${multusNamespace}/${clusterNetwork}`,
    ...further.map(name => name.trim()),
  ]
  return Promise.all(
    names.map(async (full, at): Promise<Named> => {
      const [name = '', where = namespace] = full.split('/').toReversed()
      const path = `/apis/k8s.cni.cncf.io/v1/namespaces/${where}/network-attachment-definitions/${name}`
      const { spec } = await read<{ readonly spec: { readonly config: string } }>(kubeconfig, path)
      return [at === 0 ? environment('CNI_IFNAME') : `net${at}`, libcni.conflistOf(spec.config, name)]
    }),
  )
}

const cache: libcni.Cache = {
  read: key => fileIn<libcni.Result>(`${STATE}/results/${key}`),
  write(key, result) {
    mkdirSync(`${STATE}/results`, { recursive: true })
    writeFileSync(`${STATE}/results/${key}`, JSON.stringify(result))
  },
  remove: key => rmSync(`${STATE}/results/${key}`, { force: true }),
}

function fileIn<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** An executable of CNI_PATH; what it refuses is refused in its words. */
function call(type: string, env: Readonly<Record<string, string>>, conf: object): Promise<libcni.Result> {
  const file = environment('CNI_PATH')
    .split(':')
    .map(folder => `${folder}/${type}`)
    .find(path => Bun.file(path).size > 0)
  if (file === undefined) throw new Error(`failed to find plugin "${type}" in path [${environment('CNI_PATH')}]`)
  return new Promise((resolve, reject) => {
    const child = spawn(file, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
    let stdout = ''
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()))
    child.on('error', reject)
    child.on('close', status => {
      const said = (stdout.trim() === '' ? {} : JSON.parse(stdout)) as libcni.Result & { readonly msg?: string }
      if (status === 0) resolve(said)
      else reject(new Error(said.msg ?? `${type} ended with ${status}`))
    })
    child.stdin.end(JSON.stringify(conf))
  })
}

const runtime = (ifName: string): libcni.Runtime => ({
  ...{ containerID, ifName, args, capabilityArgs: {} },
  netns: environment('CNI_NETNS'),
})

async function add(conf: Conf): Promise<void> {
  const networks = await networksOf(conf)
  mkdirSync(STATE, { recursive: true })
  writeFileSync(`${STATE}/${containerID}`, JSON.stringify(networks)) // before anything is made
  let first: libcni.Result | undefined
  for (const [ifName, list] of networks) {
    const result = await libcni.add(list, runtime(ifName), { call, cache })
    first ??= result
  }
  writeSync(1, JSON.stringify({ ...first, cniVersion: conf.cniVersion }))
}

async function del(): Promise<void> {
  const networks = fileIn<readonly Named[]>(`${STATE}/${containerID}`) ?? []
  for (const [ifName, list] of networks.toReversed()) await libcni.del(list, runtime(ifName), { call, cache })
  rmSync(`${STATE}/${containerID}`, { force: true })
}

const INSTALLED = '/host/opt/cni/bin/multus'

async function main(): Promise<void> {
  if (process.argv.includes('--type')) {
    copyFileSync(process.execPath, `${INSTALLED}.part`)
    return renameSync(`${INSTALLED}.part`, INSTALLED)
  }
  const versions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0']
  const verb = environment('CNI_COMMAND')
  if (verb === 'VERSION') return void writeSync(1, JSON.stringify({ cniVersion: '1.0.0', supportedVersions: versions }))
  const conf = JSON.parse(readFileSync(0, 'utf8')) as Conf
  try {
    if (verb === 'ADD') await add(conf)
    else if (verb === 'DEL') await del()
  } catch (error) {
    const msg = messageOf(error)
    writeSync(1, JSON.stringify({ cniVersion: conf.cniVersion, code: 999, msg }))
    process.exitCode = 1
  }
}

await main()
