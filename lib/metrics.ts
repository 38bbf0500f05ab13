// Counters, gauges and histograms in the Prometheus text format 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats). Knows no HTTP and no names.

export type MetricLabels = Readonly<Record<string, string>>
export type Sample = readonly [value: number, labels?: MetricLabels]

export interface MetricFamily {
  readonly name: string
  readonly help: string
  /** A second name for the same samples, for dashboards of another exporter; of no type. */
  readonly alias?: string
  /** Of a histogram: upper bounds, ascending, without +Inf. */
  readonly buckets?: readonly number[]
}

/** A metric as data; a daemon has one table of them, by name. */
export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
  readonly alias?: string
  readonly buckets?: readonly number[]
}

export type MetricTable = Readonly<Record<string, MetricSpec>>

/** The family of a metric in a daemon's table. */
export const familyOf = <T extends MetricTable>(table: T, name: keyof T & string): MetricFamily => {
  const { help = '', alias, buckets } = table[name] ?? {}
  return { name, help, ...(alias !== undefined && { alias }), ...(buckets && { buckets }) }
}

/**
 * Series of one counter or histogram. Those of further label values are added up in one whose
 * labels are all `other`, so that a client cannot fill the memory of a daemon or of Prometheus.
 */
export const SERIES_MAX = 1_000
const OTHER = 'other'

export interface Counter {
  /** Adds `by`, or 1; a counter never decreases. `by` 0 makes the series, for `increase()`. */
  add(labels?: MetricLabels, by?: number): void
}

export interface Histogram {
  /** Counts a value, of the unit that the name ends with. */
  observe(value: number, labels?: MetricLabels): void
}

interface Written extends MetricFamily {
  readonly type: MetricSpec['type']
  lines(name: string): string
}

interface Buckets {
  /** Of each bucket alone; the last is +Inf. */
  readonly counts: number[]
  sum: number
}

/** A metrics registry. Registering a name twice throws. Why not a library: decisions/0031. */
export class Metrics {
  readonly #families = new Map<string, Written>()

  counter(family: MetricFamily): Counter {
    const series = new Series(() => ({ value: 0 }))
    this.#add({
      ...family,
      type: 'counter',
      lines: name => series.map((labels, { value }) => `${name}${labels} ${numberText(value)}\n`),
    })
    return {
      add(labels = {}, by = 1) {
        series.of(labels).value += by
      },
    }
  }

  /** Samples are read at each scrape, so that series of deleted objects disappear. */
  gauge(family: MetricFamily, samples: () => Iterable<Sample>): void {
    this.#addRead('gauge', family, samples)
  }

  /** A counter that is kept elsewhere and read at each scrape. */
  counterFunc(family: MetricFamily, samples: () => Iterable<Sample>): void {
    this.#addRead('counter', family, samples)
  }

  #addRead(type: 'counter' | 'gauge', family: MetricFamily, samples: () => Iterable<Sample>): void {
    const lines = (name: string): string => {
      let text = ''
      for (const [value, labels = {}] of samples()) text += `${name}${labelText(labels)} ${numberText(value)}\n`
      return text
    }
    this.#add({ ...family, type, lines })
  }

  histogram(family: MetricFamily): Histogram {
    const bounds = family.buckets ?? []
    const series = new Series((): Buckets => ({ counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }))
    this.#add({ ...family, type: 'histogram', lines: name => series.map((...one) => bucketText(name, bounds, ...one)) })
    return {
      observe(value, labels = {}) {
        const one = series.of(labels)
        const at = bounds.findIndex(bound => value <= bound)
        const index = at < 0 ? bounds.length : at
        one.counts[index] = (one.counts[index] ?? 0) + 1
        one.sum += value
      },
    }
  }

  text(): string {
    return [...this.#families.values()].map(familyText).join('')
  }

  #add(family: Written): void {
    if (this.#families.has(family.name)) throw new Error(`metric ${family.name} is defined twice`)
    this.#families.set(family.name, family)
  }
}

/** The values of one family, by the text of their labels. */
class Series<T> {
  readonly #values = new Map<string, T>()
  readonly #make: () => T

  constructor(make: () => T) {
    this.#make = make
  }

  of(labels: MetricLabels): T {
    const key = labelText(labels)
    const existing = this.#values.get(key)
    if (existing !== undefined) return existing
    if (this.#values.size >= SERIES_MAX) {
      const others = Object.fromEntries(Object.keys(labels).map(name => [name, OTHER]))
      const rest = labelText(others)
      return this.#values.get(rest) ?? this.#set(rest)
    }
    return this.#set(key)
  }

  map(text: (labels: string, value: T) => string): string {
    let joined = ''
    for (const [labels, value] of this.#values) joined += text(labels, value)
    return joined
  }

  #set(key: string): T {
    const made = this.#make()
    this.#values.set(key, made)
    return made
  }
}

/** Buckets are cumulative in the text; `le` is the last label. */
function bucketText(name: string, bounds: readonly number[], labels: string, { counts, sum }: Buckets): string {
  const open = labels === '' ? '{' : `${labels.slice(0, -1)},`
  let text = ''
  let total = 0
  counts.forEach((count, at) => {
    total += count
    text += `${name}_bucket${open}le="${numberText(bounds[at] ?? Infinity)}"} ${total}\n`
  })
  return `${text}${name}_sum${labels} ${numberText(sum)}\n${name}_count${labels} ${total}\n`
}

function familyText({ name, alias, help, type, lines }: Written): string {
  const headed = (as: string, kind: string): string =>
    `# HELP ${as} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${as} ${kind}\n${lines(as)}`
  return headed(name, type) + (alias === undefined ? '' : headed(alias, 'untyped'))
}

function labelText(labels: MetricLabels): string {
  let text = ''
  for (const name in labels) text += `${text === '' ? '{' : ','}${name}="${escaped(labels[name] ?? '')}"`
  return text === '' ? '' : `${text}}`
}

const PLAIN = /^[^\\"\n]*$/
const escaped = (value: string): string =>
  PLAIN.test(value) ? value : value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')

const numberText = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
