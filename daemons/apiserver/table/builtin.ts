// The columns of the built-in kinds, as in kubectl; pods and workloads are in files of their own.
import { ageOf } from './age.js'
import type { KindInfo } from '../schema/kinds.js'
import { at, type Stored } from '../schema/stored-object.js'
import { POD_COLUMNS } from './pods.js'
import { WORKLOAD_COLUMNS } from './workloads.js'
import {
  AGE_TEXT,
  column,
  listAt,
  NAME,
  numberAt,
  orNone,
  pairs,
  sizeAt,
  textAt,
  textColumn,
  wide,
  type Cell,
  type TableColumn,
} from './column.js'

function nodeStatus(node: Stored): string {
  const ready = listAt(node, 'status', 'conditions').find(c => at(c, 'type') === 'Ready')
  const word = ready === undefined ? 'Unknown' : at(ready, 'status') === 'True' ? 'Ready' : 'NotReady'
  return at(node, 'spec', 'unschedulable') === true ? `${word},SchedulingDisabled` : word
}

const ROLE = 'node-role.kubernetes.io/'
function nodeRoles({ metadata: { labels = {} } }: Stored): string {
  const named = Object.keys(labels).flatMap(key => (key.startsWith(ROLE) ? [key.slice(ROLE.length)] : []))
  const role = labels['kubernetes.io/role']
  return orNone(
    [...new Set([...named, ...(role ? [role] : [])])]
      .filter(name => name !== '')
      .sort()
      .join(','),
  )
}
const nodeAddress =
  (type: string) =>
  (node: Stored): string =>
    orNone(
      textAt(
        listAt(node, 'status', 'addresses').find(address => at(address, 'type') === type),
        'address',
      ),
    )
const orUnknown = (value: string): string => (value === '' ? '<unknown>' : value)
const nodeFact = (name: string, key: string): TableColumn =>
  wide(name, node => orUnknown(textAt(node, 'status', 'nodeInfo', key)))

const loadBalancerIps = (service: Stored): readonly string[] =>
  listAt(service, 'status', 'loadBalancer', 'ingress').map(each => textAt(each, 'ip') || textAt(each, 'hostname'))

function externalIp(service: Stored): string {
  const own = listAt(service, 'spec', 'externalIPs').map(String)
  switch (textAt(service, 'spec', 'type') || 'ClusterIP') {
    case 'ClusterIP':
    case 'NodePort':
      return orNone(own.join(','))
    case 'LoadBalancer':
      return [...loadBalancerIps(service), ...own].join(',') || '<pending>'
    case 'ExternalName':
      return textAt(service, 'spec', 'externalName')
    default:
      return '<unknown>'
  }
}

function portText(port: unknown): string {
  const node = numberAt(port, 'nodePort')
  return `${textAt(port, 'port')}${node > 0 ? `:${node}` : ''}/${textAt(port, 'protocol') || 'TCP'}`
}

const SHOWN_MAX = 3
const firstOf = (all: readonly string[]): string =>
  all.length <= SHOWN_MAX ? all.join(',') : `${all.slice(0, SHOWN_MAX).join(',')} + ${all.length - SHOWN_MAX} more...`

const hostPort = (ip: string, port: string): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)
const endpointsText = (object: Stored): string =>
  orNone(
    firstOf(
      listAt(object, 'subsets').flatMap(subset =>
        listAt(subset, 'ports').flatMap(port =>
          listAt(subset, 'addresses').map(address => hostPort(textAt(address, 'ip'), textAt(port, 'port'))),
        ),
      ),
    ),
  )

const lastSeen = (event: Stored, now: number): string =>
  ageOf(
    textAt(event, 'series', 'lastObservedTime') || textAt(event, 'lastTimestamp') || textAt(event, 'eventTime'),
    now,
  )
const firstSeen = (event: Stored, now: number): string =>
  ageOf(textAt(event, 'firstTimestamp') || textAt(event, 'eventTime'), now)
