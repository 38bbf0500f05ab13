// The address map of a pool: a canvas for eyes and keys, and the same as a table.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { ConsoleChange, ConsoleMap, ConsolePool } from '../../lib/console/json.js'
import { AddressDetail } from './address.js'
import { read } from './api.js'
import { addressAt, bitsOf, cellOf, closer, draw, further, gridOf, meaningOf, runsOf, type Grid } from './grid.js'
import type { Words } from './words.js'

/** Its width in pixels, a multiple of the columns of every map. */
const CANVAS_PX = 768
/** Cells narrower than this zoom instead of opening an address. */
const CLICK_PX = 10
const RUNS_MAX = 100

interface MapProps {
  words: Words
  name: string
  pool: ConsolePool | undefined
  change: ConsoleChange
}

/** The map of a prefix, '' for the whole pool; read again at each change of the pool. */
function useMap(name: string, prefix: string, change: ConsoleChange) {
  const [map, setMap] = useState<ConsoleMap>()
  const [fault, setFault] = useState('')
  const latest = useRef(0)
  const load = useCallback(async (): Promise<void> => {
    const own = ++latest.current
    const query = prefix === '' ? '' : `?prefix=${encodeURIComponent(prefix)}`
    try {
      const next = await read<ConsoleMap>(`pools/${encodeURIComponent(name)}/map${query}`)
      if (own === latest.current) setMap(next)
      setFault('')
    } catch (error) {
      setFault(String((error as Error).message))
    }
  }, [name, prefix])
  useEffect(() => void load(), [load])
  useEffect(() => {
    if (change.pools?.includes(name) ?? true) void load()
  }, [change])
  return { map, fault }
}

export function PoolMap({ words, name, pool, change }: MapProps) {
  const [prefix, setPrefix] = useState('')
  const { map, fault } = useMap(name, prefix, change)
  const [address, setAddress] = useState('')
  const [cursor, setCursor] = useState<number>()
  const grid = useMemo(() => map && gridOf(map), [map])
  const zoom = (next: string | undefined, around: number): void => {
    if (!grid || next === undefined) return
    const kept = addressAt(grid, around)
    setPrefix(next)
    wanted.current = kept
  }
  /** The cursor stays at its address over a zoom. */
  const wanted = useRef('')
  useLayoutEffect(() => {
    if (!grid || wanted.current === '') return
    setCursor(cellOf(grid, wanted.current))
    wanted.current = ''
  }, [grid])
  const activate = (at: number): void => {
    if (!grid) return
    if (grid.map.cellBits === 0 && CANVAS_PX / grid.columns >= CLICK_PX) setAddress(addressAt(grid, at))
    else zoom(closer(grid, at), at)
  }
  const at = cursor ?? 0
  return (
    <section aria-labelledby="map">
      <h2 id="map">
        {name} {pool && <small>{pool.subnet}</small>}
      </h2>
      {fault !== '' && <p role="alert">{fault}</p>}
      {pool && <Legend words={words} pool={pool} />}
      {grid && (
        <div class="columns">
          <div>
            <Tools words={words} grid={grid} at={at} zoom={zoom} />
            <Canvas words={words} grid={grid} {...{ cursor, setCursor, activate, zoom }} />
            <p class="faint">{grid.map.cellBits === 0 ? words.tip : words.tipMany}</p>
            <RunTable words={words} grid={grid} open={activate} choose={setAddress} />
          </div>
          {address !== '' && (
            <AddressDetail words={words} address={address} change={change} close={() => setAddress('')} />
          )}
        </div>
      )}
    </section>
  )
}

interface ToolProps {
  words: Words
  grid: Grid
  at: number
  zoom: (prefix: string | undefined, at: number) => void
}

function Tools({ words, grid, at, zoom }: ToolProps) {
  return (
    <div class="tools">
      <strong data-testid="prefix">{grid.map.prefix}</strong>
      <button type="button" disabled={!closer(grid, at)} onClick={() => zoom(closer(grid, at), at)}>
        {words.zoomIn}
      </button>
      <button type="button" disabled={!further(grid, at)} onClick={() => zoom(further(grid, at), at)}>
        {words.zoomOut}
      </button>
      <button type="button" disabled={!further(grid, at)} onClick={() => zoom(grid.map.extent, at)}>
        {words.whole}
      </button>
    </div>
  )
}

function Legend({ words, pool }: { words: Words; pool: ConsolePool }) {
  const rows: readonly (readonly [string, string, number | undefined])[] = [
    ['held', words.held, pool.used],
    ['free', words.free, pool.free],
    ['reserved', words.reserved, pool.reserved],
    ['quarantined', words.quarantined, pool.quarantined],
    ['recorded', words.recorded, pool.recordedByGo],
    ['excluded', words.excluded, undefined],
  ]
  return (
    <ul class="legend">
      {rows.map(([kind, label, count]) => (
        <li key={kind}>
          <span class={`swatch ${kind}`} aria-hidden="true" /> {label}
          {count !== undefined && <b data-testid={`count-${kind}`}> {count}</b>}
        </li>
      ))}
    </ul>
  )
}

