// A client for this process: files, programs and YAML as Bun has them, behind the Host that config.ts asks. Knows no kubeconfig fields.
import { readFileSync } from 'node:fs'
import { connect, type Kube } from './client.js'
import { inCluster, kubeconfigPaths, loadKubeconfig } from './config.js'
import type { Host, Ran } from './entry.js'

const EXEC_MS_MAX = 20_000

type Env = Host['env']

const host = (env: Env): Host => ({
  read: path => readFileSync(path, 'utf8'),
  yaml: text => Bun.YAML.parse(text),
  run: (command, environment) => runProgram(command, environment),
  now: () => Date.now(),
  env,
})

function runProgram(command: readonly string[], env: Readonly<Record<string, string>>): Ran {
  try {
    const { exitCode, stdout, stderr, exitedDueToTimeout } = Bun.spawnSync([...command], {
      env: { ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: EXEC_MS_MAX,
    })
    if (exitedDueToTimeout === true)
      return { exitCode: -1, stdout: '', stderr: `it had not ended after ${EXEC_MS_MAX} ms` }
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() }
  } catch (error) {
    return { exitCode: null, stdout: '', stderr: error instanceof Error ? error.message : String(error) }
  }
}

/** By a kubeconfig: the conf's, else KUBECONFIG's, else the installed one. Throws KubeError BadConfig; sends nothing yet. */
export function connectFrom(from: { readonly kubeconfig: string | undefined; readonly env: Env }): Kube {
  return connect(loadKubeconfig(kubeconfigPaths(from.kubeconfig, from.env), host(from.env)))
}

/** For a daemon: by KUBECONFIG where that is set, else as the pod that it is. */
export function connectDaemon(env: Env): Kube {
  const isNamed = (env['KUBECONFIG'] ?? '') !== ''
  return connect(isNamed ? loadKubeconfig(kubeconfigPaths(undefined, env), host(env)) : inCluster(host(env)))
}
