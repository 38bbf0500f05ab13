// CHECK of the IPAM: compares record, address objects and prevResult. Read-only.
import type { Call } from '../../cni/plugin.js'
import { objectNameOf } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import { addressesOf, ipsOf, nicOf } from '../allocation/endpoint.js'
import type { NodeAddressLookup } from './node-address-conflict.js'
import { Refused } from '../errors.js'
import { readRecord } from '../pod/record.js'
import { connectStore, type Connect } from './connect.js'
import { refusalOf, sessionOf } from './session.js'

/**
 * Verifies that record, address objects and prevResult agree and that no interface of the node has
 * an address of the pod. The main plugin checks the addresses of the interface itself.
 * @throws CniError
 */
export async function ipamCheck(
  call: Call<unknown>,
  { owned }: { readonly owned: NodeAddressLookup },
  connect: Connect = connectStore,
): Promise<void> {
  const { pod, conf } = sessionOf(call)
  try {
    const { store } = await connect(conf, call)
    const endpoint = await readRecord({ pod, features: conf.switches }, store)
    const nic = endpoint && nicOf(endpoint, call.ifName)
    const where = `SpiderEndpoint ${pod.namespace}/${pod.name}`
    if (!nic) throw new Refused('differs', `${where} has no address for ${call.ifName}`)
    for (const { address } of addressesOf(nic)) {
      const ip = parsePrefix(address)?.ip
      if (ip === undefined)
        throw new Refused('differs', `${where} has "${address}" for ${call.ifName}, which is no address`)
      const object = await store.address(objectNameOf(ip))
      if (object?.spec.pod.uid !== endpoint.status.current.uid)
        throw new Refused(
          'differs',
          `${ip} of ${call.ifName} is ${object ? `held by pod ${object.spec.pod.namespace}/${object.spec.pod.name}` : 'no longer held'}`,
        )
      if (call.prevResult && !call.prevResult.ips?.some(({ address: text }) => text === address))
        throw new Refused('differs', `${address} of ${where} is not in prevResult`)
    }
    const [found] = await owned(ipsOf(nic))
    if (found) throw (await import('./node-address-conflict.js')).refusalOfOwned(call.ifName, found)
  } catch (error) {
    throw refusalOf('spiderpool IP check error', error)
  }
}
