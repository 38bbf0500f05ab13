// Quarantine: an address that another host on the network answers for is not allocated. Its object
// stays without a holder, so that its name stays taken. Pure.
import { ANNOTATION_CONFLICT_SINCE, IPAM_LABEL_POD_UID, LABEL_CONFLICT } from '../../crd/names.js'
import type { SpiderIPAddress } from '../../crd/types.js'

/** The object in quarantine. `mac`: of the host that has the address. `now`: ms since 1970. */
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

/** True without a holder and with the label; the label alone on a held address is ignored. */
export const isQuarantined = ({ spec, metadata }: Pick<SpiderIPAddress, 'spec' | 'metadata'>): boolean =>
  spec.pod.uid === '' && metadata.labels?.[LABEL_CONFLICT] !== undefined
