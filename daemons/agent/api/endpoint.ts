// GET /v1/workloadendpoint: the record of a pod.
import type { EndpointInterface, WorkloadEndpointReply } from '../../../lib/agent/protocol.js'
import type { EndpointNic, SpiderEndpoint } from '../../../lib/crd/types.js'
import type { ObjectReader } from '../object-reader.js'
import { HttpRefusal, type ServedAnswer, type ServedRequest } from '../http/request.js'
import { missing } from './validate.js'

/**
 * The addresses of a pod.
 * @throws HttpRefusal 422 without the query, 404 without the record
 */
export async function workloadEndpoint({ query }: ServedRequest, read: ObjectReader): Promise<ServedAnswer> {
  const [namespace, name] = [query.get('podNamespace') ?? '', query.get('podName') ?? '']
  const absent = Object.entries({ podNamespace: namespace, podName: name }).flatMap(([key, value]) =>
    value === '' ? [key] : [],
  )
  if (absent.length > 0) return missing(absent, 'query')
  const endpoint = await read.endpoint({ namespace, name })
  if (endpoint === undefined) throw new HttpRefusal(404, `there is no SpiderEndpoint ${namespace}/${name}`)
  return { status: 200, json: replyOf(endpoint, { namespace, name }) }
}

function replyOf(
  { status }: SpiderEndpoint,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): WorkloadEndpointReply {
  const { uid, node, ips } = status.current
  return { podNamespace: namespace, podName: name, podUID: uid, node, interfaces: ips.map(interfaceOf) }
}

const interfaceOf = (nic: EndpointNic): EndpointInterface => {
  const { interface: name, ipv4, ipv6, ipv4Pool, ipv6Pool, ipv4Gateway, ipv6Gateway, vlan, routes } = nic
  return {
    ...{ interface: name, ipv4, ipv6, vlan, ipv4Pool, ipv6Pool, ipv4Gateway, ipv6Gateway },
    routes,
  } as EndpointInterface
}
