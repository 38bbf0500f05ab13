// Paths about the server: health, version, discovery, OpenAPI.
import {
  aggregatedDiscovery,
  aggregatedIn,
  aggregatedType,
  apiGroupList,
  apiGroupOf,
  apiResourceList,
  apiVersions,
} from './discovery.js'
import type { KindInfo } from '../schema/kinds.js'
import { openApiResponse } from '../openapi/documents.js'
import type { Registry } from '../schema/kind-registry.js'
import { REVIEW_KINDS } from './access-review.js'
import { VERSION_INFO } from './version.js'

const json = (value: object | undefined): Response | undefined =>
  value === undefined ? undefined : Response.json(value)

/** The response; undefined if the path names objects. */
export function serverInfo(registry: Registry, request: Request, url: URL): Response | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
  switch (url.pathname.replace(/(?<=.)\/$/, '')) {
    case '/healthz':
    case '/readyz':
    case '/livez':
      return new Response('ok')
    case '/version':
      return Response.json(VERSION_INFO)
    case '/api':
    case '/apis':
      return roots([...registry.all(), ...REVIEW_KINDS], request, url)
    default:
      if (url.pathname.startsWith('/openapi/')) return openApiResponse(registry, request, url, VERSION_INFO.gitVersion)
      return discovery(
        registry,
        url.pathname.split('/').filter(part => part !== ''),
      )
  }
}

const DISCOVERY_PARTS_MAX = 3 // /apis/GROUP/VERSION; longer paths name objects

function discovery(registry: Registry, parts: readonly string[]): Response | undefined {
  if (parts.length > DISCOVERY_PARTS_MAX) return undefined
  const kinds = [...registry.all(), ...REVIEW_KINDS]
  const [root, ...rest] = parts
  const [group = '', version = ''] = root === 'api' ? ['', ...rest] : rest
  if (root === 'api' && rest.length === 1) return json(apiResourceList(kinds, group, version))
  if (root === 'apis' && rest.length === 1) return json(apiGroupOf(kinds, group))
  if (root === 'apis' && rest.length === 2) return json(apiResourceList(kinds, group, version))
  return undefined
}

/** /api and /apis: legacy lists, or aggregated discovery if the client accepts it. */
function roots(kinds: readonly KindInfo[], request: Request, { pathname, host }: URL): Response {
  const isCore = !pathname.startsWith('/apis')
  const version = aggregatedIn(request.headers.get('accept') ?? '')
  if (version === undefined) return Response.json(isCore ? apiVersions(host) : apiGroupList(kinds))
  const headers = { 'content-type': aggregatedType(version), vary: 'Accept' }
  return Response.json(aggregatedDiscovery(kinds, isCore ? 'api' : 'apis', version), { headers })
}
