// Reads TAP 14 line by line and keeps failures, skips and counts. Pure.

export interface Failure {
  readonly test: string
  /** The diagnostics below the `not ok` lines, as they came. */
  readonly lines: string[]
}

export interface Skip {
  readonly test: string
  readonly reason: string
}

/**
 * Counts innermost subtests; a file without subtests is one. A skipped assertion counts as a skip.
 */
export interface Report {
  passed: number
  readonly failed: Failure[]
  readonly skipped: Skip[]
}

interface Open {
  readonly name: string
  parent: boolean
  readonly failures: Failure[]
}

const POINT = /^( *)(ok|not ok) \d+(?: - (.*))?$/
const SUBTEST = /^( *)# Subtest: (.*)$/
const DIRECTIVE = /^(.*?)\s*# (SKIP|TODO)\b\s*(.*)$/i
const DIAGNOSTICS_LINES_MAX = 60

interface Point {
  readonly ok: boolean
  readonly name: string
  readonly directive: string | undefined
}

function pointOf(result: string, rest: string): Point {
  const text = rest.replace(/ # time=\S+$/, '')
  const marked = DIRECTIVE.exec(text)
  if (!marked) return { ok: result === 'ok', name: text, directive: undefined }
  const [, name = '', kind = '', why = ''] = marked
  return { ok: true, name, directive: `${kind.toUpperCase() === 'TODO' ? 'TODO ' : ''}${why === '' ? name : why}` }
}

/** Called when a file ends: whether it passed, and how many of its tests ran. */
export type FileDone = (file: string, ok: boolean, tests: number) => void

export class TapReader {
  readonly report: Report = { passed: 0, failed: [], skipped: [] }
  private readonly open: Open[] = []
  private sink: Failure | undefined // where diagnostics go
  private yamlIndent = -1 // inside diagnostics while ≥ 0
  private before = 0
  private readonly fileDone: FileDone

  constructor(fileDone: FileDone) {
    this.fileDone = fileDone
  }

  /** Takes the output line by line, without newlines. */
  line(text: string): void {
    const indent = text.length - text.trimStart().length
    if (this.yamlIndent >= 0) return this.diagnostics(text, indent)
    if (text.trim() === '---') {
      this.yamlIndent = indent
      return
    }
    const subtest = SUBTEST.exec(text)
    if (subtest) {
      const within = this.open.at(-1)
      if (within) within.parent = true
      this.open.push({ name: subtest[2] ?? '', parent: false, failures: [] })
    }
    if (/^ *Bail out!/.test(text)) this.fail(this.pathTo(text.trim()), [])
    const found = POINT.exec(text)
    if (!found) return
    this.sink = undefined
    const point = pointOf(found[2] ?? '', found[3] ?? '')
    const ended = this.open.length > indent / 4 ? this.open.pop() : undefined
    if (ended) this.closed(ended, point)
    else this.asserted(point)
  }

  private diagnostics(text: string, indent: number): void {
    if (text.trim() === '...' && indent === this.yamlIndent) this.yamlIndent = -1
    else if (this.sink && this.sink.lines.length < DIAGNOSTICS_LINES_MAX)
      this.sink.lines.push(text.slice(this.yamlIndent))
  }

  private closed(ended: Open, point: Point): void {
    const { report } = this
    const test = this.pathTo(ended.name)
    const inside = report.failed.some(failure => failure.test.startsWith(`${test} > `))
    if (point.directive !== undefined) report.skipped.push({ test, reason: point.directive })
    else if (!point.ok && ended.failures.length > 0) this.fail(test, ended.failures)
    else if (!point.ok && !inside) this.sink = this.fail(test, [])
    else if (point.ok && !ended.parent) report.passed++
    if (this.open.length > 0) return
    const seen = report.passed + report.failed.length
    this.fileDone(ended.name, point.ok, seen - this.before)
    this.before = seen
  }

  private asserted(point: Point): void {
    const test = this.pathTo(point.name)
    const within = this.open.at(-1)
    if (point.directive !== undefined) this.report.skipped.push({ test, reason: point.directive })
    else if (!point.ok && within) within.failures.push((this.sink = { test: point.name, lines: [] }))
    else if (!point.ok) this.sink = this.fail(test, [])
  }

  private fail(test: string, of: readonly Failure[]): Failure {
    const failure: Failure = { test, lines: of.flatMap(({ test: name, lines }) => [`not ok: ${name}`, ...lines]) }
    this.report.failed.push(failure)
    return failure
  }

  private pathTo(name: string): string {
    return [...this.open.map(o => o.name), name].join(' > ')
  }
}