interface CanvasProps {
  words: Words
  grid: Grid
  cursor: number | undefined
  setCursor: (at: number) => void
  activate: (at: number) => void
  zoom: (prefix: string | undefined, at: number) => void
}

/** What keys do on the map. */
function keysOf({
  grid,
  cursor,
  setCursor,
  activate,
  zoom,
}: Omit<CanvasProps, 'words'>): (event: KeyboardEvent) => void {
  const cells = grid.map.cells.length
  return event => {
    const at = cursor ?? 0
    const row = at - (at % grid.columns)
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + grid.columns,
      ArrowUp: at - grid.columns,
      Home: row,
      End: row + grid.columns - 1,
    }
    const next = moves[event.key]
    if (next !== undefined) {
      if (next >= 0 && next < cells) setCursor(cursor === undefined ? 0 : next)
    } else if (event.key === 'Enter' || event.key === ' ') activate(at)
    else if (event.key === '+' || event.key === '=') zoom(closer(grid, at), at)
    else if (event.key === '-' || event.key === 'Escape') zoom(further(grid, at), at)
    else return
    event.preventDefault()
  }
}

function Canvas({ words, grid, cursor, setCursor, activate, zoom }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [scheme, setScheme] = useState(0)
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const again = (): void => setScheme(count => count + 1)
    dark.addEventListener('change', again)
    return () => dark.removeEventListener('change', again)
  }, [])
  useLayoutEffect(() => {
    if (canvas.current) draw(canvas.current, grid, cursor)
  }, [grid, cursor, scheme])
  const onKey = keysOf({ grid, cursor, setCursor, activate, zoom })
  const onClick = ({ offsetX, offsetY, currentTarget }: MouseEvent): void => {
    const { clientWidth } = currentTarget as HTMLCanvasElement
    const size = clientWidth / grid.columns
    const at = Math.floor(offsetY / size) * grid.columns + Math.floor(offsetX / size)
    if (at < 0 || at >= grid.map.cells.length) return
    setCursor(at)
    activate(at)
  }
  const letter = grid.map.cells[cursor ?? -1]
  const spoken =
    cursor === undefined || letter === undefined
      ? ''
      : `${addressAt(grid, cursor)}: ${meaningOf(letter, grid.map.cellBits, words)}`
  const bits = bitsOf(grid.map)
  return (
    <>
      <canvas
        ref={canvas}
        width={CANVAS_PX}
        height={Math.floor(CANVAS_PX / grid.columns) * grid.rows}
        tabIndex={0}
        role="application"
        aria-label={`${words.map}: ${grid.map.prefix}, ${bits < 53 ? 2 ** bits : `2^${bits}`} ${words.count}`}
        aria-describedby="map-keys"
        onKeyDown={onKey}
        onClick={onClick}
      />
      <p id="map-keys" class="faint">
        {words.mapKeys}
      </p>
      <p aria-live="polite" class="spoken" data-testid="spoken">
        {spoken}
      </p>
    </>
  )
}

interface RunProps {
  words: Words
  grid: Grid
  open: (at: number) => void
  choose: (address: string) => void
}

function RunTable({ words, grid, open, choose }: RunProps) {
  const [isOpen, setOpen] = useState(false)
  const [max, setMax] = useState(RUNS_MAX)
  const runs = useMemo(() => (isOpen ? runsOf(grid.map.cells) : []), [isOpen, grid])
  const { cellBits } = grid.map
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{words.ranges}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.first}</th>
            <th scope="col">{words.last}</th>
            <th scope="col" class="number">
              {words.count}
            </th>
            <th scope="col">{words.state}</th>
          </tr>
        </thead>
        <tbody>
          {runs.slice(0, max).map(({ at, count, letter }) => (
            <tr key={at}>
              <td>
                <button
                  type="button"
                  class="link"
                  onClick={() => (cellBits === 0 ? choose(addressAt(grid, at)) : open(at))}
                >
                  {addressAt(grid, at)}
                </button>
              </td>
              <td>{addressAt(grid, at + count - 1)}</td>
              <td class="number">{count * 2 ** cellBits}</td>
              <td>{meaningOf(letter, cellBits, words)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {runs.length > max && (
        <button type="button" onClick={() => setMax(max + RUNS_MAX)}>
          {words.more} ({runs.length - max})
        </button>
      )}
    </details>
  )
}
