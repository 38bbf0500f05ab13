// Interface names that two components must agree on: ifacer creates the VLAN, and a generated
// NetworkAttachmentDefinition names it as master. Pure.

/** IFNAMSIZ of <linux/if.h>, without the NUL. */
export const IFNAME_BYTES_MAX = 15
/** ALTIFNAMSIZ of <linux/if.h>, without the NUL: of an alternative name. */
export const ALTNAME_BYTES_MAX = 127

const HASH_LETTERS = 7 // 36^7 is more than 2^32

/** FNV-1a, 32 bits, in base 36, padded to seven letters. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(36).padStart(HASH_LETTERS, '0')
}

/**
 * The name of VLAN `id` on an interface: `eth0.100`. If that exceeds IFNAMSIZ, the interface name
 * is truncated and gets a hash of the full name: `enp129s0f0np0` and 100 become `enp10p68i5p.100`.
 */
export function vlanName(on: string, id: number): string {
  const whole = `${on}.${id}`
  if (new TextEncoder().encode(whole).length <= IFNAME_BYTES_MAX) return whole
  const tail = `${hashOf(on)}.${id}`
  return on.replace(/[^A-Za-z0-9_-]/g, '').slice(0, IFNAME_BYTES_MAX - tail.length) + tail
}
