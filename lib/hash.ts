// Hashes that spread names: for an order and for unique names, never for security. Pure.

/** FNV-1a, 64 bits: short, and spreads names that differ in their last character. http://www.isthe.com/chongo/tech/comp/fnv/ */
export function hash64(text: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (let i = 0; i < text.length; i++) {
    hash ^= BigInt(text.charCodeAt(i))
    hash = BigInt.asUintN(64, hash * 0x100000001b3n)
  }
  // FNV's low bits are good and its high bits are not; one round of mixing makes both usable (MurmurHash3's finalizer).
  hash ^= hash >> 33n
  hash = BigInt.asUintN(64, hash * 0xff51afd7ed558ccdn)
  return hash ^ (hash >> 33n)
}
