// Why a pod has no address, or these: the trace of spiderpoolctl.
import { useEffect, useState } from 'preact/hooks'
import type { ConsoleTrace, ConsoleTracedInterface, ConsoleWaiting } from '../../lib/console/json.js'
import { timeOf } from './address.js'
import { read } from './api.js'
import type { Words } from './words.js'

const hashOf = (pod: string): string => `#/trace/${pod.split('/').map(encodeURIComponent).join('/')}`

export function TraceView({ words, namespace, name }: { words: Words; namespace: string; name: string }) {
  const [text, setText] = useState(name === '' ? '' : `${namespace}/${name}`)
  const [waiting, setWaiting] = useState<readonly string[]>([])
  const [trace, setTrace] = useState<ConsoleTrace>()
  const [fault, setFault] = useState('')
  useEffect(() => {
    const failed = (error: unknown): void => setFault(String((error as Error).message))
    if (name === '') void read<ConsoleWaiting>('waiting').then(({ pods }) => setWaiting(pods), failed)
    else
      void read<ConsoleTrace>(`trace/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`).then(
        setTrace,
        failed,
      )
  }, [namespace, name])
  return (
    <section aria-labelledby="trace">
      <h2 id="trace">{words.trace}</h2>
      <form
        onSubmit={event => {
          event.preventDefault()
          location.hash = hashOf(text.trim().includes('/') ? text.trim() : `default/${text.trim()}`)
        }}
      >
        <input
          value={text}
          placeholder={words.podName}
          aria-label={words.podName}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <button>{words.explain}</button>
      </form>
      {fault !== '' && <p role="alert">{fault}</p>}
      {name !== '' && trace === undefined && fault === '' && <p>{words.loading}</p>}
      {trace && <Traced words={words} trace={trace} />}
      {name === '' && waiting.length > 0 && (
        <>
          <h3>{words.waiting}</h3>
          <ul>
            {waiting.map(pod => (
              <li key={pod}>
                <a href={hashOf(pod)}>{pod}</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}

function Traced({ words, trace }: { words: Words; trace: ConsoleTrace }) {
  const { pod, node, notes, coordinator, interfaces, lastError } = trace
  return (
    <article>
      <h3>
        {pod} {node !== '' && <small>{node}</small>}
      </h3>
      <ul>
        {notes.map(note => (
          <li key={note}>{note}</li>
        ))}
        <li class={coordinator.phase === 'Synced' ? '' : 'warning'}>
          SpiderCoordinator: {coordinator.phase} {coordinator.reason}
        </li>
      </ul>
      {interfaces.map(one => (
        <Interface key={one.nic} words={words} traced={one} />
      ))}
      {lastError && (
        <p class="warning">
          <b>{words.lastError}</b> ({timeOf(lastError.at)}, {lastError.reason}): {lastError.message}{' '}
          {lastError.remedy?.todo}
        </p>
      )}
    </article>
  )
}

function Interface({ words, traced }: { words: Words; traced: ConsoleTracedInterface }) {
  const { nic, network, notes, sources, pools } = traced
  return (
    <section>
      <h4>
        {words.interface} {nic} {network !== '' && <small>{network}</small>}
      </h4>
      <Verdict words={words} traced={traced} />
      <ul>
        {notes.map(note => (
          <li key={note}>{note}</li>
        ))}
      </ul>
      {pools.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{words.pool}</th>
              <th scope="col">{words.order}</th>
              <th scope="col" class="number">
                {words.free}
              </th>
              <th scope="col" class="number">
                {words.total}
              </th>
              <th scope="col">{words.rule}</th>
            </tr>
          </thead>
          <tbody>
            {pools.map(({ pool, order, free, total, dropped }) => (
              <tr key={pool}>
                <th scope="row">
                  <a href={`#/pools/${encodeURIComponent(pool)}`}>{pool}</a>
                </th>
                <td>{order === 0 ? '–' : order}</td>
                <td class="number">{free}</td>
                <td class="number">{total}</td>
                <td>{dropped}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <details>
        <summary>{words.source}</summary>
        <ul>
          {sources.map(({ source, value, used }) => (
            <li key={source}>
              {source}: {value === '' ? '–' : value} {used && <b>({words.used})</b>}
            </li>
          ))}
        </ul>
      </details>
    </section>
  )
}

function Verdict({ words, traced: { verdict } }: { words: Words; traced: ConsoleTracedInterface }) {
  if (verdict.kind === 'address')
    return (
      <p class="good">
        {words.gets}: {verdict.addresses.map(({ address, pool }) => `${address} (${pool})`).join(', ')}
      </p>
    )
  if (verdict.kind === 'other') return <p class="warning">{verdict.message}</p>
  return (
    <p class="warning">
      <b>
        {words.refused} ({verdict.remedy.code})
      </b>
      : {verdict.message} {verdict.remedy.todo}
    </p>
  )
}
