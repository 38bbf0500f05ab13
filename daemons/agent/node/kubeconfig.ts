// The kubeconfig of the direct path, where an administrator asks for one: a token of its own, which
// does not end with the agent's pod.
import { readFile } from 'node:fs/promises'
import { kubeconfigIn, writeKubeconfig } from '../../install/kubeconfig.js'
import { accountFault, kubeconfigOf } from '../../install/plan.js'
import type { Kube } from '../../../lib/kube/client.js'
import { KubeError } from '../../../lib/kube/errors.js'
import type { Kind } from '../../../lib/kube/kinds.js'
import { isTokenDue, mayRequest, TOKEN_S, tokenIn, type IssuedToken } from './token.js'

/** The service account whose rights the executables have. */
export const NODE_ACCOUNT = 'spiderpool-node'

/** `serviceaccounts/NAME/token`, a subresource that answers with another kind. */
const TOKEN_REQUESTS: Kind = {
  ...{ group: '', version: 'v1', kind: 'TokenRequest' },
  ...{ plural: `serviceaccounts/${NODE_ACCOUNT}/token`, namespaced: true },
}

export interface FallbackDeps {
  readonly kube: () => Kube
  readonly env: Readonly<Record<string, string | undefined>>
  readonly namespace: string
  readonly nodeName: string
  readonly confFolder: string
  readonly caFile: string
  readonly pid: number
  /** Milliseconds since 1970: tokens carry their end so. */
  readonly now: () => number
}

export class FallbackKubeconfig {
  readonly #deps: FallbackDeps
  #token: IssuedToken | undefined
  #failedMs: number | undefined

  constructor(deps: FallbackDeps) {
    this.#deps = deps
  }

  get path(): string {
    return kubeconfigIn(this.#deps.confFolder)
  }

  /**
   * Renews the token where it is due and writes the file where it differs, after a change of the
   * CA too. True where it was written.
   * @throws KubeError, Error
   */
  async write(): Promise<boolean> {
    const { now, env, caFile, pid } = this.#deps
    if (isTokenDue(this.#token, now()) && mayRequest(this.#failedMs, now())) await this.#renew()
    if (this.#token === undefined) return false
    const account = { token: this.#token.token, ca: await readFile(caFile, 'utf8') }
    const fault = accountFault(account)
    if (fault !== undefined) throw new Error(fault)
    return writeKubeconfig(this.path, kubeconfigOf(account, env), pid)
  }

  async #renew(): Promise<void> {
    try {
      this.#token = tokenIn(await this.#request(), this.#deps.now())
      this.#failedMs = undefined
    } catch (error) {
      this.#failedMs = this.#deps.now()
      throw error
    }
  }

  /**
   * Named, since an API server before 1.22 answers with the metadata that it was sent. Bound to
   * the Node, so that deploy/node-policy.yaml knows the node of its holder; Kubernetes before 1.31
   * binds to pods and Secrets alone and gets an unbound one.
   */
  async #request(): Promise<object> {
    const { kube, namespace, nodeName } = this.#deps
    const boundObjectRef = { apiVersion: 'v1', kind: 'Node', name: nodeName }
    const request = (spec: object): Promise<object> =>
      kube().create<object>(TOKEN_REQUESTS, {
        ...{
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: { namespace, name: NODE_ACCOUNT },
        },
        spec: { audiences: null, expirationSeconds: TOKEN_S, ...spec },
      })
    try {
      return await request({ boundObjectRef })
    } catch (error) {
      const isRefused = error instanceof KubeError && [400, 404, 422].includes(error.status)
      if (!isRefused) throw error
    }
    return request({})
  }
}
