// `who`: an address, a pod or a MAC address, and what belongs to it. Reads the cluster.
import { IPAM_LABEL_POD_UID, LABEL_CONFLICT } from '../../../lib/crd/names.js'
import type {
  Event,
  ObjectMeta,
  Pod,
  SpiderEndpoint,
  SpiderIPAddress,
  SpiderIPPool,
  SpiderReservedIP,
} from '../../../lib/crd/types.js'
import { objectNameOf, parseIp, type Ip } from '../../../lib/ip/address.js'
import { parsePrefix } from '../../../lib/ip/cidr.js'
import { parseMac, type Mac } from '../../../lib/ip/mac.js'
import { uidOf } from '../../../lib/ipam/store/pod.js'
import {
  EVENTS,
  PODS,
  SPIDER_ENDPOINTS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
  type ObjectKey,
} from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { printRows, type CtlCommand, type CtlContext, type RowsView } from '../context.js'
import { podRefOf } from '../names.js'
import { CtlError, type ExitStatus } from '../status.js'
import { hasMac, macOf, reclaimEvent, rowOf, unheld, type AddressRow } from './decide.js'

export const ADDRESS_ROWS: RowsView<AddressRow> = {
  columns: [
    { head: 'ADDRESS', of: row => row.address },
    { head: 'STATE', of: row => row.state, tone: ({ state }) => (state === 'quarantined' ? 'bad' : undefined) },
    { head: 'POD', of: row => (row.pod === '' ? '' : `${row.namespace}/${row.pod}`) },
    { head: 'NIC', of: row => row.nic },
    { head: 'NODE', of: row => row.node },
    { head: 'POOL', of: row => row.pool },
    { head: 'SINCE', of: row => row.since },
    { head: 'OWNER', wide: true, of: row => row.owner },
    { head: 'MAC', wide: true, of: row => row.mac },
    { head: 'UID', wide: true, of: row => row.podUid },
  ],
  nameOf: row => `spideripaddress/${objectNameOf(row.address as Ip)}`,
}

/** Addresses without a holder: the reason is the answer. */
const REASON_ROWS: RowsView<AddressRow> = {
  columns: [
    { head: 'ADDRESS', of: row => row.address },
    { head: 'STATE', of: row => row.state, tone: ({ state }) => (state === 'quarantined' ? 'bad' : undefined) },
    { head: 'POOL', of: row => row.pool },
    { head: 'SINCE', wide: true, of: row => row.since },
    { head: 'WHY', of: row => row.why },
  ],
  nameOf: ADDRESS_ROWS.nameOf,
}

