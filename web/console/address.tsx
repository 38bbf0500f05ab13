// One address: its holder or why it has none, and its Events.
import { useEffect, useState } from 'preact/hooks'
import type { ConsoleAddress, ConsoleAddressRow, ConsoleChange } from '../../lib/console/json.js'
import { read } from './api.js'
import type { Words } from './words.js'

interface DetailProps {
  words: Words
  address: string
  change: ConsoleChange
  close: () => void
}

export function AddressDetail({ words, address, change, close }: DetailProps) {
  const [found, setFound] = useState<{ readonly of: string; readonly value: ConsoleAddress }>()
  const [fault, setFault] = useState('')
  useEffect(() => {
    let isCurrent = true
    read<ConsoleAddress>(`addresses/${encodeURIComponent(address)}`).then(
      value => {
        if (!isCurrent) return
        setFound({ of: address, value })
        setFault('')
      },
      (error: unknown) => isCurrent && setFault(String((error as Error).message)),
    )
    return () => void (isCurrent = false)
  }, [address, change])
  const value = found?.of === address ? found.value : undefined
  return (
    <aside aria-label={`${words.address} ${address}`} aria-live="polite">
      <div class="tools">
        <h3>{address}</h3>
        <button type="button" onClick={close}>
          {words.close}
        </button>
      </div>
      {fault !== '' && <p role="alert">{fault}</p>}
      {value === undefined ? fault === '' && <p>{words.loading}</p> : <Found words={words} value={value} />}
    </aside>
  )
}

function Found({ words, value }: { words: Words; value: ConsoleAddress }) {
  return (
    <>
      {value.rows.map((row, at) => (
        <Facts key={at} words={words} row={row} />
      ))}
      <h4>{words.history}</h4>
      {value.eventsMissing !== '' && <p role="alert">{value.eventsMissing}</p>}
      {value.events.length === 0 && value.eventsMissing === '' && <p class="faint">{words.noEvents}</p>}
      <ol class="events">
        {value.events.map(({ at, type, reason, message, count }, index) => (
          <li key={index} class={type === 'Warning' ? 'warning' : ''}>
            <time dateTime={at}>{timeOf(at)}</time> <b>{reason}</b>
            {count > 1 && ` × ${count}`}: {message}
          </li>
        ))}
      </ol>
    </>
  )
}

export const timeOf = (at: string): string => (at === '' ? '' : new Date(at).toLocaleString())

function Facts({ words, row }: { words: Words; row: ConsoleAddressRow }) {
  const states: Readonly<Record<string, string>> = {
    held: words.held,
    kept: words.held,
    free: words.free,
    reserved: words.reserved,
    excluded: words.excluded,
    quarantined: words.quarantined,
    recorded: words.recorded,
    unknown: words.outside,
  }
  const rows: readonly (readonly [string, string])[] = [
    [words.state, states[row.state] ?? row.state],
    [words.pod, row.pod === '' ? '' : `${row.namespace}/${row.pod}`],
    [words.owner, row.owner],
    [words.node, row.node],
    [words.nic, row.nic],
    [words.mac, row.mac],
    [words.pool, row.pool],
    [words.since, timeOf(row.since)],
    [words.why, row.why],
  ]
  const trace = `#/trace/${encodeURIComponent(row.namespace)}/${encodeURIComponent(row.pod)}`
  return (
    <dl>
      {rows.map(([name, text]) =>
        text === '' ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{name === words.pod ? <a href={trace}>{text}</a> : text}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
