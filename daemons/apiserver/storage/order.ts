// The order of a merged list. Pure; knows identities only.

/** `wanted` in its order, and of `old` what `wanted` does not name, where it stood. */
export function interleave(old: readonly string[], wanted: readonly string[]): readonly string[] {
  const named = new Set(wanted)
  const place = new Map(old.map((id, i) => [id, i]))
  const queue = [...wanted]
  const out: string[] = []
  for (const [i, id] of old.entries()) {
    if (named.has(id)) continue
    for (let next = queue[0]; next !== undefined && (place.get(next) ?? Infinity) < i; next = queue[0]) {
      out.push(next)
      queue.shift()
    }
    out.push(id)
  }
  return [...out, ...queue]
}
