// Names of VLANs: as they are where they fit, short and each its own where they do not.
import t from 'tap'
import { IFNAME_BYTES_MAX, vlanName } from '../../lib/ifname.js'

t.test('vlanName() is INTERFACE.ID if that fits 15 bytes', t => {
  for (const [on, id] of [
    ['eth0', 1],
    ['bond0', 4094],
    ['enp129s0f0', 4094],
    ['enp129s0f0np', 10],
  ] as const)
    t.equal(vlanName(on, id), `${on}.${id}`)
  t.end()
})

t.test('vlanName() never changes: nodes, confs and controllers of any version agree on it', t => {
  t.equal(vlanName('enp129s0f0np0', 100), 'enp10p68i5p.100')
  t.end()
})

t.test('vlanName() fits 15 bytes, ends with the ID, and differs for each interface and ID', t => {
  const names = new Map<string, string>()
  const nics = ['a-name-of-20-letters', 'ünïcode-ünïcode', 'x'.repeat(127)]
  for (let bus = 0; bus < 256; bus++)
    for (const port of ['f0np0', 'f0np1', 'f1np0', 'f1np1']) nics.push(`enp${bus}s0${port}-long`)
  for (const on of nics)
    for (const id of [1, 42, 100, 4094]) {
      const name = vlanName(on, id)
      if (Buffer.byteLength(name) > IFNAME_BYTES_MAX || !name.endsWith(`.${id}`) || /[^\w.-]/.test(name)) t.fail(name)
      t.equal(names.get(name), undefined)
      names.set(name, `${on} ${id}`)
    }
  t.end()
})
