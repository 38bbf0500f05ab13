// lib/netlink/fd-transport.ts on ordinary files: a file descriptor is one. A real socket is tried by the tests on a real kernel.
import { openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { fdTransport } from '../../../lib/netlink/fd-transport.js'
import { WireError } from '../../../lib/netlink/wire.js'
import { hex } from './captures/row.js'

const path = (t: Test): string => `${t.testdir({ file: '' })}/file`

t.test('what is sent is written whole', t => {
  const file = path(t)
  fdTransport(openSync(file, 'w')).send(hex('14000000 03000200'))
  t.equal(readFileSync(file).toString('hex'), '1400000003000200')
  t.end()
})

t.test('what is received is as long as it is', t => {
  const file = path(t)
  writeFileSync(file, hex('01020304'))
  const transport = fdTransport(openSync(file, 'r+'))
  t.strictSame(transport.receive(), hex('01020304'))
  writeFileSync(file, hex('01020304 0506'))
  t.strictSame(transport.receive(), hex('0506'))
  t.end()
})

t.test('a datagram that fills the buffer may be cut, and is refused', t => {
  const file = path(t)
  truncateSync(file, 70_000)
  t.throws(() => fdTransport(openSync(file, 'r')).receive(), { constructor: WireError, message: /was cut short/ })
  t.end()
})

t.test('an end where there can be none is refused', t => {
  t.throws(() => fdTransport(openSync(path(t), 'r')).receive(), { constructor: WireError, message: /socket is closed/ })
  t.end()
})

t.test('a closed descriptor is an error of the system, by its name', t => {
  const transport = fdTransport(openSync(path(t), 'r+'))
  transport.close()
  t.throws(() => transport.receive(), { code: 'EBADF' })
  t.throws(() => transport.send(hex('00')), { code: 'EBADF' })
  t.end()
})
