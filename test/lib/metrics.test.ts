// The text that Prometheus reads.
import t from 'tap'
import { Metrics } from '../../lib/metrics.js'

t.test('Metrics.text() of counters, gauges, labels and aliases', async t => {
  const metrics = new Metrics()
  const freed = metrics.counter({ name: 'freed', help: 'of a pool,\nor a \\ few', alias: 'freed_total' })
  let pools = 1
  metrics.gauge({ name: 'pools', help: 'there are' }, () => [[pools], [Infinity, { pool: 'a"b\\c\nd' }]])
  freed.add({ pool: 'p' })
  freed.add({ pool: 'p' }, 2)
  freed.add({ pool: 'q' })
  pools = 7
  t.equal(
    metrics.text(),
    [
      '# HELP freed of a pool,\\nor a \\\\ few',
      '# TYPE freed counter',
      'freed{pool="p"} 3',
      'freed{pool="q"} 1',
      '# HELP freed_total of a pool,\\nor a \\\\ few',
      '# TYPE freed_total counter',
      'freed_total{pool="p"} 3',
      'freed_total{pool="q"} 1',
      '# HELP pools there are',
      '# TYPE pools gauge',
      'pools 7',
      'pools{pool="a\\"b\\\\c\\nd"} +Inf',
      '',
    ].join('\n'),
  )
})

t.test('Metrics rejects a duplicate name', async t => {
  const metrics = new Metrics()
  metrics.counter({ name: 'a', help: '' })
  t.throws(() => metrics.gauge({ name: 'a', help: '' }, () => []), { message: 'metric a is defined twice' })
})
