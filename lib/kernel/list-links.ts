// The node's links, read and nothing else: for a call that nearly always finds all as it should be, and must not load what it would change it with.
import { Conn } from '../netlink/conn.js'
import { fdTransport } from '../netlink/fd-transport.js'
import { EMPTY_NETNS, type NetnsState } from '../plan/state.js'
import { linksOf, observedLink, type LinkQuery } from './links.js'
import { Opener } from './sockets.js'

/** Links of the namespace that we are in; all else of the place is empty. Throws NetlinkError, SystemError. */
export function listLinks(query: LinkQuery): NetnsState {
  const conn = new Conn(fdTransport(new Opener().netlink(undefined)))
  try {
    return { ...EMPTY_NETNS, links: linksOf(conn, query).map(observedLink) }
  } finally {
    conn.close()
  }
}
