// Non-cryptographic hashes, to order and to shorten names. Pure.

/**
 * FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/), with the finalizer of MurmurHash3.
 */
export function hash64(text: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (let i = 0; i < text.length; i++) {
    hash ^= BigInt(text.charCodeAt(i))
    hash = BigInt.asUintN(64, hash * 0x100000001b3n)
  }
  // The high bits of FNV are poorly mixed; one round of MurmurHash3's finalizer fixes that.
  hash ^= hash >> 33n
  hash = BigInt.asUintN(64, hash * 0xff51afd7ed558ccdn)
  return hash ^ (hash >> 33n)
}
