// Compiles nf_tables rules to expressions of the kernel, and reads them back. No socket.
import { IP_CT_DIR, NF_CT_STATE, NFT_CMP, NFT_CT, NFT_META, NFT_REG } from '../netlink/nft/expression.js'
import type { Expression } from '../netlink/nft/expression.js'
import { NF_VERDICT } from '../netlink/nft/table.js'
import { cstring, u32, u8 } from '../bytes.js'
import { CT_STATES, type NftRule, type NftStatement } from '../plan/nft-table.js'

const IFNAMSIZ = 16
const NONE = u32.encode(0)

type Match = Extract<NftStatement, { match: string }>
type Mark = 'mark' | 'ct mark'

const load = (from: Match['match']): Expression => {
  const destination = NFT_REG.first
  switch (from) {
    case 'iifname':
    case 'oifname':
    case 'mark':
      return { kind: 'meta', data: { key: NFT_META[from], destination } }
    case 'ct mark':
    case 'ct state':
    case 'ct direction':
      return { kind: 'ct', data: { key: NFT_CT[CT_KEYS[from]], destination } }
  }
}
const CT_KEYS = { 'ct mark': 'mark', 'ct state': 'state', 'ct direction': 'direction' } as const

const compare = (value: Uint8Array, op: number): Expression => ({
  kind: 'cmp',
  data: { source: NFT_REG.first, op, data: { value } },
})

const mask = (bits: number): Expression => ({
  kind: 'bitwise',
  data: {
    source: NFT_REG.first,
    destination: NFT_REG.first,
    length: u32.size,
    mask: { value: u32.encode(bits) },
    xor: { value: NONE },
  },
})

const store = (into: Mark): Expression =>
  into === 'mark'
    ? { kind: 'meta', data: { key: NFT_META.mark, source: NFT_REG.first } }
    : { kind: 'ct', data: { key: NFT_CT.mark, source: NFT_REG.first } }

function nameBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(IFNAMSIZ)
  bytes.set(cstring.encode(name))
  return bytes
}

const bitsOf = (states: readonly (keyof typeof NF_CT_STATE)[]): number =>
  states.reduce((bits, state) => bits | NF_CT_STATE[state], 0)

function matchExpressions(match: Match): readonly Expression[] {
  const op = 'not' in match ? NFT_CMP.neq : NFT_CMP.eq
  switch (match.match) {
    case 'iifname':
    case 'oifname':
      return [load(match.match), compare(nameBytes(match.is), op)]
    case 'mark':
    case 'ct mark':
      return [
        load(match.match),
        ...(match.mask === undefined ? [] : [mask(match.mask)]),
        compare(u32.encode(match.is), op),
      ]
    case 'ct state':
      return [load(match.match), mask(bitsOf(match.in)), compare(NONE, NFT_CMP.neq)]
    case 'ct direction':
      return [load(match.match), compare(u8.encode(IP_CT_DIR[match.is]), op)]
  }
}

function statementExpressions(statement: NftStatement): readonly Expression[] {
  if ('match' in statement) return matchExpressions(statement)
  if ('counter' in statement) return [{ kind: 'counter', data: {} }]
  if ('verdict' in statement)
    return [
      {
        kind: 'immediate',
        data: { destination: NFT_REG.verdict, data: { verdict: { code: NF_VERDICT[statement.verdict] } } },
      },
    ]
  if ('other' in statement)
    throw new RangeError(`"${statement.other}" cannot be written back: it is of another's making`)
  const { set, to } = statement
  if (typeof to === 'string') return [load(to), store(set)]
  return [{ kind: 'immediate', data: { destination: NFT_REG.first, data: { value: u32.encode(to) } } }, store(set)]
}

/**
 * The expressions of a rule.
 * @throws RangeError for a statement of kind `other`
 */
export const expressionsOf = (rule: NftRule): readonly Expression[] => rule.flatMap(statementExpressions)

interface Read {
  readonly statement: NftStatement
  /** Number of expressions it was read from. */
  readonly of: number
}

/** The rule of some expressions; one that is none of our statements becomes `other`. */
export function ruleFrom(expressions: readonly Expression[]): NftRule {
  const rule: NftStatement[] = []
  for (let at = 0; at < expressions.length;) {
    const [first, second, third] = expressions.slice(at, at + 3)
    if (first === undefined) break
    const { statement, of } = read(first, second, third) ?? { statement: { other: nameOf(first) }, of: 1 }
    rule.push(statement)
    at += of
  }
  return rule
}

