// Validation of a SpiderMultusConfig with defaults (multusdefault.ts). Pure.
import { coordinatorFaults } from './coordinator.js'
import { forbidden, invalid, required, unsupported, type Fault } from './fault.js'
import { isObject } from './guard.js'
import { injectFaults } from './multusinject.js'
import type {
  MultusConfigSpec,
  NetworkAttachmentDefinition,
  OnMaster,
  PoolNames,
  SpiderMultusConfig,
} from './multusconfig.js'
import { SUB_OBJECTS } from './multusdefault.js'
import { ANNOTATION_CAPABILITIES, ANNOTATION_CNI_VERSION, ANNOTATION_NAD_NAME } from './names.js'
import { isSubdomain } from './selector.js'

export const CNI_VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const
const VLAN_MAX = 4094

export interface MultusContext {
  /** The stored object; `undefined` at creation. */
  readonly old: SpiderMultusConfig | undefined
  /** The NetworkAttachmentDefinition of the same name and namespace. */
  readonly definition: NetworkAttachmentDefinition | undefined
}

/** All faults of the config to be written; empty where it is accepted. */
export function validateMultusConfig(config: SpiderMultusConfig, { old, definition }: MultusContext): readonly Fault[] {
  if (old?.metadata.deletionTimestamp !== undefined) return []
  const { spec = {} } = config
  const annotations = [
    ...nameFaults(config, old),
    ...versionFaults(config),
    ...capabilityFaults(config),
    ...ownerFaults(config, definition),
  ]
  const other = otherFaults(spec)
  if (other.length > 0) return [...annotations, ...other]
  return [
    ...annotations,
    ...mainFaults(spec, old?.spec),
    ...injectFaults(config),
    ...coordinatorFaults('spec.coordinator', spec.coordinator ?? {}),
    ...(spec.chainCNIJsonData ?? []).flatMap((text, at) => chainFaults(`spec.chainCNIJsonData[${at}]`, text)),
  ]
}

const NAME_FIELD = `metadata.annotations[${ANNOTATION_NAD_NAME}]`

function nameFaults({ metadata }: SpiderMultusConfig, old: SpiderMultusConfig | undefined): readonly Fault[] {
  const name = metadata.annotations?.[ANNOTATION_NAD_NAME]
  if (name === undefined) return []
  if (!isSubdomain(name))
    return [invalid(NAME_FIELD, name, 'it must be a name such as macvlan-conf (DNS-1123 subdomain)')]
  if (!old || old.metadata.annotations?.[ANNOTATION_NAD_NAME] === name) return []
  return [forbidden(NAME_FIELD, name, 'it can be removed, but neither changed nor added later; make another')]
}

function versionFaults({ metadata }: SpiderMultusConfig): readonly Fault[] {
  const version = metadata.annotations?.[ANNOTATION_CNI_VERSION]
  const isKnown = version === undefined || CNI_VERSIONS.some(one => one === version)
  return isKnown ? [] : [unsupported(`metadata.annotations[${ANNOTATION_CNI_VERSION}]`, version, CNI_VERSIONS)]
}

/** What Multus can pass on of an item of annotation k8s.v1.cni.cncf.io/networks. */
const CAPABILITIES = ['ips', 'mac'] as const

/** The names in the annotation, sorted, each once. */
export const capabilityNames = (text: string): readonly string[] =>
  [...new Set(text.split(',').map(name => name.trim()))].filter(name => name !== '').sort()

function capabilityFaults({ metadata, spec }: SpiderMultusConfig): readonly Fault[] {
  const text = metadata.annotations?.[ANNOTATION_CAPABILITIES]
  if (text === undefined) return []
  const field = `metadata.annotations[${ANNOTATION_CAPABILITIES}]`
  if (spec?.cniType === undefined || spec.cniType === 'custom')
    return [forbidden(field, text, 'spec.cniType is custom; declare capabilities in spec.customCNI')]
  const names = capabilityNames(text)
  const unknown = names.filter(name => !CAPABILITIES.some(one => one === name))
  if (names.length === 0) return [invalid(field, text, 'it must name ips, mac or both, with a comma')]
  return unknown.map(name => unsupported(field, name, CAPABILITIES))
}

