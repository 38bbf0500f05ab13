// Answers about the server itself: health, version, discovery, OpenAPI. Knows all kinds; knows no object.
import type { Registry } from './registry.js'

const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0-spiderpool',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
}

/** Undefined where the path is about objects. */
export function aboutServer(_registry: Registry, _request: Request, url: URL): Response | undefined {
  switch (url.pathname) {
    case '/healthz':
    case '/readyz':
    case '/livez':
      return new Response('ok')
    case '/version':
      return Response.json(VERSION)
    default:
      return undefined
  }
}
