// The admission rules of every kind, with the cluster objects that each needs as queries. Pure.
import { familyOf } from '../ip/address.js'
import { parsePrefix } from '../ip/cidr.js'
import type { ResourceNames } from './cause.js'
import { defaultCoordinator, validateCoordinator } from './coordinator.js'
import {
  cidrLabel,
  controllerOf,
  defaultPool,
  hasOwner,
  inheritSubnet,
  poolDeletionFaults,
  validatePool,
} from './ippool.js'
import type { SpiderMultusConfig } from './multusconfig.js'
import { defaultMultusConfig } from './multusdefault.js'
import { validateMultusConfig } from './multusrules.js'
import { multusWarnings } from './multuswarnings.js'
import { ANNOTATION_NAD_NAME, IPAM_LABEL_POOL_UID, LABEL_SUBNET_CIDR, SPIDERPOOL_GROUP } from './names.js'
import { attach, injectionOf, networkFaults } from './podnetworks.js'
import { defaultReservedIP, validateReservedIP } from './reservedip.js'
import { admission, type Admission, type ContextQuery, type AdmissionRules } from './rules.js'
import { isCoordinator, isMultusConfig, isPod, isPool, isReserved } from './shape.js'
import { defaultSubnet, subnetDeletionFaults, validateSubnet } from './subnet.js'
import type { SpiderIPAddress, SpiderIPPool, SpiderSubnet } from './types.js'

const POOL_SHAPE_FAULT = { field: 'spec.subnet', why: 'it must be a CIDR such as 172.18.0.0/16' }

const pool: AdmissionRules<SpiderIPPool> = {
  is: isPool,
  shapeFault: POOL_SHAPE_FAULT,
  toMutate: ({ object }, { enableSpiderSubnet }) =>
    enableSpiderSubnet && !hasOwner(object)
      ? { subnets: { label: `${LABEL_SUBNET_CIDR}=${cidrLabel(object.spec.subnet)}` } }
      : {},
  mutate: ({ object }, { subnets }) => defaultPool(inheritSubnet(object, subnets)),
  toValidate({ object, old }, { enableSpiderSubnet }) {
    const owner = controllerOf(object.metadata)
    const areNew = old === undefined || JSON.stringify(rangesOf(old)) !== JSON.stringify(rangesOf(object))
    return {
      ...(areNew && { pools: {} }),
      ...(enableSpiderSubnet && owner && { subnets: { name: owner.name } }),
      ...(areNew && old && { addresses: { label: `${IPAM_LABEL_POOL_UID}=${old.metadata.uid ?? ''}` } }),
    }
  },
  validate: ({ object, old }, { pools, subnets, addresses }, families) =>
    validatePool(object, { old, others: pools, allocated: heldOf(addresses), subnet: subnets[0], families }),
  deletion: poolDeletionFaults,
}

const rangesOf = ({ spec }: SpiderIPPool): object => [spec.subnet, spec.ips ?? [], spec.excludeIPs ?? []]

const heldOf = (addresses: readonly SpiderIPAddress[]) =>
  addresses.flatMap(({ spec }) => {
    const ip = parsePrefix(spec.address)?.ip
    return ip === undefined ? [] : [{ ip, pod: `${spec.pod.namespace}/${spec.pod.name}` }]
  })

const subnet: AdmissionRules<SpiderSubnet> = {
  is: isPool,
  shapeFault: POOL_SHAPE_FAULT,
  mutate: ({ object }) => defaultSubnet(object),
  toValidate: ({ old }): ContextQuery => (old ? {} : { subnets: {}, pools: {} }),
  validate: ({ object, old }, { subnets, pools }, families) =>
    validateSubnet(object, { old, others: subnets, pools, families }),
  deletion: subnetDeletionFaults,
}

const configName = ({ metadata }: SpiderMultusConfig): string =>
  metadata.annotations?.[ANNOTATION_NAD_NAME] ?? metadata.name

const of = (plural: string, kind: string, group = SPIDERPOOL_GROUP): ResourceNames => ({ group, plural, kind })

/** One entry for each kind of our API group. */
export const ADMISSIONS: readonly Admission[] = [
  admission(of('spiderippools', 'SpiderIPPool'), pool),
  admission(of('spidersubnets', 'SpiderSubnet'), subnet),
  admission(of('spiderreservedips', 'SpiderReservedIP'), {
    is: isReserved,
    shapeFault: { field: 'spec.ips', why: 'it needs at least one address or range first-last' },
    mutate: ({ object }) => defaultReservedIP(object),
    validate: ({ object, old }, _, families) => validateReservedIP(object, old, families),
  }),
  admission(of('spidercoordinators', 'SpiderCoordinator'), {
    is: isCoordinator,
    shapeFault: { field: 'spec', why: 'it must be there' },
    mutate: ({ object }) => defaultCoordinator(object),
    validate: ({ object }) => validateCoordinator(object),
  }),
  admission(of('spidermultusconfigs', 'SpiderMultusConfig'), {
    is: isMultusConfig,
    shapeFault: { field: 'spec', why: 'it must be there' },
    mutate: ({ object, old }) => defaultMultusConfig(object, old),
    toValidate: ({ object, namespace }) => ({ definitions: { namespace, name: configName(object) } }),
    validate: ({ object, old }, { definitions }) => validateMultusConfig(object, { old, definition: definitions[0] }),
    warnings: multusWarnings,
  }),
]

/** Registered only with podResourceInject of conf.yml, since it sees every pod of the cluster. */
export const PODS_ADMISSION: Admission = admission(of('pods', 'Pod', ''), {
  is: isPod,
  shapeFault: { field: 'spec.containers', why: 'it must be there' },
  toMutate({ object, namespace }, _, { namespaces }) {
    const injection = injectionOf(object, namespaces[0])
    return {
      namespaces: { name: namespace },
      ...(injection && { configs: { label: `${injection.annotation}=${injection.value}` } }),
    }
  },
  refusals({ object }, { namespaces, configs }) {
    const injection = injectionOf(object, namespaces[0])
    return injection ? networkFaults(injection, configs.filter(isLive)) : []
  },
  mutate: ({ object }, { namespaces, configs }) =>
    injectionOf(object, namespaces[0]) ? attach(object, configs.filter(isLive)) : object,
})

const isLive = ({ metadata }: SpiderMultusConfig): boolean => metadata.deletionTimestamp === undefined