/** `who WHAT`: an IP address, `pod/NAMESPACE/NAME`, or a MAC address. */
export const who: CtlCommand = async (context, [what = '']) => {
  const text = what.replace(/^(ip|mac)\//, '')
  const ip = parseIp(text) ?? parsePrefix(text)?.ip
  if (ip !== undefined) return whoHas(ip, context)
  const mac = parseMac(text)
  if (mac !== undefined) return whoIs(mac, context)
  if (/^[0-9.]+$/.test(text) || /^[0-9a-f.:/]*:[0-9a-f.:/]*$/i.test(text))
    throw new CtlError(
      'usage',
      `"${what}" is neither an IP address nor a MAC address; write 172.18.30.5 or 0a:1b:2c:3d:4e:5f`,
    )
  return whatHas(podRefOf(what, context.cluster.namespace), context)
}

async function whoHas(ip: Ip, context: CtlContext): Promise<ExitStatus> {
  const { cluster } = context
  const object = await cluster.find<SpiderIPAddress>(SPIDER_IPADDRESSES, { name: objectNameOf(ip) })
  if (object) {
    const row = rowOf(object, context.format === 'table' ? '' : await macFor(object, cluster))
    printRows(context, [row], row.why === '' ? ADDRESS_ROWS : REASON_ROWS)
    return row.state === 'quarantined' ? 'no' : 'ok'
  }
  const [pools, reserved] = await Promise.all([
    cluster.all<SpiderIPPool>(SPIDER_IPPOOLS),
    cluster.all<SpiderReservedIP>(SPIDER_RESERVEDIPS),
  ])
  const rows = unheld(ip, { pools, reserved })
  const isRecorded = rows.some(({ state }) => state === 'recorded')
  printRows(context, rows, isRecorded ? ADDRESS_ROWS : REASON_ROWS)
  await sayReclaimed(ip, rows, context)
  return isRecorded ? 'ok' : 'no'
}

/** The Events of the pools, where the controller says which addresses it reclaimed. */
async function sayReclaimed(ip: Ip, rows: readonly AddressRow[], { cluster, warn }: CtlContext): Promise<void> {
  const [pool] = rows.filter(row => row.pool !== '' && row.state === 'free').map(row => row.pool)
  if (pool === undefined) return
  const fieldSelector = `involvedObject.kind=SpiderIPPool,involvedObject.name=${pool}`
  const events = await cluster.ifAllowed(EVENTS, cluster.all<Event>(EVENTS, { fieldSelector }))
  const last = events && reclaimEvent(ip, events)
  if (last) warn(`${last.lastTimestamp}: ${last.message}`)
}

/** The MAC address of a holder is in its record or in its pod's annotation, if anywhere. */
async function macFor({ spec }: SpiderIPAddress, cluster: Cluster): Promise<string> {
  const { pod, nic } = spec
  if (pod.name === '') return ''
  const ref = { namespace: pod.namespace, name: pod.name }
  const [record, object] = await Promise.all([
    cluster.ifAllowed(SPIDER_ENDPOINTS, cluster.find<SpiderEndpoint>(SPIDER_ENDPOINTS, ref)),
    cluster.ifAllowed(PODS, cluster.find<Pod>(PODS, ref)),
  ])
  return macOf(nic, record, object?.metadata)
}

/** The addresses of a pod, and of the record that its predecessor left. */
async function whatHas(ref: Required<ObjectKey>, context: CtlContext): Promise<ExitStatus> {
  const { cluster } = context
  const [pod, record] = await Promise.all([
    cluster.find<Pod>(PODS, ref),
    cluster.find<SpiderEndpoint>(SPIDER_ENDPOINTS, ref),
  ])
  const rows = await rowsOfPod({ pod: pod?.metadata, uid: uidOf(pod), record }, cluster)
  if (!pod && rows.length === 0)
    throw new CtlError(
      'usage',
      `there is no pod ${ref.namespace}/${ref.name}, and no record of one; see kubectl get pods -n ${ref.namespace}`,
    )
  printRows(context, rows, ADDRESS_ROWS)
  if (rows.length > 0) return 'ok'
  context.warn(
    `pod ${ref.namespace}/${ref.name} holds no address; see: spiderpoolctl trace pod ${ref.namespace}/${ref.name}`,
  )
  return 'no'
}

interface PodRecord {
  readonly pod: ObjectMeta | undefined
  readonly uid: string
  readonly record: SpiderEndpoint | undefined
}

async function rowsOfPod({ pod, uid, record }: PodRecord, cluster: Cluster): Promise<readonly AddressRow[]> {
  const uids = [...new Set([uid, record?.status.current.uid ?? ''])].filter(one => one !== '')
  if (uids.length === 0) return []
  const labelSelector = `${IPAM_LABEL_POD_UID} in (${uids.join(',')})`
  const held = await cluster.all<SpiderIPAddress>(SPIDER_IPADDRESSES, { labelSelector })
  const rows = held.map(object => rowOf(object, macOf(object.spec.nic, record, pod)))
  return [...rows].sort((a, b) => (a.nic < b.nic ? -1 : a.nic > b.nic ? 1 : a.address < b.address ? -1 : 1))
}

/** Pods whose interface Multus reports with the MAC address, and addresses quarantined for it. */
async function whoIs(mac: Mac, context: CtlContext): Promise<ExitStatus> {
  const { cluster } = context
  const labelSelector = `${LABEL_CONFLICT}=${mac.replaceAll(':', '-')}`
  const [pods, conflicts, records] = await Promise.all([
    cluster.all<{ readonly metadata: ObjectMeta }>(PODS, { metadataOnly: true }),
    cluster.all<SpiderIPAddress>(SPIDER_IPADDRESSES, { labelSelector }),
    cluster.all<SpiderEndpoint>(SPIDER_ENDPOINTS),
  ])
  const named = ({ status }: SpiderEndpoint): boolean => status.current.ips.some(one => parseMac(one.mac ?? '') === mac)
  const recorded = records.filter(named).map(({ status }) => status.current.uid)
  const own = pods.filter(pod => hasMac(pod.metadata, mac) || recorded.includes(uidOf(pod)))
  const rows = await Promise.all(
    own.map(pod => {
      const { name, namespace } = pod.metadata
      const record = records.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
      return rowsOfPod({ pod: pod.metadata, uid: uidOf(pod), record }, cluster)
    }),
  )
  const found = rows.flat().filter(row => parseMac(row.mac) === mac)
  const all = [...found, ...conflicts.map(object => rowOf(object, mac))]
  printRows(context, all, ADDRESS_ROWS)
  if (all.length > 0) return found.length > 0 ? 'ok' : 'no'
  context.warn(
    `no pod has MAC address ${mac} by its record or by Multus' annotation, and no address is quarantined for it`,
  )
  return 'no'
}

const QUARANTINE_ROWS: RowsView<AddressRow> = {
  columns: [
    { head: 'ADDRESS', of: row => row.address },
    { head: 'POOL', of: row => row.pool },
    { head: 'MAC', of: row => row.mac },
    { head: 'SINCE', of: row => row.since },
    { head: 'NODE', of: row => row.node },
  ],
  nameOf: ADDRESS_ROWS.nameOf,
}

/** `quarantine list`: addresses that other hosts answered for. */
export const quarantineList: CtlCommand = async context => {
  const labelled = await context.cluster.all<SpiderIPAddress>(SPIDER_IPADDRESSES, { labelSelector: LABEL_CONFLICT })
  const rows = labelled.map(object => rowOf(object, '')).filter(({ state }) => state === 'quarantined')
  printRows(context, rows, QUARANTINE_ROWS)
  if (rows.length === 0 && context.format === 'table') context.print('no address is quarantined\n')
  return rows.length === 0 ? 'ok' : 'no'
}
