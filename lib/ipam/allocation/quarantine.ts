// An address put aside: in a pool, given to nobody, because another host on the network has it. Pure; the object stays, so its name stays taken.
import { ANNOTATION_CONFLICT_SINCE, IPAM_LABEL_POD_UID, LABEL_CONFLICT } from '../../crd/names.js'
import type { SpiderIPAddress } from '../../crd/types.js'

/** `mac`: of the host that has it. `now`: milliseconds since 1970. */
export function quarantine(object: SpiderIPAddress, { mac, now }: { mac: string; now: number }): SpiderIPAddress {
  const { labels, annotations } = object.metadata
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...labels, [IPAM_LABEL_POD_UID]: '', [LABEL_CONFLICT]: mac.replaceAll(':', '-') },
      annotations: { ...annotations, [ANNOTATION_CONFLICT_SINCE]: new Date(now).toISOString() },
    },
    spec: {
      ...object.spec,
      nic: '',
      containerID: '',
      pod: { namespace: '', name: '', uid: '' },
      owner: { apiVersion: '', kind: '', name: '' },
    },
  }
}

/** No pod's, and marked: a mark on an address that a pod holds is somebody's note. */
export const isQuarantined = ({ spec, metadata }: Pick<SpiderIPAddress, 'spec' | 'metadata'>): boolean =>
  spec.pod.uid === '' && metadata.labels?.[LABEL_CONFLICT] !== undefined
