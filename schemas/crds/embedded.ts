// The CRDs of this repository, embedded in the executable.
import attachments from './k8s.cni.cncf.io_network-attachment-definitions.yaml' with { type: 'text' }
import coordinators from './spiderpool.spidernet.io_spidercoordinators.yaml' with { type: 'text' }
import endpoints from './spiderpool.spidernet.io_spiderendpoints.yaml' with { type: 'text' }
import addresses from './spiderpool.spidernet.io_spideripaddresses.yaml' with { type: 'text' }
import pools from './spiderpool.spidernet.io_spiderippools.yaml' with { type: 'text' }
import multusConfigs from './spiderpool.spidernet.io_spidermultusconfigs.yaml' with { type: 'text' }
import reserved from './spiderpool.spidernet.io_spiderreservedips.yaml' with { type: 'text' }
import subnets from './spiderpool.spidernet.io_spidersubnets.yaml' with { type: 'text' }

/** YAML texts. */
export const BUILTIN_CRDS: readonly string[] = [
  attachments,
  coordinators,
  endpoints,
  addresses,
  pools,
  multusConfigs,
  reserved,
  subnets,
]
