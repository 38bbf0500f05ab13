// Replaces tap while mutants run: tests are collected and run repeatedly in one process. Under Bun.
import { isDeepStrictEqual } from 'node:util'

/** In globalThis: the number of the mutant that holds. */
export const SWITCH = 'mutantThatHolds'

type Body = (t: Mini) => unknown

export interface Mini {
  test(name: string, body: Body): Promise<void>
  equal(found: unknown, wanted: unknown): void
  strictSame(found: unknown, wanted: unknown): void
  match(found: unknown, wanted: unknown): void
  notMatch(found: unknown, wanted: unknown): void
  ok(found: unknown): void
  notOk(found: unknown): void
  throws(body: () => unknown, wanted?: unknown): void
  fail(): void
  pass(): void
  end(): void
  teardown(): void
}

const kept: { readonly name: string; readonly body: Body }[] = []

function hold(isTrue: boolean): void {
  if (!isTrue) throw new Error('an assertion does not hold')
}

/** As tap's `match`: the given fields match, others are ignored. */
function matches(found: unknown, wanted: unknown): boolean {
  if (wanted instanceof RegExp) return typeof found === 'string' && wanted.test(found)
  if (typeof wanted === 'string') return typeof found === 'string' && found.includes(wanted)
  if (typeof wanted !== 'object' || wanted === null) return Object.is(found, wanted)
  if (typeof found !== 'object' || found === null) return false
  const there = new Map<string, unknown>(Object.entries(found))
  return Object.entries(wanted).every(([key, value]) => matches(there.get(key), value))
}

function thrown(body: () => unknown): { readonly error: unknown } | undefined {
  try {
    body()
    return undefined
  } catch (error) {
    return { error }
  }
}

const asserting: Omit<Mini, 'test'> = {
  equal: (found, wanted) => hold(Object.is(found, wanted)),
  strictSame: (found, wanted) => hold(isDeepStrictEqual(found, wanted)),
  match: (found, wanted) => hold(matches(found, wanted)),
  notMatch: (found, wanted) => hold(!matches(found, wanted)),
  ok: found => hold(Boolean(found)),
  notOk: found => hold(!found),
  throws(body, wanted) {
    const found = thrown(body)
    hold(found !== undefined)
    if (wanted instanceof RegExp) hold(found?.error instanceof Error && wanted.test(found.error.message))
  },
  fail: () => hold(false),
  pass: () => {},
  end: () => {},
  teardown: () => {},
}

const inner: Mini = { ...asserting, test: async (_, body) => void (await body(inner)) }
const outer: Mini = {
  ...asserting,
  test(name, body) {
    kept.push({ name, body })
    return Promise.resolve()
  },
}
export default outer

/** Runs what was kept; the name of the first test that fails. */
export async function firstFailure(): Promise<string | undefined> {
  for (const { name, body } of kept)
    try {
      await body(inner)
    } catch {
      return name // a mutant may do anything
    }
  return undefined
}
