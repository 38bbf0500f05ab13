// The proxy of the environment for a server, by the rules of golang.org/x/net/http/httpproxy. Pure.
import { parseIp, type Ip } from '../ip/address.js'
import { cidr, containsIp, parsePrefix } from '../ip/cidr.js'

export interface Proxy {
  /** Scheme, host and port, optionally user and password. */
  readonly url: string
  /** The variable or the kubeconfig key that defines it. */
  readonly from: string
}

type Env = Readonly<Record<string, string | undefined>>

/** The first spelling takes precedence, as in Go; Go has no ALL_PROXY. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'http:': ['HTTP_PROXY', 'http_proxy'],
  'https:': ['HTTPS_PROXY', 'https_proxy'],
}
const NO_PROXY: readonly string[] = ['NO_PROXY', 'no_proxy']

/** RFC 1122 3.2.1.3 and RFC 4291 2.5.3. */
const LOOPBACK = [cidr('127.0.0.0/8'), cidr('::1/128')]
const PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

const setIn = (env: Env, names: readonly string[]): string | undefined => names.find(name => (env[name] ?? '') !== '')

/**
 * The proxy for `server`, an http or https URL; undefined for a direct connection: none is set, the
 * server is loopback, or NO_PROXY matches.
 */
export function proxyFor(server: string, env: Env): Proxy | undefined {
  const { protocol, hostname, port } = new URL(server)
  const from = setIn(env, VARIABLES[protocol] ?? [])
  if (from === undefined) return undefined
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (isLoopback(host)) return undefined
  const exempt = env[setIn(env, NO_PROXY) ?? ''] ?? ''
  if (isExempt({ host, port: port || (PORTS[protocol] ?? '') }, exempt)) return undefined
  return { url: urlOf(env[from] ?? ''), from }
}

/** The proxy for logs and events, without user and password. */
export const shownProxy = ({ url, from }: Proxy): string => `${url.replace(/\/\/.*@/, '//')} of ${from}`

/** `proxy:3128` is `http://proxy:3128`. */
const urlOf = (text: string): string => (/^[a-z][a-z0-9+.-]*:\/\/./i.test(text) ? text : `http://${text}`)

function isLoopback(host: string): boolean {
  const ip = parseIp(host)
  return host === 'localhost' || (ip !== undefined && LOOPBACK.some(network => containsIp(network, ip)))
}

interface HostPort {
  readonly host: string
  readonly port: string
}

/** NO_PROXY: `*`, CIDRs, addresses and domain names, the last two with an optional port. */
function isExempt({ host, port }: HostPort, noProxy: string): boolean {
  const ip = parseIp(host)
  return noProxy
    .split(',')
    .map(entry => entry.trim().toLowerCase())
    .some(entry => entry === '*' || matches(entry, { host, port, ip }))
}

function matches(entry: string, { host, port, ip }: HostPort & { readonly ip: Ip | undefined }): boolean {
  if (entry === '') return false
  const network = parsePrefix(entry)
  if (network) return ip !== undefined && containsIp(cidr(entry), ip)
  const [, bracketed, plain = '', only] = /^(?:\[([^\]]*)\]|([^:]*)):(\d*)$/.exec(entry) ?? [, undefined, entry]
  const named = bracketed ?? plain
  if (only !== undefined && only !== '' && only !== port) return false
  const own = parseIp(named.replace(/^\[|\]$/g, ''))
  if (own !== undefined) return ip === own
  const domain = named.replace(/^\*\./, '.')
  if (domain === '') return false
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`)
}
