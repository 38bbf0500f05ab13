// The kinds of differences that a check finds: what each means for a user. The table of the docs.

export interface DifferenceKind {
  /** Why it matters. */
  readonly why: string
  /** What `--repair` does; '' where a person has to decide. */
  readonly mend: string
  /** What a person does where `mend` is ''. */
  readonly todo?: string
  /** Nothing has to be done at once: it does not count as wrong. */
  readonly isNote?: true
}

const LEAK = 'no other pod can get the address'
const TWICE = 'two hosts may use the address'
const HIDDEN = 'the node agent, the controller and DEL look the object up by it'
const DELETE_POD = 'delete the pod; its next one gets an address that it alone has'

export const DIFFERENCES = {
  // SpiderIPAddresses
  'address-name': { why: 'the name is the lock of the address', mend: 'writes the address of the name into spec' },
  'address-name-invalid': { why: 'its name locks no address', mend: 'deletes the object' },
  'address-prefix': {
    why: 'the next ADD would give the pod another subnet',
    mend: 'writes the prefix length of the pool',
  },
  'address-version': { why: 'the address is counted with the other family', mend: 'writes spec.ipVersion' },
  'address-pod-gone': { why: LEAK, mend: 'releases the address' },
  'address-pod-replaced': { why: LEAK, mend: 'releases the address' },
  'address-pod-ended': { why: LEAK, mend: 'releases the address' },
  'address-owner-gone': { why: LEAK, mend: 'releases the address' },
  'address-not-recorded': { why: LEAK, mend: 'releases the address' },
  'address-terminating': {
    why: `a finalizer of another program keeps the object, and ${LEAK}`,
    mend: 'removes the finalizers',
  },
  'address-holder': {
    why: 'the pod that uses the address does not hold it',
    mend: 'writes the pod that uses it into the object',
  },
  'address-pod-label': { why: HIDDEN, mend: 'writes the label' },
  'address-pool-label': { why: HIDDEN, mend: 'writes the label' },
  'address-node-label': { why: HIDDEN, mend: 'writes the label' },
  'address-node': { why: 'the node agent looks for it on another node', mend: 'writes the node of the pod' },
  'address-nic': { why: 'the DEL of the interface does not find it', mend: 'writes the interface of the record' },
  'address-owner': { why: 'the next pod of the StatefulSet does not keep the address', mend: 'writes the owner' },
  'address-pool': {
    why: 'it is counted in a pool that does not have it',
    mend: 'writes the pool that has the address',
  },
  'address-pool-missing': {
    why: 'its pool does not exist, so nothing counts it',
    mend: '',
    todo: 'create a SpiderIPPool of this name with the address, or delete the pod',
  },
  'address-outside-pool': {
    why: 'no pool names the address any more',
    mend: '',
    todo: 'add it to spec.ips of the pool, or delete the pod',
  },
  'address-unusable': { why: 'the address is the gateway, or one that no host can have', mend: '', todo: DELETE_POD },
  'address-of-node': { why: TWICE, mend: '', todo: 'delete the pod, and add the address to a SpiderReservedIP' },
  'address-reserved': {
    why: 'a SpiderReservedIP has the address; its pod keeps it until it ends',
    mend: '',
    todo: 'nothing, or delete the pod',
    isNote: true,
  },
  'address-used-twice': { why: TWICE, mend: '', todo: 'delete one of the pods' },
  'quarantine-over': { why: LEAK, mend: 'releases the address; the next ADD probes the network again' },
  'quarantine-since': { why: 'the controller does not know when the quarantine ends', mend: 'writes the present time' },
  // SpiderEndpoints
  'record-pod-gone': { why: 'a pod of the name would find the addresses of another', mend: 'deletes the record' },
  'record-pod': {
    why: 'DEL releases nothing, since the record is of another pod',
    mend: 'writes the addresses that the pod holds',
  },
  'record-missing': { why: 'DEL does not find the addresses of the pod', mend: 'creates the record' },
  'record-incomplete': { why: 'DEL does not release the address', mend: 'adds the address to the record' },
  'record-unheld': { why: 'another pod can get the address', mend: 'creates the SpiderIPAddress' },
  'record-of-other': { why: 'DEL would touch the address of another pod', mend: 'takes the address out of the record' },
  'record-address': {
    why: 'the address in the record cannot be read',
    mend: 'writes the addresses that the pod holds',
  },
  'record-pool': {
    why: 'the next pod asks another pool for its address',
    mend: 'writes the pool of the SpiderIPAddress',
  },
  'record-node': { why: 'the node agent looks for it on another node', mend: 'writes the node of the pod' },
  'record-node-label': { why: HIDDEN, mend: 'writes the label' },
  'record-finalizer': { why: 'the record is deleted before its addresses are released', mend: 'adds the finalizer' },
  'record-interface-twice': { why: 'only one of the two is released', mend: 'writes the addresses that the pod holds' },
  'record-terminating': {
    why: 'the record of a running pod is being deleted',
    mend: 'finishes the deletion; the next look creates it',
  },
  // Pods
  'pod-unheld': { why: 'another pod can get the address', mend: 'creates the SpiderIPAddress' },
  // SpiderIPPools
  'pool-count': {
    why: 'kubectl and the metrics show a wrong number of allocated addresses',
    mend: 'writes the number',
  },
  'pool-total': { why: 'kubectl and the metrics show a wrong size', mend: 'writes the number' },
  'pool-finalizer': { why: 'the pool can be deleted while pods use its addresses', mend: 'adds the finalizer' },
  'pool-terminating': {
    why: 'the pool stays although none of its addresses is allocated',
    mend: 'removes our finalizer',
  },
  'pool-text-gone': { why: LEAK, mend: 'removes the entry of status.allocatedIPs' },
  'pool-text-other': { why: TWICE, mend: '', todo: 'delete one of the pods' },
  // The node, with --node
  'node-missing': { why: 'the pod does not have the address that the cluster says', mend: '', todo: DELETE_POD },
  'node-unheld': { why: 'another pod can get the address', mend: '', todo: DELETE_POD },
  'node-twice': { why: 'two network namespaces have one address', mend: '', todo: 'delete one of the pods' },
  'node-route': { why: 'the node sends packets for the address to a pod that is gone', mend: 'deletes the route' },
  'node-route-missing': { why: 'the node, and Services on it, do not reach the pod', mend: '', todo: DELETE_POD },
  'node-neigh': { why: 'the node answers with the MAC address of a pod that is gone', mend: 'deletes the neighbour' },
  'node-rule': { why: 'each packet of the node looks an empty table up', mend: 'deletes the rule' },
  'node-veth': {
    why: 'it is left of a pod that is gone',
    mend: 'deletes the link if both ends are on the node',
    todo: 'ip link delete NAME, if no container has the other end',
  },
} as const satisfies Readonly<Record<string, DifferenceKind>>

export type DifferenceName = keyof typeof DIFFERENCES

/** The row of a kind. */
export const kindOf = (name: DifferenceName): DifferenceKind => DIFFERENCES[name]