const eventSource = (event: Stored): string =>
  [textAt(event, 'source', 'component') || textAt(event, 'reportingComponent'), textAt(event, 'source', 'host')]
    .filter(part => part !== '')
    .join(', ')
const eventObject = (event: Stored): string =>
  `${textAt(event, 'involvedObject', 'kind').toLowerCase()}/${textAt(event, 'involvedObject', 'name')}`
const eventCount = (event: Stored): Cell => numberAt(event, 'series', 'count') || numberAt(event, 'count') || 1

const COLUMNS: Readonly<Record<string, readonly TableColumn[]>> = {
  ...WORKLOAD_COLUMNS,
  Pod: POD_COLUMNS,
  Namespace: [NAME, textColumn('Status', 'status', 'phase'), AGE_TEXT],
  Node: [
    NAME,
    column('Status', nodeStatus),
    column('Roles', nodeRoles),
    AGE_TEXT,
    textColumn('Version', 'status', 'nodeInfo', 'kubeletVersion'),
    wide('Internal-IP', nodeAddress('InternalIP')),
    wide('External-IP', nodeAddress('ExternalIP')),
    nodeFact('OS-Image', 'osImage'),
    nodeFact('Kernel-Version', 'kernelVersion'),
    nodeFact('Container-Runtime', 'containerRuntimeVersion'),
  ],
  Service: [
    NAME,
    column('Type', service => textAt(service, 'spec', 'type') || 'ClusterIP'),
    column('Cluster-IP', service => orNone(textAt(service, 'spec', 'clusterIP'))),
    column('External-IP', externalIp),
    column('Port(s)', service => orNone(listAt(service, 'spec', 'ports').map(portText).join(','))),
    AGE_TEXT,
    wide('Selector', service => orNone(pairs(at(service, 'spec', 'selector')))),
  ],
  Endpoints: [NAME, column('Endpoints', endpointsText), AGE_TEXT],
  ConfigMap: [NAME, column('Data', o => String(sizeAt(o, 'data') + sizeAt(o, 'binaryData'))), AGE_TEXT],
  Secret: [
    NAME,
    column('Type', o => textAt(o, 'type') || 'Opaque'),
    column('Data', o => String(sizeAt(o, 'data'))),
    AGE_TEXT,
  ],
  ServiceAccount: [NAME, column('Secrets', o => String(listAt(o, 'secrets').length)), AGE_TEXT],
  Event: [
    column('Last Seen', lastSeen),
    textColumn('Type', 'type'),
    textColumn('Reason', 'reason'),
    column('Object', eventObject),
    wide('Subobject', event => textAt(event, 'involvedObject', 'fieldPath')),
    wide('Source', eventSource),
    column('Message', event => textAt(event, 'message').trim()),
    wide('First Seen', firstSeen),
    { ...wide('Count', eventCount), type: 'integer' },
    { ...NAME, priority: 1 },
  ],
  Lease: [NAME, textColumn('Holder', 'spec', 'holderIdentity'), AGE_TEXT],
  EndpointSlice: [
    NAME,
    textColumn('AddressType', 'addressType'),
    column('Ports', o => firstOf(listAt(o, 'ports').map(port => textAt(port, 'port') || '*')) || '<unset>'),
    column(
      'Endpoints',
      o => firstOf(listAt(o, 'endpoints').flatMap(endpoint => listAt(endpoint, 'addresses').map(String))) || '<unset>',
    ),
    AGE_TEXT,
  ],
  ServiceCIDR: [NAME, column('CIDRs', o => orNone(listAt(o, 'spec', 'cidrs').map(String).join(','))), AGE_TEXT],
  CustomResourceDefinition: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp, 'date')],
}

/** The columns of a built-in kind; by default name and age. */
export const builtinColumns = ({ kind }: KindInfo): readonly TableColumn[] => COLUMNS[kind] ?? [NAME, AGE_TEXT]
