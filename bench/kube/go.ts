// What Go Spiderpool 1.2.2 took for the same work, measured on 2026-11-30 on the same machine and
// API server (agent and controller running, through cnitool, 40 pods in a row). It is not run here.

export const GO_SOURCE = 'Go Spiderpool 1.2.2, measured 2026-11-30 on the same machine and API server'

export const GO = {
  ipamAdd: '47–61',
  ipamDel: '57',
  macvlanAdd: '61.7 (73.6)',
  macvlanAddCpu: '32',
  macvlanDel: '68.3 (86.8)',
  chainAdd: '92.3 (104)',
  chainAddCpu: '65',
  chainDel: '108 (127)',
  chainDelCpu: '54',
  burst: '31–36',
  burstFailed: '314',
  resident: '28',
} as const
