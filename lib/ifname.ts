// Names of interfaces that two parts must agree on: a VLAN's, which ifacer makes and a generated
// network definition names as master. Pure.

/** IFNAMSIZ of <linux/if.h>, without the NUL. */
export const IFNAME_BYTES_MAX = 15
/** ALTIFNAMSIZ of <linux/if.h>, without the NUL: of an alternative name. */
export const ALTNAME_BYTES_MAX = 127

const HASH_LETTERS = 7 // 36^7 is more than 2^32

/** FNV-1a of 32 bits in base 36, always of seven letters. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(36).padStart(HASH_LETTERS, '0')
}

/**
 * The name of the VLAN `id` on an interface: `eth0.100`. Where that is longer than Linux allows,
 * the interface's name becomes as many of its first letters as there is room for and a hash of the
 * whole of it: `enp129s0f0np0` and 100 are `enp10p68i5p.100`.
 */
export function vlanName(on: string, id: number): string {
  const whole = `${on}.${id}`
  if (new TextEncoder().encode(whole).length <= IFNAME_BYTES_MAX) return whole
  const tail = `${hashOf(on)}.${id}`
  return on.replace(/[^A-Za-z0-9_-]/g, '').slice(0, IFNAME_BYTES_MAX - tail.length) + tail
}
