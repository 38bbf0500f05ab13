// The label by which a node agent selects the addresses and records of its node. Pure.
import { LABEL_NODE } from '../../crd/names.js'
import { hash64 } from '../../hash.js'

/** Longest value of a label; a node's name may have 253 characters. */
const LABEL_LENGTH_MAX = 63
const HASH_LENGTH = 16

/** The label's value: the node's name, or its beginning and a hash. */
export function nodeLabelOf(node: string): string {
  if (node.length <= LABEL_LENGTH_MAX) return node
  const hash = hash64(node).toString(16).padStart(HASH_LENGTH, '0')
  return `${node.slice(0, LABEL_LENGTH_MAX - HASH_LENGTH - 1)}-${hash}`
}

/** The label of an object of this node; none without a node. */
export const nodeLabel = (node: string): Readonly<Record<string, string>> =>
  node === '' ? {} : { [LABEL_NODE]: nodeLabelOf(node) }
