// lib/netlink/fd-transport.ts on ordinary files; the e2e tests use a real socket.
import { openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { fdTransport } from '../../../lib/netlink/fd-transport.js'
import { WireError } from '../../../lib/bytes.js'
import { hex } from './captures/row.js'

const path = (t: Test): string => `${t.testdir({ file: '' })}/file`

t.test('send() writes all bytes', t => {
  const file = path(t)
  fdTransport(openSync(file, 'w')).send(hex('14000000 03000200'))
  t.equal(readFileSync(file).toString('hex'), '1400000003000200')
  t.end()
})

t.test('sendAsync() writes all bytes, and rejects a failed write(2) with its code', async t => {
  const file = path(t)
  const transport = fdTransport(openSync(file, 'w'))
  await transport.sendAsync(hex('14000000 03000200'))
  t.equal(readFileSync(file).toString('hex'), '1400000003000200')
  transport.close()
  await t.rejects(transport.sendAsync(hex('00')), { code: 'EBADF' })
})

t.test('receive() returns the length of the datagram', t => {
  const file = path(t)
  writeFileSync(file, hex('01020304'))
  const transport = fdTransport(openSync(file, 'r+'))
  t.strictSame(transport.receive(), hex('01020304'))
  writeFileSync(file, hex('01020304 0506'))
  t.strictSame(transport.receive(), hex('0506'))
  t.end()
})

t.test('receive() rejects a datagram that fills the buffer', t => {
  const file = path(t)
  truncateSync(file, 70_000)
  t.throws(() => fdTransport(openSync(file, 'r')).receive(), { constructor: WireError, message: /was cut short/ })
  t.end()
})

t.test('receive() rejects an end of file', t => {
  t.throws(() => fdTransport(openSync(path(t), 'r')).receive(), { constructor: WireError, message: /socket is closed/ })
  t.end()
})

t.test('receive() on a closed descriptor throws EBADF', t => {
  const transport = fdTransport(openSync(path(t), 'r+'))
  transport.close()
  t.throws(() => transport.receive(), { code: 'EBADF' })
  t.throws(() => transport.send(hex('00')), { code: 'EBADF' })
  t.end()
})
