// A kubeconfig on the node for programs that reach the API server themselves, Multus and
// executables without an agent: a token of its own, which does not end with the agent's pod.
import { readFile } from 'node:fs/promises'
import { writeKubeconfig } from '../../install/kubeconfig.js'
import { accountFault, kubeconfigOf } from '../../install/plan.js'
import type { Kube } from '../../../lib/kube/client.js'
import { KubeError } from '../../../lib/kube/errors.js'
import type { Kind } from '../../../lib/kube/kinds.js'
import { isTokenDue, mayRequest, TOKEN_S, tokenIn, type Clocks, type IssuedToken } from './token.js'

/** `serviceaccounts/NAME/token`, a subresource that answers with another kind. */
const tokenRequestsOf = (account: string): Kind => ({
  ...{ group: '', version: 'v1', kind: 'TokenRequest' },
  ...{ plural: `serviceaccounts/${account}/token`, namespaced: true, isNameless: true },
})

export interface KubeconfigDeps {
  readonly kube: () => Kube
  readonly env: Readonly<Record<string, string | undefined>>
  readonly namespace: string
  readonly nodeName: string
  readonly caFile: string
  readonly pid: number
  readonly now: () => Clocks
}

interface Target {
  readonly path: string
  /** The service account whose rights its holder has. */
  readonly account: string
}

export class AccountKubeconfig {
  readonly path: string
  readonly #account: string
  readonly #deps: KubeconfigDeps
  #token: IssuedToken | undefined
  /** `ms` is monotonic. */
  #failed: { readonly ms: number; readonly error: unknown } | undefined

  constructor({ path, account }: Target, deps: KubeconfigDeps) {
    this.path = path
    this.#account = account
    this.#deps = deps
  }

  /**
   * Renews the token where it is due and writes the file where it differs, after a change of the
   * CA too. True where it was written.
   * @throws KubeError, Error; that of the last request while none may be sent again
   */
  async write(): Promise<boolean> {
    const { now, env, caFile, pid } = this.#deps
    if (isTokenDue(this.#token, now()) && mayRequest(this.#failed?.ms, now().monotonicMs)) await this.#renew()
    if (this.#token === undefined) throw this.#failed?.error
    const account = { token: this.#token.token, ca: await readFile(caFile, 'utf8') }
    const fault = accountFault(account)
    if (fault !== undefined) throw new Error(fault)
    return writeKubeconfig(this.path, kubeconfigOf(account, env), pid)
  }

  async #renew(): Promise<void> {
    try {
      this.#token = tokenIn(await this.#request(), this.#deps.now())
      this.#failed = undefined
    } catch (error) {
      this.#failed = { ms: this.#deps.now().monotonicMs, error }
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
      kube().create<object>(tokenRequestsOf(this.#account), {
        ...{
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: { namespace, name: this.#account },
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
