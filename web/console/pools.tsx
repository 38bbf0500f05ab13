// The list of pools with their use, and a filter.
import { useState } from 'preact/hooks'
import type { ConsolePool } from '../../lib/console/json.js'
import type { Words } from './words.js'

export function PoolList({ words, pools }: { words: Words; pools: readonly ConsolePool[] | undefined }) {
  const [filter, setFilter] = useState('')
  const wanted = filter.trim().toLowerCase()
  const shown = pools?.filter(({ name, subnet }) => `${name} ${subnet}`.toLowerCase().includes(wanted))
  return (
    <section aria-labelledby="pools">
      <h2 id="pools">{words.pools}</h2>
      <input
        type="search"
        value={filter}
        placeholder={words.filter}
        aria-label={words.filter}
        onInput={({ currentTarget }) => setFilter(currentTarget.value)}
      />
      {shown === undefined ? (
        <p>{words.loading}</p>
      ) : shown.length === 0 ? (
        <p role="status">{pools?.length === 0 ? words.noPools : words.none}</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{words.pool}</th>
              <th scope="col">{words.subnet}</th>
              <th scope="col">{words.use}</th>
              <th scope="col" class="number">
                {words.held}
              </th>
              <th scope="col" class="number">
                {words.free}
              </th>
              <th scope="col" class="number">
                {words.quarantined}
              </th>
              <th scope="col" class="number">
                {words.total}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(pool => (
              <PoolRow key={pool.name} words={words} pool={pool} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function PoolRow({ words, pool }: { words: Words; pool: ConsolePool }) {
  const { name, subnet, percent, used, free, quarantined, total, disabled, disabledBecause } = pool
  return (
    <tr>
      <th scope="row">
        <a href={`#/pools/${encodeURIComponent(name)}`}>{name}</a>
        {disabled && (
          <span class="mark" title={disabledBecause}>
            {words.disabled}
          </span>
        )}
      </th>
      <td>{subnet}</td>
      <td>
        <meter min={0} max={100} high={80} optimum={0} value={percent} aria-label={`${percent} %`} /> {percent} %
      </td>
      <td class="number">{used}</td>
      <td class="number">{free}</td>
      <td class="number">{quarantined}</td>
      <td class="number">{total}</td>
    </tr>
  )
}
