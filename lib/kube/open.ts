// Opens a client in this process: the KubeconfigHost on Bun's files, processes and YAML.
import { existsSync, readFileSync } from 'node:fs'
import { messageOf } from '../errors.js'
import { connect, type Kube } from './client.js'
import { inCluster, loadKubeconfig, type ClusterConfig } from './config.js'
import { kubeconfigPaths } from './entry.js'
import type { KubeconfigHost, ExecResult } from './entry.js'
import type { ClientDeps, Deadline } from './request.js'

const EXEC_MS_MAX = 20_000
/**
 * Requests at once of a CNI call. Bun's fetch speaks HTTP/1.1: a second connection costs a TLS
 * handshake, more time of both sides than the round trip that it saves (decisions/0027).
 */
const CALL_PARALLEL = 1

type Env = KubeconfigHost['env']

/** `timeLeft`: milliseconds that a program may run. */
const host = (env: Env, timeLeft = (): number => Infinity): KubeconfigHost => ({
  read: path => readFileSync(path, 'utf8'),
  yaml: text => Bun.YAML.parse(text),
  run: (command, environment) => runProgram(command, environment, Math.min(EXEC_MS_MAX, Math.ceil(timeLeft()))),
  now: () => Date.now(),
  env,
})

function runProgram(command: readonly string[], env: Readonly<Record<string, string>>, timeout: number): ExecResult {
  if (timeout <= 0) return { exitCode: -1, stdout: '', stderr: 'no time was left for it' }
  try {
    const { exitCode, stdout, stderr, exitedDueToTimeout } = Bun.spawnSync([...command], {
      env: { ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout,
      killSignal: 'SIGKILL',
    })
    if (exitedDueToTimeout === true) return { exitCode: -1, stdout: '', stderr: `it had not ended after ${timeout} ms` }
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() }
  } catch (error) {
    return { exitCode: null, stdout: '', stderr: messageOf(error) }
  }
}

export interface From {
  /** The path of the conf, already checked (lib/cni/allowed-files.ts). */
  readonly kubeconfig: string | undefined
  readonly env: Env
  readonly deadline?: Deadline
}

/**
 * A client of a kubeconfig: the conf's, else KUBECONFIG's, else the installed one. Sends nothing
 * yet.
 * @throws KubeError BadConfig
 */
export function connectFrom({ kubeconfig, env, deadline }: From): Kube {
  const endsAt = performance.now() + (deadline?.ms ?? Infinity)
  const files = host({ ...env }, () => endsAt - performance.now())
  return connect(
    ownProxy(loadKubeconfig(kubeconfigPaths(kubeconfig, env), files)),
    {},
    { parallel: CALL_PARALLEL },
    deadline,
  )
}

/** The client of a daemon: KUBECONFIG if it is set, else in-cluster. @throws KubeError BadConfig */
export const connectDaemon = (env: Env, deps: Partial<ClientDeps> = {}): Kube => connect(configOfDaemon(env), deps)

/**
 * The configuration of a daemon: clients of one configuration share their connections, whatever
 * deadlines they have.
 * @throws KubeError BadConfig
 */
export function configOfDaemon(env: Env): ClusterConfig {
  const isNamed = (env['KUBECONFIG'] ?? '') !== ''
  const files = host({ ...env })
  return ownProxy(isNamed ? loadKubeconfig(kubeconfigPaths(undefined, env), files) : inCluster(files))
}

export interface UserChoice {
  /** --kubeconfig and --context of a command line. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly env: Env
}

/**
 * The configuration of a command that a user runs, as kubectl finds it: the flag, KUBECONFIG,
 * ~/.kube/config, the pod's service account; and last the kubeconfig that is installed on a node.
 * @throws KubeError BadConfig
 */
export function configOfUser({ kubeconfig, context, env }: UserChoice): ClusterConfig {
  const files = host({ ...env })
  const ofHome = `${env['HOME'] ?? ''}/.kube/config`
  const isNamed = (kubeconfig ?? env['KUBECONFIG'] ?? '') !== ''
  if (isNamed) return ownProxy(loadKubeconfig(kubeconfigPaths(kubeconfig, env), files, context))
  if (existsSync(ofHome)) return ownProxy(loadKubeconfig([ofHome], files, context))
  const isPod = (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && context === undefined
  return ownProxy(isPod ? inCluster(files) : loadKubeconfig(kubeconfigPaths(undefined, env), files, context))
}

/**
 * proxy.ts has evaluated NO_PROXY; Bun's fetch would apply it again, by other rules and also to
 * proxy-url.
 */
function ownProxy(config: ClusterConfig): ClusterConfig {
  if (config.proxy) for (const name of ['NO_PROXY', 'no_proxy']) delete Bun.env[name]
  return config
}
