// The IPAM's switches: keys of conf.yml of the ConfigMap and of `ipam` in a conf. Pure.

/** Name and default. */
export const IPAM_SWITCHES = {
  enableIPv4: true,
  enableIPv6: true,
  enableStatefulSet: true,
  enableKubevirtStaticIP: true,
  enableSpiderSubnet: true,
  enableIPConflictDetection: false,
  enableGatewayDetection: false,
} as const

/**
 * The switches that `values` sets to another value than the default, in the order of the table. A
 * key that is absent keeps the default.
 */
export const switchesIn = (values: Readonly<Record<string, unknown>>): Readonly<Record<string, boolean>> =>
  Object.fromEntries(
    Object.entries(IPAM_SWITCHES).flatMap(([key, otherwise]) =>
      values[key] === !otherwise ? [[key, !otherwise] as const] : [],
    ),
  )
