// Made by scripts/generate.ts from schemas/crds. Not edited.
/** Defaults of SpiderCoordinator.spec and SpiderMultusConfig.spec.coordinator. */
export const COORDINATOR_DEFAULTS = {
  mode: 'auto',
  tunePodRoutes: true,
  hostRuleTable: 500,
  podRPFilter: 0,
  txQueueLen: 0,
} as const

/** Defaults of SpiderMultusConfig.spec. */
export const MULTUS_DEFAULTS = { cniType: 'custom', enableCoordinator: true, disableIPAM: false } as const
