// Links of the node, read only: a call that has nothing to change does not load the acts.
import { Conn } from '../netlink/conn.js'
import { fdTransport } from '../netlink/fd-transport.js'
import { EMPTY_NETNS, type NetnsState } from '../plan/state.js'
import { linksOf, observedLink, type LinkQuery } from './links.js'
import { Opener } from './sockets.js'

/**
 * Links of our own namespace; everything else in the state is empty.
 * @throws NetlinkError, SystemError
 */
export function listLinks(query: LinkQuery): NetnsState {
  const conn = new Conn(fdTransport(new Opener().netlink(undefined)))
  try {
    return { ...EMPTY_NETNS, links: linksOf(conn, query).map(observedLink) }
  } finally {
    conn.close()
  }
}
