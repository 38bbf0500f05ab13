// Counters and gauges in the Prometheus text format 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats). Knows no HTTP and no names.

export type MetricLabels = Readonly<Record<string, string>>
export type Sample = readonly [value: number, labels?: MetricLabels]

export interface MetricFamily {
  readonly name: string
  readonly help: string
  /** A second name for the same samples, for dashboards of another exporter. */
  readonly alias?: string
}

/** A metric as data; a daemon has one table of them, by name. */
export interface MetricSpec {
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  readonly help: string
  readonly alias?: string
}

export type MetricTable = Readonly<Record<string, MetricSpec>>

/** The family of a metric in a daemon's table. */
export const familyOf = <T extends MetricTable>(table: T, name: keyof T & string): MetricFamily => {
  const { help = '', alias } = table[name] ?? {}
  return { name, help, ...(alias !== undefined && { alias }) }
}

export interface Counter {
  /** Adds `by`, or 1; a counter never decreases. */
  add(labels?: MetricLabels, by?: number): void
}

interface Written extends MetricFamily {
  readonly type: 'counter' | 'gauge'
  samples(): Iterable<Sample>
}

/** A metrics registry. Registering a name twice throws. Why not a library: decisions/0013. */
export class Metrics {
  readonly #families = new Map<string, Written>()

  counter(family: MetricFamily): Counter {
    const values = new Map<string, { value: number; readonly labels: MetricLabels }>()
    this.#add({
      ...family,
      type: 'counter',
      samples: () => [...values.values()].map(({ value, labels }) => [value, labels]),
    })
    return {
      add(labels = {}, by = 1) {
        const key = labelText(labels)
        const existing = values.get(key)
        if (existing) existing.value += by
        else values.set(key, { value: by, labels })
      },
    }
  }

  /** Samples are read at each scrape, so that series of deleted objects disappear. */
  gauge(family: MetricFamily, samples: () => Iterable<Sample>): void {
    this.#add({ ...family, type: 'gauge', samples })
  }

  text(): string {
    return [...this.#families.values()].map(familyText).join('')
  }

  #add(family: Written): void {
    if (this.#families.has(family.name)) throw new Error(`metric ${family.name} is defined twice`)
    this.#families.set(family.name, family)
  }
}

function familyText({ name, alias, help, type, samples }: Written): string {
  const read = [...samples()]
  const lines = (as: string): string => {
    const head = `# HELP ${as} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${as} ${type}\n`
    return head + read.map(([value, labels = {}]) => `${as}${labelText(labels)} ${numberText(value)}\n`).join('')
  }
  return lines(name) + (alias === undefined ? '' : lines(alias))
}

function labelText(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')

const numberText = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
