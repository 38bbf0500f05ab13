// Spelling suggestion by edit distance. Pure. Loaded lazily: only for an unknown word.

/** One typo is tolerated per this many letters, and at least one. */
const LETTERS_PER_TYPO = 3

/**
 * The known word with the smallest edit distance to `word`, ignoring case. Beyond one typo per
 * LETTERS_PER_TYPO letters: a known word that starts with `word`, else undefined.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const small = word.toLowerCase()
  let best: string | undefined
  let fewest = Math.max(1, Math.floor(word.length / LETTERS_PER_TYPO)) + 1
  for (const one of known) {
    const typos = distance(small, one.toLowerCase())
    if (best === undefined && small.length >= LETTERS_PER_TYPO && one.toLowerCase().startsWith(small)) best = one
    if (typos >= fewest) continue
    fewest = typos
    best = one
  }
  return best
}

/** Optimal string alignment distance: insertions, deletions, substitutions, adjacent swaps. */
export function distance(a: string, b: string): number {
  let before: readonly number[] = []
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const costs = [(last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1)]
      row.push(Math.min(...costs, isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity))
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}
