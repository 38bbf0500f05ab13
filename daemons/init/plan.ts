// The objects that spiderpool-init creates, from the environment that Helm sets and the node's CNI
// conf.
import { SPIDERPOOL_API } from '../../lib/crd/names.js'
import { familyOf, parseIp } from '../../lib/ip/address.js'
import {
  SPIDER_COORDINATORS,
  SPIDER_IPPOOLS,
  SPIDER_MULTUSCONFIGS,
  SPIDER_SUBNETS,
  type Kind,
} from '../../lib/kube/kinds.js'

export type InitEnv = Readonly<Record<string, string | undefined>>

export interface Creation {
  readonly kind: Kind
  readonly object: {
    readonly apiVersion: string
    readonly kind: string
    readonly metadata: {
      readonly name: string
      readonly namespace?: string
      readonly annotations?: Readonly<Record<string, string>>
    }
    readonly spec: Readonly<Record<string, unknown>>
  }
}

const INIT = 'SPIDERPOOL_INIT_'
const COORDINATOR = `${INIT}DEFAULT_COORDINATOR_`
const CR_NAME = 'multus.spidernet.io/cr-name'
/** Calico's network name; its SpiderMultusConfig is named after the CNI. */
const CALICO_NETWORK = 'k8s-pod-network'

/**
 * The objects in the order of creation. `network`: the network's name in the node's first CNI conf.
 * @throws Error a sentence that names the variable.
 */
export function planOf(env: InitEnv, network: string | undefined): readonly Creation[] {
  return [
    ...coordinator(env),
    ...addressing(env, 'SUBNET'),
    ...addressing(env, 'IPPOOL'),
    ...defaultNetwork(env, network),
  ]
}

/** The chart quotes values once too often; no valid value contains a quote. */
const text = (env: InitEnv, name: string): string => (env[name] ?? '').replaceAll('"', '').trim()

function coordinator(env: InitEnv): readonly Creation[] {
  const name = text(env, `${COORDINATOR}NAME`)
  if (name === '') return []
  const mtu = Number(text(env, `${COORDINATOR}VETH_MTU`) || '1500')
  if (!Number.isInteger(mtu) || mtu <= 0) throw wrong(env, `${COORDINATOR}VETH_MTU`, 'a whole number above 0')
  const link = text(env, `${COORDINATOR}VETH_LINK_ADDRESS`)
  const podCIDRType = text(env, `${COORDINATOR}POD_CIDR_TYPE`)
  const routes = routesIn(env, `${COORDINATOR}POLICY_ROUTES`)
  const spec = {
    mode: text(env, `${COORDINATOR}MODE`) || 'auto',
    ...(podCIDRType !== '' && { podCIDRType }),
    tunePodRoutes: flag(env, `${COORDINATOR}TUNE_POD_ROUTES`),
    podDefaultRouteNIC: '',
    podMACPrefix: '',
    hijackCIDR: list(env, `${COORDINATOR}HIJACK_CIDR`).map(one => prefixOf(env, one)),
    ...(routes.length > 0 && { policyRoutes: routes }),
    ...(link !== '' && { vethLinkAddress: link }),
    vethMTU: mtu,
  }
  return [{ kind: SPIDER_COORDINATORS, object: objectOf('SpiderCoordinator', { name }, spec) }]
}

/** SpiderSubnets or default SpiderIPPools, of each family that is named. */
function addressing(env: InitEnv, what: 'SUBNET' | 'IPPOOL'): readonly Creation[] {
  const kind = what === 'SUBNET' ? SPIDER_SUBNETS : SPIDER_IPPOOLS
  const made = ([4, 6] as const).flatMap((family): readonly Creation[] => {
    const of = `${INIT}DEFAULT_IPV${family}_`
    const name = text(env, `${of}${what}_NAME`)
    if (name === '') return []
    const subnet = text(env, `${of}IPPOOL_SUBNET`)
    if (subnet === '') throw wrong(env, `${of}IPPOOL_SUBNET`, `the CIDR of ${name}`)
    const gateway = text(env, `${of}IPPOOL_GATEWAY`)
    const spec = {
      ipVersion: family,
      subnet,
      ips: list(env, `${of}IPPOOL_IPRANGES`),
      ...(gateway !== '' && { gateway }),
      ...(what === 'IPPOOL' && { default: true }),
    }
    return [{ kind, object: objectOf(kind.kind, { name }, spec) }]
  })
  const [first, second] = made
  if (first && second && first.object.metadata.name === second.object.metadata.name)
    throw wrong(env, `${INIT}DEFAULT_IPV6_${what}_NAME`, 'another name than that of IPv4')
  return made
}