/** A NetworkAttachmentDefinition without owner is adopted. */
function ownerFaults(
  { metadata }: SpiderMultusConfig,
  definition: NetworkAttachmentDefinition | undefined,
): readonly Fault[] {
  const owner = definition?.metadata.ownerReferences?.find(({ kind }) => kind === 'SpiderMultusConfig')
  if (!owner || owner.name === metadata.name) return []
  const name = metadata.annotations?.[ANNOTATION_NAD_NAME]
  const reason = `NetworkAttachmentDefinition ${definition?.metadata.name ?? ''} belongs to SpiderMultusConfig ${owner.name}; take another name`
  return [forbidden(name === undefined ? 'metadata.name' : NAME_FIELD, name ?? metadata.name, reason)]
}

/** Requires the settings of its cniType and forbids those of others. */
function otherFaults(spec: MultusConfigSpec): readonly Fault[] {
  const { cniType = 'custom' } = spec
  const own = SUB_OBJECTS[cniType]
  const others = Object.values(SUB_OBJECTS).filter(key => key !== own && spec[key] !== undefined)
  const reason = `spec.cniType is ${cniType}: only spec.${own} can be given`
  const forbiddenFaults = others.map(key => forbidden(`spec.${key}`, spec[key], reason))
  if (cniType === 'custom' || spec[own] !== undefined) return forbiddenFaults
  return [...forbiddenFaults, required(`spec.${own}`, `spec.cniType ${cniType} needs it`)]
}

function mainFaults(spec: MultusConfigSpec, old: MultusConfigSpec | undefined): readonly Fault[] {
  const { cniType = 'custom' } = spec
  switch (cniType) {
    case 'macvlan':
    case 'ipvlan':
      return onMasterFaults(`spec.${cniType}`, spec[cniType] ?? { master: [] }, old?.[cniType])
    case 'vlan':
      return vlanFaults(spec.vlan ?? { master: [] }, old?.vlan)
    case 'sriov':
      return sriovFaults(spec.sriov ?? {})
    case 'ib-sriov':
      return [
        ...needed('spec.ibsriov.resourceName', spec.ibsriov?.resourceName),
        ...matchFaults('spec.ibsriov', spec.ibsriov),
      ]
    case 'ipoib':
      return [...ipoibFaults(spec.ipoib?.master, old?.ipoib?.master), ...matchFaults('spec.ipoib', spec.ipoib)]
    case 'ovs':
      return ovsFaults(spec.ovs ?? { bridge: '' })
    case 'custom':
      return (spec.customCNI ?? '') === '' || isJson(spec.customCNI ?? '')
        ? []
        : [invalid('spec.customCNI', spec.customCNI, 'it must be JSON')]
  }
}

const needed = (field: string, value: string | undefined): readonly Fault[] =>
  value === undefined || value === '' ? [invalid(field, value ?? '', 'it must not be empty')] : []

/** Unchanged names do not block another change. */
function onMasterFaults(at: string, own: OnMaster, old: OnMaster | undefined): readonly Fault[] {
  const { master, mtu = 0, bond } = own
  const areNew = JSON.stringify(master) !== JSON.stringify(old?.master)
  const isBonded = bond !== undefined && bond.name !== ''
  return [
    ...(master.length === 0 ? [invalid(`${at}.master`, master, 'it must name a NIC')] : []),
    ...(areNew ? mastersFaults(`${at}.master`, master) : []),
    ...(master.length > 1 && !isBonded ? [required(`${at}.bond`, 'several masters need a bond with a name')] : []),
    ...(isBonded && bond.name !== old?.bond?.name && !isLinkName(bond.name, LINK_NAME_MAX)
      ? [
          invalid(
            `${at}.bond.name`,
            bond.name,
            `it must be a name of at most ${LINK_NAME_MAX} bytes without ${FORBIDDEN}`,
          ),
        ]
      : []),
    ...idFaults(`${at}.vlanID`, own.vlanID),
    ...(mtu >= 0 ? [] : [invalid(`${at}.mtu`, mtu, 'it must be 0 or more')]),
    ...matchFaults(at, own),
  ]
}

/** IFNAMSIZ and ALTIFNAMSIZ of include/uapi/linux/if.h without the final zero byte. */
const LINK_NAME_MAX = 15
const ALT_NAME_MAX = 127
const FORBIDDEN = 'blanks, "/" and ":"'

/** As the kernel takes a name (net/core/dev.c, dev_valid_name); an altname may be longer. */
const isLinkName = (name: string, bytesMax: number): boolean =>
  /^[^\s/:\0]+$/.test(name) && name !== '.' && name !== '..' && new TextEncoder().encode(name).length <= bytesMax

