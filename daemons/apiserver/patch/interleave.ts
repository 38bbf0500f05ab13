// The order of a merged list (list type map or set). Pure.

/** `order`, with the members of `old` that it does not name kept at their positions. */
export function interleave(old: readonly string[], order: readonly string[]): readonly string[] {
  const named = new Set(order)
  const index = new Map(old.map((id, i) => [id, i]))
  const queue = [...order]
  const out: string[] = []
  for (const [i, id] of old.entries()) {
    if (named.has(id)) continue
    for (let next = queue[0]; next !== undefined && (index.get(next) ?? Infinity) < i; next = queue[0]) {
      out.push(next)
      queue.shift()
    }
    out.push(id)
  }
  return [...out, ...queue]
}
