import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SessionJson } from '../../src/contract/contract.js';
import { numberText } from '../../src/page/count-text.js';
import { act } from '../data/api.js';
import { goTo, linkTo } from '../data/route.js';
import { useStore } from '../data/store.js';
import { connection, notice, outboxCounts, queues, serverFault, session } from '../data/stores.js';
import { theme, turnTheme } from '../data/theme.js';
import { moveRow, useKeys } from '../parts/use-keys.js';
import { AuditView } from './audit-view.js';
import { EditView } from './edit-view.js';
import { ErrorsView } from './errors-view.js';
import { GroupView } from './group-view.js';
import { HelpDialog } from './help-dialog.js';
import { JobStrip } from './job-strip.js';
import { JobsView } from './jobs-view.js';
import { ListenersView } from './listeners-view.js';
import { MessageView } from './message-view.js';
import { OutboxView } from './outbox-view.js';
import { SchedulesView } from './schedules-view.js';
import { TopologyView } from './topology-view.js';
import { UndoStrip } from './undo-strip.js';

interface FrameProps {
  readonly who: SessionJson;
  readonly words: readonly string[];
  readonly children: ComponentChildren;
}

/** What stands around every view: where one can go, what goes on, who is looking. */
export function Frame({ who, words, children }: FrameProps) {
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const path = words.join('/');
  const isFirst = useRef(true);
  useEffect(() => {
    setMenuOpen(false);
    const title = main.current?.querySelector('h1');
    document.title = `${title?.textContent ?? words[0]} – leveret`;
    // Whoever reads by ear hears where they are now.
    if (!isFirst.current) title?.focus();
    isFirst.current = false;
    window.scrollTo(0, 0);
  }, [path]);
  useKeys({
    '/': () => main.current?.querySelector<HTMLInputElement>('[data-filter]')?.focus(),
    j: () => moveRow(1),
    k: () => moveRow(-1),
    '?': () => setHelpOpen(true),
    Escape: () => goTo(...above(words)),
  });
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        To what is shown
      </button>
      <header class="top">
        <a class="brand" href={linkTo('errors')}>
          <img src="icon.svg" alt="" width="20" height="20" /> leveret
        </a>
        <span class="broker" title={who.broker.url}>
          {who.broker.product} {who.broker.version}
        </span>
        <Liveness />
        <button type="button" class="quiet menu" aria-expanded={isMenuOpen} onClick={() => setMenuOpen(!isMenuOpen)}>
          Menu
        </button>
      </header>
      <div class={isMenuOpen ? 'side open' : 'side'}>
        <Navigation who={who} at={words[0] ?? ''} />
        <Own who={who} onHelp={() => setHelpOpen(true)} />
      </div>
      <main ref={main} id="main" tabIndex={-1}>
        <Strips />
        {children}
        {viewOf(words)}
      </main>
      {isHelpOpen && <HelpDialog who={who} onClose={() => setHelpOpen(false)} />}
    </div>
  );
}

/** One level up: from an edit to its message, to its group, to all. */
function above(words: readonly string[]): readonly string[] {
  if (words.length > 4) return words.slice(0, 4);
  return words.slice(0, words.length > 2 ? 2 : 1);
}

function viewOf(words: readonly string[]): VNode {
  const [name, group, queue, key, more] = words;
  if (name === 'errors') {
    if (queue !== undefined && key !== undefined) {
      const props = { group: group ?? '', queue, messageKey: key };
      return more === 'edit' ? <EditView {...props} /> : <MessageView {...props} />;
    }
    return group === undefined ? <ErrorsView /> : <GroupView id={group} />;
  }
  const View = VIEWS[name ?? ''];
  return View === undefined ? <Nowhere /> : <View />;
}

const VIEWS: Readonly<Record<string, (() => VNode) | undefined>> = {
  retries: JobsView,
  listeners: ListenersView,
  topology: TopologyView,
  outbox: OutboxView,
  schedules: SchedulesView,
  audit: AuditView,
};

function Nowhere() {
  return (
    <>
      <h1 tabIndex={-1}>There is no such view</h1>
      <p>
        <a href={linkTo('errors')}>To the errors</a>
      </p>
    </>
  );
}

function Navigation({ who, at }: { readonly who: SessionJson; readonly at: string }) {
  const known = useStore(queues);
  const outbox = useStore(outboxCounts);
  const { listeners, topology, outbox: hasOutbox, schedules } = who.features;
  const links: readonly (readonly [name: string, title: string, isThere: boolean, count?: number | undefined])[] = [
    ['errors', 'Errors', true, known?.reduce((sum, { messages }) => sum + messages, 0)],
    ['retries', 'Retries', true],
    ['listeners', 'Listeners', listeners],
    ['topology', 'Topology', topology],
    ['outbox', 'Outbox', hasOutbox, outbox?.parked],
    ['schedules', 'Schedules', schedules],
    ['audit', 'Audit', true],
  ];
  return (
    <nav aria-label="Views">
      {links
        .filter(([, , isThere]) => isThere)
        .map(([name, title, , count]) => (
          <a key={name} href={linkTo(name)} aria-current={at === name ? 'page' : undefined}>
            {title}
            {count !== undefined && count > 0 && <span class="badge">{numberText(count)}</span>}
          </a>
        ))}
    </nav>
  );
}

function Own({ who, onHelp }: { readonly who: SessionJson; onHelp(): void }) {
  const chosen = useStore(theme);
  const leave = () => act('api/session', undefined, 'DELETE').then(() => session.set('none'));
  return (
    <aside class="own" aria-label="You">
      <p class="who" title={who.role === 'read' ? 'sees everything, changes nothing' : 'sees everything, and acts'}>
        {who.who} <span class="tag">{who.role}</span>
      </p>
      <button type="button" class="quiet" onClick={turnTheme}>
        Colours: {chosen}
      </button>
      <button type="button" class="quiet" onClick={onHelp}>
        Help <kbd>?</kbd>
      </button>
      {/* Without a login it is the application that says who this is. */}
      {who.expiresAt !== undefined && (
        <button type="button" class="quiet" onClick={() => void leave().catch(() => session.set('none'))}>
          Log out
        </button>
      )}
    </aside>
  );
}

function Liveness() {
  const state = useStore(connection);
  const text = { connecting: 'connecting', live: 'live', lost: 'not live: trying again' }[state];
  return (
    <span class={`liveness ${state}`} role="status" title="Whether what is shown follows what happens">
      {text}
    </span>
  );
}

/** What goes on, over every view. */
function Strips() {
  const fault = useStore(serverFault);
  const said = useStore(notice);
  return (
    <>
      {fault !== undefined && (
        <div class="note bad" role="alert">
          <p>
            {fault.message} <span class="fault-code">{fault.code}</span>
          </p>
        </div>
      )}
      <p class={said === '' ? 'for-readers' : 'note good'} role="status">
        {said}
        {said !== '' && (
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => notice.set('')}>
            ✕
          </button>
        )}
      </p>
      <UndoStrip />
      <JobStrip />
    </>
  );
}