/**
 * The SpiderMultusConfig of the cluster's default network, for which Multus looks up a
 * NetworkAttachmentDefinition: without a config, which stands for the node's conf file. cniType is
 * custom whatever the file runs, since any other type needs a master.
 */
function defaultNetwork(env: InitEnv, network: string | undefined): readonly Creation[] {
  if (text(env, `${INIT}ENABLE_MULTUS_CONFIG`) === '' || !flag(env, `${INIT}ENABLE_MULTUS_CONFIG`)) return []
  const namespace = text(env, `${INIT}DEFAULT_CNI_NAMESPACE`)
  if (namespace === '') throw wrong(env, `${INIT}DEFAULT_CNI_NAMESPACE`, 'the namespace of the SpiderMultusConfig')
  const named = text(env, `${INIT}DEFAULT_CNI_NAME`)
  const isCalico = named === '' && network === CALICO_NETWORK
  const name = named !== '' ? named : isCalico ? 'calico' : (network ?? 'default')
  const metadata = { name, namespace, ...(isCalico && { annotations: { [CR_NAME]: CALICO_NETWORK } }) }
  const object = objectOf('SpiderMultusConfig', metadata, { cniType: 'custom', enableCoordinator: false })
  return [{ kind: SPIDER_MULTUSCONFIGS, object }]
}

const objectOf = (
  kind: string,
  metadata: Creation['object']['metadata'],
  spec: Creation['object']['spec'],
): Creation['object'] => ({ apiVersion: SPIDERPOOL_API, kind, metadata, spec })

/** Reads `[a,b]`, `["a","b"]` and `a,b` alike. */
const list = (env: InitEnv, name: string): readonly string[] =>
  text(env, name)
    .replace(/^\[|\]$/g, '')
    .split(/[\s,]+/)
    .filter(one => one !== '')

function prefixOf(env: InitEnv, one: string): string {
  if (one.includes('/')) return one
  const ip = parseIp(one)
  if (ip === undefined) throw wrong(env, `${COORDINATOR}HIJACK_CIDR`, 'addresses and CIDRs')
  return `${ip}/${familyOf(ip) === 4 ? 32 : 128}`
}

/** A JSON list of `{"dst": …, "gw": …}`, parsed with its quotes. */
function routesIn(env: InitEnv, name: string): readonly { readonly dst: string; readonly gw: string }[] {
  const given = (env[name] ?? '').trim().replace(/^'|'$/g, '')
  if (given === '' || given === '""') return []
  const value = jsonOf(given)
  const isRoute = (one: unknown): one is { readonly dst: string; readonly gw: string } =>
    typeof one === 'object' && one !== null && 'dst' in one && 'gw' in one
  if (Array.isArray(value) && value.every(isRoute)) return value.map(({ dst, gw }) => ({ dst, gw }))
  throw wrong(env, name, 'a JSON list such as [{"dst":"10.0.0.0/8","gw":"10.1.0.1"}]')
}

function jsonOf(given: string): unknown {
  try {
    return JSON.parse(given)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function flag(env: InitEnv, name: string): boolean {
  const value = text(env, name)
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true
  if (['', '0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false
  throw wrong(env, name, 'true or false')
}

const wrong = (env: InitEnv, name: string, give: string): Error =>
  new Error(`${name} is ${JSON.stringify(env[name] ?? '')}; give ${give}`)

/** The network's name in a CNI conf or conflist; undefined where it has none. */
export function networkIn(conf: string): string | undefined {
  const value = jsonOf(conf)
  return typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    value.name !== ''
    ? value.name
    : undefined
}
