// A client for this process: files, programs and YAML as Bun has them, behind the Host that config.ts asks. Knows no kubeconfig fields.
import { readFileSync } from 'node:fs'
import { connect, type Kube } from './client.js'
import { inCluster, kubeconfigPaths, loadKubeconfig, type ClusterConfig } from './config.js'
import type { KubeconfigHost, ExecResult } from './entry.js'
import type { Deadline } from './request.js'

const EXEC_MS_MAX = 20_000

type Env = KubeconfigHost['env']

/** `timeLeft`: milliseconds in which a program must have ended. */
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
    return { exitCode: null, stdout: '', stderr: error instanceof Error ? error.message : String(error) }
  }
}

export interface From {
  /** Of the conf: a path that it may name, which is for who reads the conf to judge. */
  readonly kubeconfig: string | undefined
  readonly env: Env
  readonly deadline?: Deadline
}

/**
 * A client by a kubeconfig: the conf's, else KUBECONFIG's, else the installed one. Sends nothing yet.
 * @throws KubeError BadConfig
 */
export function connectFrom({ kubeconfig, env, deadline }: From): Kube {
  const endsAt = performance.now() + (deadline?.ms ?? Infinity)
  const files = host({ ...env }, () => endsAt - performance.now())
  return connect(ownProxy(loadKubeconfig(kubeconfigPaths(kubeconfig, env), files)), {}, {}, deadline)
}

/** For a daemon: by KUBECONFIG where that is set, else as the pod that it is. */
export function connectDaemon(env: Env): Kube {
  const isNamed = (env['KUBECONFIG'] ?? '') !== ''
  const files = host({ ...env })
  return connect(ownProxy(isNamed ? loadKubeconfig(kubeconfigPaths(undefined, env), files) : inCluster(files)))
}

/** NO_PROXY has been judged (proxy.ts): Bun's fetch would apply it once more, by rules of its own, also to proxy-url. */
function ownProxy(config: ClusterConfig): ClusterConfig {
  if (config.proxy) for (const name of ['NO_PROXY', 'no_proxy']) delete Bun.env[name]
  return config
}
