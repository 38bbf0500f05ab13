// The ValidatingAdmissionPolicy that limits a node to its own SpiderIPAddresses and
// SpiderEndpoints, and its binding.
import { SPIDERPOOL_GROUP, SPIDERPOOL_VERSION } from '../../../lib/crd/names.js'

/** Name of both objects. */
export const NODE_POLICY = 'spiderpool-node-writes'

/**
 * In the token's user info: the node of the pod that the token is bound to (Kubernetes 1.30 or
 * later, ServiceAccountTokenPodNodeInfo).
 */
const NODE_CLAIM = 'authentication.kubernetes.io/node-name'

/** Owners whose addresses and records move to another node. */
const MOVING = ['StatefulSet', 'VirtualMachineInstance']
/** A bare pod may be created again on another node and inherits the record, never the address. */
const MOVING_RECORD = "(variables.ownerKind == 'Pod' && request.resource.resource == 'spiderendpoints')"

const LABELS = { 'app.kubernetes.io/name': 'spiderpool' }

const BINDING = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name: NODE_POLICY, labels: LABELS },
  spec: { policyName: NODE_POLICY, validationActions: ['Deny'] },
}

export interface NodeAccount {
  readonly namespace: string
  /** The service account of the DaemonSet. */
  readonly account: string
}

/**
 * The two objects, admissionregistration.k8s.io/v1 (Kubernetes 1.30 or later). SpiderIPAddress and
 * SpiderEndpoint have node and owner in different fields.
 */
export function nodePolicy({ namespace, account }: NodeAccount): readonly object[] {
  const user = `system:serviceaccount:${namespace}:${account}`
  const moving = `[${MOVING.map(kind => `'${kind}'`).join(', ')}]`
  const node = (of: string): string =>
    `request.resource.resource == 'spideripaddresses' ? (has(${of}.spec) && has(${of}.spec.node) ? ${of}.spec.node : '') : (has(${of}.status) && has(${of}.status.current) && has(${of}.status.current.node) ? ${of}.status.current.node : '')`
  const ownerKind = `request.resource.resource == 'spideripaddresses' ? (has(oldObject.spec) && has(oldObject.spec.owner) && has(oldObject.spec.owner.kind) ? oldObject.spec.owner.kind : '') : (has(oldObject.status) && has(oldObject.status.ownerControllerType) ? oldObject.status.ownerControllerType : '')`
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: NODE_POLICY, labels: LABELS },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: [SPIDERPOOL_GROUP],
              apiVersions: [SPIDERPOOL_VERSION],
              operations: ['CREATE', 'UPDATE', 'DELETE'],
              resources: ['spideripaddresses', 'spiderendpoints', 'spideripaddresses/*', 'spiderendpoints/*'],
            },
          ],
        },
        matchConditions: [{ name: 'node', expression: `request.userInfo.username == '${user}'` }],
        variables: [
          {
            name: 'node',
            expression: `has(request.userInfo.extra) && '${NODE_CLAIM}' in request.userInfo.extra ? request.userInfo.extra['${NODE_CLAIM}'][0] : ''`,
          },
          { name: 'newNode', expression: `request.operation == 'DELETE' ? variables.node : (${node('object')})` },
          { name: 'oldNode', expression: `request.operation == 'CREATE' ? variables.node : (${node('oldObject')})` },
          { name: 'ownerKind', expression: `request.operation == 'CREATE' ? '' : (${ownerKind})` },
        ],
        validations: [
          {
            expression: "variables.node != ''",
            message: `the token of ${account} is not bound to a pod or node (claim ${NODE_CLAIM}); use the token of the DaemonSet's pod, or delete the policy`,
            reason: 'Forbidden',
          },
          {
            expression: "variables.node == '' || variables.newNode == variables.node",
            messageExpression: `'node ' + variables.node + ' may not write an object of node ' + variables.newNode`,
            reason: 'Forbidden',
          },
          {
            expression: `variables.node == '' || variables.oldNode == variables.node || variables.ownerKind in ${moving} || ${MOVING_RECORD}`,
            messageExpression: `'node ' + variables.node + ' may not change or delete an object of node ' + variables.oldNode`,
            reason: 'Forbidden',
          },
        ],
      },
    },
    BINDING,
  ]
}
