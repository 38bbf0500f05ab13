// The console's page: header, languages, and which view is shown.
import { render } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { ConsoleChange, ConsolePools } from '../../lib/console/json.js'
import { follow, read } from './api.js'
import { PoolList } from './pools.js'
import { PoolMap } from './map.js'
import { TraceView } from './trace.js'
import { savedLanguage, saveLanguage, wordsOf, type Words } from './words.js'

/** Of the part behind #: `/`, `/pools/NAME`, `/trace` and `/trace/NAMESPACE/NAME`. */
function useRoute(): readonly string[] {
  const words = (): readonly string[] => location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent)
  const [route, setRoute] = useState(words)
  useEffect(() => {
    const change = (): void => setRoute(words())
    addEventListener('hashchange', change)
    return () => removeEventListener('hashchange', change)
  }, [])
  return route
}

function App() {
  const [view = '', first = '', second = ''] = useRoute()
  const [language, setLanguage] = useState(savedLanguage)
  const [pools, setPools] = useState<ConsolePools>()
  const [fault, setFault] = useState('')
  const [isLive, setLive] = useState(false)
  const [change, setChange] = useState<ConsoleChange>({})
  const words = wordsOf(language)
  const turn = (): void => setLanguage(language === 'en' ? 'zh-CN' : 'en')
  const load = useCallback(async (): Promise<void> => {
    try {
      setPools(await read<ConsolePools>('pools'))
      setFault('')
    } catch (error) {
      setFault(String((error as Error).message))
    }
  }, [])
  useEffect(() => {
    void load()
    return follow({
      onState: setLive,
      onChange(next) {
        setChange(next)
        void load()
      },
    })
  }, [load])
  useEffect(() => saveLanguage(language), [language])
  // Kinds that are read at the start give no event of their own.
  const isIncomplete = (pools?.missing.length ?? 0) > 0
  useEffect(() => {
    const timer = isIncomplete ? setTimeout(() => void load(), 500) : undefined
    return () => clearTimeout(timer)
  }, [pools, isIncomplete, load])
  const chosen = view === 'pools' ? pools?.pools.find(({ name }) => name === first) : undefined
  return (
    <>
      <Header words={words} isTrace={view === 'trace'} isLive={isLive} turn={turn} />
      {fault !== '' && <p role="alert">{fault}</p>}
      {isIncomplete && (
        <p role="status">
          {words.missing} {pools?.missing.join(', ')}
        </p>
      )}
      <main>
        {view === 'trace' ? (
          <TraceView key={`${first}/${second}`} words={words} namespace={first} name={second} />
        ) : view === 'pools' && first !== '' ? (
          <PoolMap key={first} words={words} name={first} pool={chosen} change={change} />
        ) : (
          <PoolList words={words} pools={pools?.pools} />
        )}
      </main>
    </>
  )
}

interface HeaderProps {
  words: Words
  isTrace: boolean
  isLive: boolean
  /** Takes the other language. */
  turn: () => void
}

function Header({ words, isTrace, isLive, turn }: HeaderProps) {
  return (
    <header>
      <h1>
        <a href="#/">Spiderpool</a>
      </h1>
      <nav>
        <a href="#/" aria-current={isTrace ? undefined : 'page'}>
          {words.pools}
        </a>
        <a href="#/trace" aria-current={isTrace ? 'page' : undefined}>
          {words.trace}
        </a>
      </nav>
      <span class={isLive ? 'live' : 'live away'} role="status">
        {isLive ? words.live : words.away}
      </span>
      <button type="button" lang={words.languageCode} onClick={turn}>
        {words.language}
      </button>
    </header>
  )
}

const root = document.getElementById('app')
if (root) {
  root.replaceChildren()
  render(<App />, root)
}