const mastersFaults = (field: string, names: readonly string[]): readonly Fault[] =>
  names.flatMap((name, i) => [
    ...masterFaults(`${field}[${i}]`, name),
    ...(names.indexOf(name) < i ? [invalid(`${field}[${i}]`, name, 'it is there twice; name each NIC once')] : []),
  ])

const ipoibFaults = (master: string | undefined, old: string | undefined): readonly Fault[] => {
  const missing = needed('spec.ipoib.master', master)
  if (missing.length > 0 || master === undefined || master === old) return missing
  return masterFaults('spec.ipoib.master', master)
}

/** A NIC of the node, by its name or by one of its altnames. */
function masterFaults(field: string, name: string): readonly Fault[] {
  if (name === '') return [invalid(field, name, 'it must name a NIC')]
  if (isLinkName(name, ALT_NAME_MAX)) return []
  const most = `a name of at most ${LINK_NAME_MAX} bytes or an altname of at most ${ALT_NAME_MAX}`
  return [invalid(field, name, `it must be ${most}, without ${FORBIDDEN}`)]
}

const idFaults = (field: string, id: number | undefined): readonly Fault[] =>
  id === undefined || (id >= 0 && id <= VLAN_MAX) ? [] : [invalid(field, id, `it must be from 0 to ${VLAN_MAX}`)]

const matchFaults = (at: string, own: { readonly ippools?: PoolNames } | undefined): readonly Fault[] =>
  own?.ippools?.matchMasterSubnet === true
    ? [forbidden(`${at}.ippools.matchMasterSubnet`, true, 'only cniType sriov has it')]
    : []

function vlanFaults(own: NonNullable<MultusConfigSpec['vlan']>, old: OnMaster | undefined): readonly Fault[] {
  const { vlanMode = 'manual', vlanID } = own
  const mode =
    vlanMode === 'auto' && vlanID !== undefined
      ? [forbidden('spec.vlan.vlanID', vlanID, 'vlanMode auto finds it; leave it out')]
      : vlanMode !== 'auto' && vlanID === undefined
        ? [required('spec.vlan.vlanID', 'vlanMode manual needs it')]
        : []
  return [...onMasterFaults('spec.vlan', own, old), ...mode]
}

function sriovFaults(own: NonNullable<MultusConfigSpec['sriov']>): readonly Fault[] {
  const { minTxRateMbps: min = 0, maxTxRateMbps: max = 0 } = own
  const reason = `it must not be more than maxTxRateMbps, ${max}`
  return [
    ...needed('spec.sriov.resourceName', own.resourceName),
    ...idFaults('spec.sriov.vlanID', own.vlanID),
    ...(min <= max ? [] : [invalid('spec.sriov.minTxRateMbps', min, reason)]),
  ]
}

function ovsFaults(own: NonNullable<MultusConfigSpec['ovs']>): readonly Fault[] {
  const trunks = (own.trunk ?? []).flatMap(({ id, minID, maxID }, i) => {
    const at = `spec.ovs.trunk[${i}]`
    const range = [...idFaults(`${at}.id`, id), ...idFaults(`${at}.minID`, minID), ...idFaults(`${at}.maxID`, maxID)]
    if (range.length > 0) return range
    if ((minID === undefined) !== (maxID === undefined))
      return [invalid(at, own.trunk?.[i], 'minID and maxID belong together; give both or id alone')]
    const isOrdered = minID === undefined || maxID === undefined || minID <= maxID
    return isOrdered ? [] : [invalid(`${at}.minID`, minID, `it must not be more than maxID, ${maxID}`)]
  })
  return [
    ...needed('spec.ovs.bridge', own.bridge),
    ...idFaults('spec.ovs.vlan', own.vlan),
    ...trunks,
    ...matchFaults('spec.ovs', own),
  ]
}

function read(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined // callers report it
  }
}
const isJson = (text: string): boolean => read(text) !== undefined

/** As libcni parses a plugin's conf (libcni/conf.go, ConfFromBytes): an object with a type. */
function chainFaults(field: string, text: string): readonly Fault[] {
  const value = read(text)?.value
  const isConf = isObject(value) && typeof value['type'] === 'string' && value['type'] !== ''
  return isConf ? [] : [invalid(field, text, 'it must be a JSON object with the type of a CNI plugin')]
}
