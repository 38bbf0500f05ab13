// Counts requests to the API server, each attempt, as client-go's rest_client_requests_total.
import { familyOf, type Metrics } from '../../lib/metrics.js'
import type { ClientDeps } from '../../lib/kube/request.js'
import { CONTROLLER_METRICS } from './metrics.js'

const PATH = /\/(?:api|apis\/[^/]+)\/[^/]+\/(?:namespaces\/[^/]+\/)?([^/?]+)(?:\/([^/?]+))?/
const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** Verb and resource of a request, in the words of RBAC. */
export function requestOf(method: string, url: string): { readonly verb: string; readonly resource: string } {
  const [, resource = 'other', name] = PATH.exec(url) ?? []
  const read = /[?&]watch=(?:true|1)(?:&|$)/.test(url) ? 'watch' : name === undefined ? 'list' : 'get'
  return { verb: VERBS[method] ?? read, resource }
}

/** `fetch` that counts answers by status; `<error>` where there was none. */
export function countedFetch(metrics: Metrics): ClientDeps['fetch'] {
  const counter = metrics.counter(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_api_requests_total'))
  return async (url, init) => {
    const request = requestOf(init.method ?? 'GET', url)
    try {
      const answer = await fetch(url, init)
      counter.add({ ...request, code: String(answer.status) })
      return answer
    } catch (error) {
      counter.add({ ...request, code: '<error>' })
      throw error
    }
  }
}
