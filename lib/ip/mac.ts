// Ethernet addresses: six bytes and their text.
declare const brand: unique symbol
/** Lower case, colons: 0a:1b:2c:00:00:01. */
export type Mac = string & { readonly [brand]: 'Mac' }

/** Accepts what Go's net.ParseMAC accepts for six bytes: aa:bb:…, aa-bb-…, aabb.ccdd.eeff. */
export function parseMac(text: string): Mac | undefined {
  const isMac =
    /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) ||
    /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i.test(text) ||
    /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i.test(text)
  if (!isMac) return undefined
  const digits = text.replace(/[^0-9a-f]/gi, '').toLowerCase()
  return (digits.match(/../g) ?? []).join(':') as Mac
}

/** The six bytes of a MAC. */
export const macBytes = (mac: Mac): Uint8Array => new Uint8Array(mac.split(':').map(part => Number.parseInt(part, 16)))

/** The inverse of macBytes(). @throws RangeError unless there are six bytes */
export function macFromBytes(bytes: Uint8Array): Mac {
  if (bytes.length !== 6) throw new RangeError(`${bytes.length} bytes are no MAC address`)
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(':') as Mac
}
