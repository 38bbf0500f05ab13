// IFLA_INFO_DATA of bonds and IFLA_INFO_SLAVE_DATA of their slaves (<linux/if_link.h>).
import { attrs, indexed } from '../attrs.js'
import { raw, u16, u32, u8 } from '../../bytes.js'

export const bond = attrs({
  mode: [1, u8],
  activeSlave: [2, u32], // an interface index, as is `primary`
  miimon: [3, u32], // ms, as are the delays and intervals below
  updelay: [4, u32],
  downdelay: [5, u32],
  useCarrier: [6, u8],
  arpInterval: [7, u32],
  arpIpTarget: [8, indexed(raw)], // four bytes each, sixteen at most
  arpValidate: [9, u32],
  arpAllTargets: [10, u32],
  primary: [11, u32],
  primaryReselect: [12, u8],
  failOverMac: [13, u8],
  xmitHashPolicy: [14, u8],
  resendIgmp: [15, u32],
  numPeerNotif: [16, u8],
  allSlavesActive: [17, u8],
  minLinks: [18, u32],
  lpInterval: [19, u32], // s
  packetsPerSlave: [20, u32],
  adLacpRate: [21, u8],
  adSelect: [22, u8],
  adInfo: [
    23,
    attrs({ aggregator: [1, u16], ports: [2, u16], actorKey: [3, u16], partnerKey: [4, u16], partnerMac: [5, raw] }),
  ],
  adActorSysPrio: [24, u16],
  adUserPortKey: [25, u16],
  adActorSystem: [26, raw], // a MAC
  tlbDynamicLb: [27, u8],
  peerNotifDelay: [28, u32],
  adLacpActive: [29, u8],
  missedMax: [30, u8],
  nsIp6Target: [31, indexed(raw)], // sixteen bytes each
  coupledControl: [32, u8],
})

export const bondSlave = attrs({
  state: [1, u8], // 0 active, 1 backup
  miiStatus: [2, u8],
  linkFailureCount: [3, u32],
  permHwaddr: [4, raw],
  queueId: [5, u16],
  adAggregatorId: [6, u16],
  adActorOperPortState: [7, u8],
  adPartnerOperPortState: [8, u16],
  priority: [9, u32],
})
