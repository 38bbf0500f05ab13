// The log: lines of JSON, rotated by size, age and count, and never a reason to fail.
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { LEVELS, openLog, type Level, type LogOptions } from '../../lib/log.js'

const NOW = new Date('2026-01-31T12:00:00.000Z')
const MB = 1024 * 1024

const linesOf = (file: string): unknown[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as unknown)

const logAt = (file: string, options: Partial<LogOptions> = {}, now = NOW) =>
  openLog({ level: 'debug', file, folder: dirname(file), ...options }, () => now)

t.test('openLog() writes a line as one JSON object: level, time, message, fields', t => {
  const file = `${t.testdir()}/a.log`
  const log = logAt(file)
  log.info('address allocated', { pod: 'default/web-0', ms: 5 })
  log.error('two\nlines "quoted"')
  t.strictSame(linesOf(file), [
    { level: 'INFO', ts: '2026-01-31T12:00:00.000Z', msg: 'address allocated', pod: 'default/web-0', ms: 5 },
    { level: 'ERROR', ts: '2026-01-31T12:00:00.000Z', msg: 'two\nlines "quoted"' },
  ])
  t.end()
})

t.test('openLog() drops lines below the level', t => {
  const logged: Readonly<Record<Level, readonly string[]>> = {
    debug: ['DEBUG', 'INFO', 'WARN', 'ERROR'],
    info: ['INFO', 'WARN', 'ERROR'],
    warn: ['WARN', 'ERROR'],
    error: ['ERROR'],
    fatal: [],
    panic: [],
  }
  for (const level of LEVELS) {
    const file = `${t.testdir()}/${level}.log`
    const log = logAt(file, { level })
    log.debug('m')
    log.info('m')
    log.warn('m')
    log.error('m')
    const levels = existsSync(file) ? linesOf(file).map(line => (line as { level: string }).level) : []
    t.strictSame(levels, logged[level], level)
  }
  t.end()
})

t.test('openLog() opens the file and creates folders on the first line', t => {
  const folder = t.testdir()
  const log = logAt(`${folder}/a/b/c.log`)
  t.strictSame(readdirSync(folder), [])
  log.info('m')
  t.equal(linesOf(`${folder}/a/b/c.log`).length, 1)
  t.end()
})

t.test('openLog() ignores write errors', t => {
  const folder = t.testdir({ file: 'x', folder: {} })
  symlinkSync('/dev/full', `${folder}/full`)
  for (const file of [`${folder}/folder`, `${folder}/file/a.log`, `${folder}/full`, '', '/']) {
    const log = logAt(file)
    t.doesNotThrow(() => log.info('m'), JSON.stringify(file))
    t.doesNotThrow(() => log.error('again'))
  }
  t.strictSame(readFileSync(`${folder}/file`, 'utf8'), 'x')
  t.end()
})

t.test('logTo() omits fields that are not JSON', t => {
  const file = `${t.testdir()}/a.log`
  const log = logAt(file)
  const round: { self?: object } = {}
  round.self = round
  t.doesNotThrow(() => log.info('m', round))
  t.doesNotThrow(() => log.info('m', { big: 5n }))
  const start = { level: 'INFO', ts: '2026-01-31T12:00:00.000Z', msg: 'm' }
  t.match(linesOf(file), [
    { ...start, unwritable: /circular/ },
    { ...start, unwritable: /BigInt/ },
  ])
  t.end()
})

t.test('openLog() rotates a file at its size, named as lumberjack does', t => {
  const folder = t.testdir({ 'a.log': 'x'.repeat(2 * MB - 10) })
  logAt(`${folder}/a.log`, { maxSizeMb: 2 }).info('m')
  t.strictSame(readdirSync(folder).sort(), ['a-2026-01-31T12-00-00.000.log', 'a.log'])
  t.equal(linesOf(`${folder}/a.log`).length, 1)
  t.equal(readFileSync(`${folder}/a-2026-01-31T12-00-00.000.log`, 'utf8').length, 2 * MB - 10)
  t.end()
})

t.test('openLog() with a size of 0 or less rotates at 100 MB', t => {
  for (const maxSizeMb of [undefined, 0, -1]) {
    const folder = t.testdir({ 'a.log': 'x'.repeat(3 * MB) })
    logAt(`${folder}/a.log`, maxSizeMb === undefined ? {} : { maxSizeMb }).info('m')
    t.strictSame(readdirSync(folder), ['a.log'], String(maxSizeMb))
  }
  t.end()
})

t.test('openLog() counts bytes, and writes a first line of any length', t => {
  const folder = t.testdir({ 'a.log': '' })
  logAt(`${folder}/a.log`, { maxSizeMb: 1 }).info('ä'.repeat(MB))
  t.strictSame(readdirSync(folder), ['a.log'])
  logAt(`${folder}/a.log`, { maxSizeMb: 1 }).info('m')
  t.equal(readdirSync(folder).length, 2)
  t.end()
})

const AGES = ['2025-11-30', '2025-12-30', '2026-01-02', '2026-01-30']
const old = (day: string): string => `a-${day}T00-00-00.000.log`
const TODAY = 'a-2026-01-31T12-00-00.000.log'

const KEPT: readonly [string, Partial<LogOptions>, readonly string[]][] = [
  ['no limits', {}, AGES],
  ['a count of 0 is no limit', { maxCount: 0, maxAgeDays: 0 }, AGES],
  ['a count', { maxCount: 2 }, ['2026-01-30']],
  ['a count of 1 keeps the one just rotated', { maxCount: 1 }, []],
  ['an age', { maxAgeDays: 30 }, ['2026-01-02', '2026-01-30']],
  ['a negative age is 30 days', { maxAgeDays: -1 }, ['2026-01-02', '2026-01-30']],
  ['a negative count is 10', { maxCount: -1 }, AGES],
  ['an age longer than time', { maxAgeDays: 1e9 }, AGES],
]

t.test('openLog() removes old and surplus rotated files, and no other', t => {
  for (const [of, options, days] of KEPT) {
    const others = ['a-ipam.log', 'a-1.log', 'b-2025-11-30T00-00-00.000.log', 'a-2025-11-30T00-00-00.000.txt']
    const folder = t.testdir(Object.fromEntries([...AGES.map(old), ...others].map(name => [name, ''])))
    writeFileSync(`${folder}/a.log`, 'x'.repeat(MB))
    logAt(`${folder}/a.log`, { maxSizeMb: 1, ...options }).info('m')
    t.strictSame(readdirSync(folder).sort(), [...days.map(old), ...others, TODAY, 'a.log'].sort(), of)
  }
  t.end()
})

t.test('openLog() rotates names without an extension or with dots in the folder', t => {
  const folder = t.testdir()
  mkdirSync(`${folder}/x.d`)
  writeFileSync(`${folder}/x.d/log`, 'x'.repeat(MB))
  logAt(`${folder}/x.d/log`, { maxSizeMb: 1 }).info('m')
  t.strictSame(readdirSync(`${folder}/x.d`).sort(), ['log', 'log-2026-01-31T12-00-00.000'])
  t.end()
})
