// What a bench needs: a standalone API server with pools and pods, a node's link, a netns.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { nodeEnv } from '../test/fixtures/node-config.js'

export const BIN = fileURLToPath(new URL('../dist/bin', import.meta.url))
export const DEBIAN = '/usr/lib/cni'
const READY_MS_MAX = 10_000

export interface Pod {
  readonly name: string
  readonly uid: string
}

export interface PoolsByFamily {
  readonly ipv4?: readonly string[]
  readonly ipv6?: readonly string[]
}

export interface Stage {
  readonly folder: string
  readonly kubeconfig: string
  readonly netns: string
  /** One object; throws with the server's sentence. */
  ask<T>(method: string, path: string, body?: object): Promise<T>
  pool(name: string, spec: object): Promise<{ readonly metadata: { readonly uid: string } }>
  /**
   * Ends as the name of a Deployment's pod: a name that ends in a number may be a StatefulSet's,
   * whose record is read first.
   */
  pod(name: string, pool: string, family?: 4 | 6): Promise<Pod>
  /** The same, with pools of both families. */
  podOf(name: string, pools: PoolsByFamily): Promise<Pod>
  close(): Promise<void>
}

export const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'

function sh(command: string): void {
  const ran = Bun.spawnSync(command.split(' '), { stderr: 'pipe' })
  if (ran.exitCode !== 0) throw new Error(`${command}: ${ran.stderr.toString()}`)
}

export interface Access {
  readonly server: string
  readonly token: string
  readonly ca: string
}

/** Who we are to the server that a kubeconfig names. */
export function accessIn(kubeconfig: string): Access {
  const { clusters, users } = Bun.YAML.parse(readFileSync(kubeconfig, 'utf8')) as {
    readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[]
    readonly users: readonly { readonly user: Readonly<Record<string, string>> }[]
  }
  const cluster = clusters[0]?.cluster ?? {}
  return {
    server: cluster['server'] ?? '',
    token: users[0]?.user['token'] ?? '',
    ca: Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64').toString(),
  }
}

function asker({ server, token, ca }: Access): Stage['ask'] {
  return async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(server + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      tls: { ca },
    })
    const value = (await answer.json()) as T & { readonly message?: string }
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${value.message ?? ''}`)
    return value
  }
}

async function ready(kubeconfig: string): Promise<Stage['ask']> {
  const end = Date.now() + READY_MS_MAX
  for (;;) {
    try {
      const ask = asker(accessIn(kubeconfig))
      await ask('GET', `${SPIDER}/spiderippools`)
      return ask
    } catch (error) {
      if (Date.now() > end) throw error
      await Bun.sleep(50)
    }
  }
}

function openPlaces(): { readonly netns: string; close(): void } {
  const [link, pod] = [masterOf(), `bench-${process.pid}`]
  sh(`ip netns add ${pod}`)
  sh(`ip link add ${link} type veth peer name ${link}p`)
  for (const end of [link, `${link}p`]) sh(`ip link set ${end} up`)
  return {
    netns: `/run/netns/${pod}`,
    close() {
      sh(`ip netns del ${pod}`)
      sh(`ip link del ${link}`)
    },
  }
}

export const podObject = (name: string, pools: PoolsByFamily): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, annotations: { 'ipam.spidernet.io/ippool': JSON.stringify(pools) } },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
})

export const poolObject = (name: string, spec: object): object => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name },
  spec,
})

export interface Server {
  readonly folder: string
  readonly kubeconfig: string
  readonly ask: Stage['ask']
  close(): Promise<void>
}

/** A standalone API server in a folder of its own. */
export async function openServer(...args: readonly string[]): Promise<Server> {
  const folder = mkdtempSync(`${tmpdir()}/bench-`)
  const kubeconfig = `${folder}/kubeconfig`
  const server = Bun.spawn(
    [`${BIN}/spiderpool-apiserver`, '--data-dir', `${folder}/data`, '--kubeconfig', kubeconfig, ...args],
    { stdout: 'ignore', stderr: 'inherit' },
  )
  return {
    folder,
    kubeconfig,
    ask: await ready(kubeconfig),
    async close() {
      server.kill()
      await server.exited
      rmSync(folder, { recursive: true })
    },
  }
}

export async function openStage(): Promise<Stage> {
  const server = await openServer()
  const places = openPlaces()
  const { folder, kubeconfig, ask } = server
  const podOf: Stage['podOf'] = async (text, pools) => {
    const name = `${text}-x`
    const path = '/api/v1/namespaces/default/pods'
    const { metadata } = await ask<{ metadata: { uid: string } }>('POST', path, podObject(name, pools))
    return { name, uid: metadata.uid }
  }
  return {
    folder,
    kubeconfig,
    netns: places.netns,
    ask,
    pool: (name, spec) => ask('POST', `${SPIDER}/spiderippools`, poolObject(name, spec)),
    pod: (text, pool, family = 4) => podOf(text, { [`ipv${family}`]: [pool] }),
    podOf,
    async close() {
      await server.close()
      places.close()
    },
  }
}

export const masterOf = (): string => `bm${process.pid % 100_000}`

/** A call's environment and conf, as Multus sends them. */
export function callOf(
  stage: Stage,
  of: { readonly verb: string; readonly pod: Pod; readonly type: string; readonly ipam?: object },
) {
  const { verb, pod, type, ipam } = of
  const containerID = `c-${pod.name}`
  return {
    env: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: containerID,
      CNI_NETNS: stage.netns,
      CNI_IFNAME: 'eth0',
      CNI_PATH: `${BIN}:${DEBIAN}`,
      ...nodeEnv(),
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod.name};K8S_POD_INFRA_CONTAINER_ID=${containerID};K8S_POD_UID=${pod.uid}`,
    },
    stdin: JSON.stringify({
      cniVersion: '1.0.0',
      name: 'bench',
      type,
      master: masterOf(),
      ipam: ipam ?? {
        type: 'spiderpool',
        kubeconfig: stage.kubeconfig,
        log_level: 'warn',
        log_file_path: `${stage.folder}/log`,
      },
    }),
  }
}
