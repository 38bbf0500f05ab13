// Error registry of the IPAM: a stable code, its meaning and the remedy. Generates docs/errors.md.

export interface Meaning {
  /**
   * CNI spec 1.1.0, section "Error": 11 means retry, 100 and up are ours. Append, never renumber.
   */
  readonly code: number
  readonly means: string
  readonly todo: string
}

export const REFUSALS = {
  podMissing: {
    code: 100,
    means: 'The pod that the runtime names (K8S_POD_NAMESPACE, K8S_POD_NAME) does not exist on the API server.',
    todo: 'Nothing, if it was just deleted. Otherwise see whether the kubeconfig of the plugin is for this cluster.',
  },
  podReplaced: {
    code: 101,
    means: 'A newer pod of the same name has taken the place of the one that the runtime starts.',
    todo: 'Nothing: the kubelet drops the old pod by itself.',
  },
  podEnded: {
    code: 102,
    means: 'The pod is terminating or has ended.',
    todo: 'Nothing: it gets no address.',
  },
  wrongInput: {
    code: 103,
    means: 'An annotation of the pod or of its Namespace, or the CNI conf, has an invalid value.',
    todo: 'Correct the value that the sentence names; the pod then starts by itself.',
  },
  noPool: {
    code: 104,
    means: 'No SpiderIPPool is left: the sentence lists every candidate with the rule that dropped it.',
    todo: 'Change the pool (spec.disable, affinities, namespaceName, nodeName, multusName), or name another one.',
  },
  exhausted: {
    code: 11,
    means: 'Every address of every pool that the pod may use is taken or reserved, or none that a pod can use.',
    todo: 'Add ranges to spec.ips of a pool, or delete pods; the runtime tries again by itself.',
  },
  contended: {
    code: 11,
    means: 'Too many pods request the last addresses of a pool at once.',
    todo: 'Nothing: the runtime tries again. If it persists, add ranges to spec.ips.',
  },
  recordContended: {
    code: 11,
    means: 'Concurrent updates of the SpiderEndpoint of the pod conflicted too often.',
    todo: 'Nothing: the runtime tries again.',
  },
  noAddress: {
    code: 105,
    means: 'Addresses were allocated for other interfaces of the pod, and none for this one.',
    todo: 'Give the interface an item in annotation ipam.spidernet.io/ippools.',
  },
  routeFitsNothing: {
    code: 106,
    means: 'A gateway of annotation ipam.spidernet.io/routes is in the subnet of none of the interfaces.',
    todo: 'Correct the gw of that route, or take the route out.',
  },
  poolNotMade: {
    code: 107,
    means: 'The pool for a SpiderSubnet annotation was not created in time.',
    todo: 'See the events of the Deployment or other controller of the pod: the SpiderSubnet may be out of addresses; or spiderpool-controller is not running.',
  },
  ipConflict: {
    code: 108,
    means: 'Another host on the network answers for the address, or an interface of the node has it.',
    todo: 'Find the host with the MAC address in the sentence. An address of the node, which the details name, must be in no pool: spec.excludeIPs, or a SpiderReservedIP. Where the IPAM plugin found it, the address is quarantined and the pod gets another one at its next try.',
  },
  gatewayUnreachable: {
    code: 109,
    means: 'The gateway of the pool, or of the default route, does not answer on this network.',
    todo: 'Check spec.gateway of the pool, and VLAN and cabling of the master interface.',
  },
  differs: {
    code: 110,
    means: 'CHECK: record, address object, interface and result differ.',
    todo: 'Delete the pod; its successor is set up from scratch.',
  },
  unauthorized: {
    code: 120,
    means: 'The API server rejects the token or the client certificate of the kubeconfig.',
    todo: 'The sentence names the file. Where the node agent writes it (docs/agent.md), see whether its pod runs on this node; otherwise put valid credentials there.',
  },
} as const satisfies Readonly<Record<string, Meaning>>

export type RefusalName = keyof typeof REFUSALS

export interface RefusedOptions extends ErrorOptions {
  /** Key of the pod's Event, where the message has numbers that change from one try to the next. */
  readonly about?: string
}

/** A refusal; its message is the CNI error and the pod's Event. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly refusal: RefusalName
  readonly about: string
  constructor(refusal: RefusalName, message: string, options: RefusedOptions = {}) {
    super(message, options)
    this.refusal = refusal
    this.about = options.about ?? message
  }
  get code(): number {
    return REFUSALS[this.refusal].code
  }
}

/** A refusal `wrong input: …`; `message` has the source, key, value, and what to write instead. */
export const wrongInput = (message: string, options?: ErrorOptions): Refused =>
  new Refused('wrongInput', `wrong input: ${message}`, options)
