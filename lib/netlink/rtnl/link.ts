// Links: RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK (<linux/if_link.h>).
import { attrs, body, NLA_F_NESTED, repeated } from '../attrs.js'
import { change, dump, get, NLM_F } from '../message.js'
import { cstring, type ValueOf } from '../../bytes.js'
import { anyLink, ifinfomsg, iflaCommon, IFLA_ALT_IFNAME } from './link-common.js'
import { linkInfo } from './link-info.js'

export { anyLink, IFF, ifinfomsg, OPER, RTEXT_FILTER } from './link-common.js'
export { BOND_MODE, IPVLAN_MODE, MACVLAN_MODE, type LinkInfo, type SlaveInfo } from './link-info.js'

const table = { ...iflaCommon, info: [18, linkInfo] } as const
export const ifla = attrs(table)

const link = body(ifinfomsg, ifla)
export type Link = ValueOf<typeof link>

export const linkAdd = change('link.add', 16, link, NLM_F.create | NLM_F.excl)
/** RTM_NEWLINK on an existing link: sets flags such as IFF_UP. */
export const linkChange = change('link.change', 16, link)
export const linkSet = change('link.set', 19, link)
export const linkDel = change('link.del', 17, link)
export const linkGet = get('link.get', 18, link)
export const linkDump = dump('link.dump', 18, link)

/** The same requests, decoding only the attributes we use: a link has some forty. */
const glimpse = body(
  ifinfomsg,
  attrs(table, [
    ...(['address', 'name', 'mtu', 'parent', 'master', 'txQueueLength', 'operState', 'alias', 'linkNetnsid'] as const),
    'altNames',
    ...(['parentDevName', 'info'] as const),
  ]),
)
export const linkGlance = get('link.get', 18, glimpse)
export const linkGlances = dump('link.dump', 18, glimpse)
/** Only the index of a link. */
export const linkIndex = get('link.get', 18, body(ifinfomsg, attrs(table, [])))

/** RTM_NEWLINKPROP: alternative names. */
const altNames = body(ifinfomsg, attrs({ altNames: [NLA_F_NESTED | 52, repeated(IFLA_ALT_IFNAME, cstring)] }))
export const altNameAdd = change('link.altname.add', 108, altNames, NLM_F.create | NLM_F.excl | NLM_F.append)
export const altNameDel = change('link.altname.del', 109, altNames)

/** IFNAMSIZ of <linux/if.h>, without the NUL. */
export const IFNAME_BYTES_MAX = 15

/**
 * A request for the link of a name, without statistics. The kernel finds alternative names by
 * either attribute (Linux 5.5); longer ones only by IFLA_ALT_IFNAME.
 */
export const linkNamed = (name: string): Link => ({
  header: anyLink,
  attrs: { ...(new TextEncoder().encode(name).length > IFNAME_BYTES_MAX ? { altName: name } : { name }), extMask: 9 },
})
/** A request for the link of an index, without statistics. */
export const linkNumbered = (index: number): Link => ({ header: { ...anyLink, index }, attrs: { extMask: 9 } })
