// The text that Prometheus reads.
import t from 'tap'
import { Metrics, SERIES_MAX } from '../../lib/metrics.js'

t.test('Metrics.text() of counters, gauges, labels and aliases', async t => {
  const metrics = new Metrics()
  const freed = metrics.counter({ name: 'freed_total', help: 'of a pool,\nor a \\ few', alias: 'freed' })
  let pools = 1
  metrics.gauge({ name: 'pools', help: 'there are' }, () => [[pools], [Infinity, { pool: 'a"b\\c\nd' }]])
  freed.add({ pool: 'p' })
  freed.add({ pool: 'p' }, 2)
  freed.add({ pool: 'q' }, 0)
  pools = 7
  t.equal(
    metrics.text(),
    [
      '# HELP freed_total of a pool,\\nor a \\\\ few',
      '# TYPE freed_total counter',
      'freed_total{pool="p"} 3',
      'freed_total{pool="q"} 0',
      '# HELP freed of a pool,\\nor a \\\\ few',
      '# TYPE freed untyped',
      'freed{pool="p"} 3',
      'freed{pool="q"} 0',
      '# HELP pools there are',
      '# TYPE pools gauge',
      'pools 7',
      'pools{pool="a\\"b\\\\c\\nd"} +Inf',
      '',
    ].join('\n'),
  )
})

t.test('Metrics.text() of histograms: buckets are cumulative and include their bound', async t => {
  const metrics = new Metrics()
  const took = metrics.histogram({ name: 'took_seconds', help: 'time', buckets: [0.5, 1] })
  for (const value of [0.25, 0.5, 0.75, 1, 8]) took.observe(value, { verb: 'a' })
  took.observe(0.125)
  t.equal(
    metrics.text(),
    [
      '# HELP took_seconds time',
      '# TYPE took_seconds histogram',
      'took_seconds_bucket{verb="a",le="0.5"} 2',
      'took_seconds_bucket{verb="a",le="1"} 4',
      'took_seconds_bucket{verb="a",le="+Inf"} 5',
      'took_seconds_sum{verb="a"} 10.5',
      'took_seconds_count{verb="a"} 5',
      'took_seconds_bucket{le="0.5"} 1',
      'took_seconds_bucket{le="1"} 1',
      'took_seconds_bucket{le="+Inf"} 1',
      'took_seconds_sum 0.125',
      'took_seconds_count 1',
      '',
    ].join('\n'),
  )
})

t.test('Counter.add() of more label values than SERIES_MAX counts them together', async t => {
  const metrics = new Metrics()
  const seen = metrics.counter({ name: 'seen_total', help: '' })
  for (let at = 0; at < SERIES_MAX + 5; at++) seen.add({ name: `n${at}` })
  const lines = metrics.text().split('\n')
  t.equal(lines.filter(line => line.startsWith('seen_total{')).length, SERIES_MAX + 1)
  t.ok(lines.includes('seen_total{name="other"} 5'))
})

t.test('Metrics rejects a duplicate name', async t => {
  const metrics = new Metrics()
  metrics.counter({ name: 'a', help: '' })
  t.throws(() => metrics.gauge({ name: 'a', help: '' }, () => []), { message: 'metric a is defined twice' })
})
