// What `make test` makes of TAP: a table of outputs and what is counted.
import t from 'tap'
import { TapReader } from '../../scripts/tap-report.js'

const cases: readonly {
  of: string
  tap: string
  passed: number
  failed: readonly string[]
  skipped: readonly string[]
}[] = [
  {
    of: 'TapReader counts innermost subtests, not assertions',
    tap: `# Subtest: test/a.test.ts
    # Subtest: outer
        # Subtest: inner
            ok 1 - a
            ok 2 - b
            1..2
        ok 1 - inner # time=12.4ms
        1..1
    ok 1 - outer # time=21.4ms
    1..1
ok 1 - test/a.test.ts # time=97.4ms`,
    passed: 1,
    failed: [],
    skipped: [],
  },
  {
    of: 'TapReader counts a file without subtests as one',
    tap: `# Subtest: test/c.test.ts
    ok 1 - should be equal
    1..1
ok 1 - test/c.test.ts # time=13ms`,
    passed: 1,
    failed: [],
    skipped: [],
  },
  {
    of: 'TapReader reports a failure once, innermost, with its diagnostics',
    tap: `# Subtest: test/a.test.ts
    # Subtest: fails
        not ok 1 - one is two
          ---
          diff: |
            ok 1 - looks like a point
            -2
          ...
        1..1
    not ok 1 - fails # time=40ms
      ---
      at: x
      ...
    1..1
not ok 1 - test/a.test.ts # time=97ms
  ---
  exitCode: 1
  ...`,
    passed: 0,
    failed: ['test/a.test.ts > fails | not ok: one is two | diff: | |   ok 1 - looks like a point |   -2'],
    skipped: [],
  },
  {
    of: 'TapReader reports a file that crashes as a failure',
    tap: `# Subtest: test/e.test.ts
    1..0 # no tests found
not ok 5 - test/e.test.ts # time=1447ms
  ---
  exitCode: 1
  ...`,
    passed: 0,
    failed: ['test/e.test.ts | exitCode: 1'],
    skipped: [],
  },
  {
    of: 'TapReader keeps the reasons of skipped files, subtests and assertions',
    tap: `# Subtest: test/a.test.ts
    ok 1 - bonds # SKIP this kernel cannot: x
    # Subtest: inside
        ok 1 - no foo # SKIP
        ok 2 - y
        1..2
    ok 2 - inside # time=1ms
    1..2
ok 1 - test/a.test.ts # time=97ms
# Subtest: test/b.test.ts
    1..0 # not root
ok 2 - test/b.test.ts # SKIP not root`,
    passed: 1,
    failed: [],
    skipped: ['this kernel cannot: x', 'no foo', 'not root'],
  },
]

for (const { of, tap, passed, failed, skipped } of cases)
  t.test(of, t => {
    const reader = new TapReader(() => undefined)
    tap.split('\n').forEach(line => reader.line(line))
    const { report } = reader
    t.strictSame(
      {
        passed: report.passed,
        failed: report.failed.map(f => [f.test, ...f.lines].join(' | ')),
        skipped: report.skipped.map(s => s.reason),
      },
      { passed, failed, skipped },
    )
    t.end()
  })