const nameOf = (expression: Expression): string => (expression.kind === 'other' ? expression.name : expression.kind)

function read(first: Expression, second?: Expression, third?: Expression): Read | undefined {
  if (first.kind === 'counter') return { statement: { counter: true }, of: 1 }
  if (first.kind === 'immediate') return readImmediate(first.data, second)
  const source = sourceOf(first)
  if (source === undefined || second === undefined) return undefined
  const into = targetOf(second)
  if (into !== undefined && (source === 'mark' || source === 'ct mark'))
    return { statement: { set: into, to: source }, of: 2 }
  const plain = second.kind === 'cmp' ? matchOf(source, undefined, second.data) : undefined
  if (plain) return { statement: plain, of: 2 }
  const bits = maskOf(second)
  const masked = bits !== undefined && third?.kind === 'cmp' ? matchOf(source, bits, third.data) : undefined
  return masked && { statement: masked, of: 3 }
}

type DataOf<K extends Expression['kind']> = Extract<Expression, { kind: K }>['data']

function readImmediate({ destination, data }: DataOf<'immediate'>, next?: Expression): Read | undefined {
  if (destination === NFT_REG.verdict) {
    const verdict = (['accept', 'drop', 'return'] as const).find(name => NF_VERDICT[name] === data?.verdict?.code)
    return verdict && { statement: { verdict }, of: 1 }
  }
  const into = next && targetOf(next)
  const to = numberIn(data?.value)
  return into && to !== undefined && destination === NFT_REG.first ? { statement: { set: into, to }, of: 2 } : undefined
}

const SOURCES = ['iifname', 'oifname', 'mark', 'ct mark', 'ct state', 'ct direction'] as const

/** What is loaded into the first register, if it is a key that we use. */
function sourceOf({ kind, data }: Expression): Match['match'] | undefined {
  if ((kind !== 'meta' && kind !== 'ct') || data.destination !== NFT_REG.first) return undefined
  return SOURCES.find(name => {
    const known = load(name)
    return known.kind === kind && 'key' in known.data && known.data.key === data.key
  })
}

function targetOf({ kind, data }: Expression): Mark | undefined {
  if ((kind !== 'meta' && kind !== 'ct') || data.source !== NFT_REG.first) return undefined
  return data.key === (kind === 'meta' ? NFT_META.mark : NFT_CT.mark)
    ? kind === 'meta'
      ? 'mark'
      : 'ct mark'
    : undefined
}

/** The mask of a bitwise expression that only masks the first register. */
function maskOf({ kind, data }: Expression): number | undefined {
  if (kind !== 'bitwise' || (data.op ?? 0) !== 0 || numberIn(data.xor?.value) !== 0) return undefined
  if (data.source !== NFT_REG.first || data.destination !== NFT_REG.first) return undefined
  return numberIn(data.mask?.value)
}

const numberIn = (bytes: Uint8Array | undefined): number | undefined =>
  bytes?.length === u32.size ? u32.decode(bytes) : undefined

function matchOf(
  match: Match['match'],
  bits: number | undefined,
  { source, op, data }: DataOf<'cmp'>,
): Match | undefined {
  const value = data?.value
  if (source !== NFT_REG.first || value === undefined || (op !== NFT_CMP.eq && op !== NFT_CMP.neq)) return undefined
  const not = op === NFT_CMP.neq ? ({ not: true } as const) : undefined
  const is = numberIn(value)
  switch (match) {
    case 'iifname':
    case 'oifname':
      return bits === undefined && value.length === IFNAMSIZ ? { match, is: cstring.decode(value), ...not } : undefined
    case 'mark':
    case 'ct mark':
      return is === undefined ? undefined : { match, is, ...(bits !== undefined && { mask: bits }), ...not }
    case 'ct state':
      return bits !== undefined && not && is === 0 ? stateMatch(bits) : undefined
    case 'ct direction': {
      const way = value.length === 1 && !not ? (['original', 'reply'] as const)[u8.decode(value)] : undefined
      return bits === undefined && way ? { match, is: way } : undefined
    }
  }
}

function stateMatch(bits: number): Match | undefined {
  const states = CT_STATES.filter(state => (bits & NF_CT_STATE[state]) !== 0)
  return bitsOf(states) === bits ? { match: 'ct state', in: states } : undefined
}
