import type { BodyJson, MessageJson } from '../../src/contract/contract.js';
import { bytesText } from '../../src/page/count-text.js';
import { ApiFault, queryOf } from '../data/api.js';
import { goTo, linkTo } from '../data/route.js';
import { useStore } from '../data/store.js';
import { mayOperate, session } from '../data/stores.js';
import { useAnswer } from '../data/use-answer.js';
import { Ago } from '../parts/ago.js';
import { CodeText } from '../parts/code-text.js';
import { Facts } from '../parts/facts.js';
import { Asking, Empty, FaultNote, WarnNote } from '../parts/notes.js';
import { StrangerText } from '../parts/stranger-text.js';
import { Timeline } from '../parts/timeline.js';
import { ScopeActs } from './scope-acts.js';
import { targetText } from './target-text.js';

export interface MessagePlace {
  readonly group: string;
  readonly queue: string;
  readonly messageKey: string;
}

/** One message, with everything that is known of it. */
export function MessageView({ group, queue, messageKey }: MessagePlace) {
  const { data, fault, reload } = useAnswer<MessageJson>(
    `api/errors/messages/${encodeURIComponent(messageKey)}${queryOf({ queue })}`,
  );
  const isGone = fault instanceof ApiFault && fault.status === 404;
  return (
    <>
      <Way group={group} name={data?.failure.errorName} />
      {isGone && (
        <>
          <h1 tabIndex={-1}>Message {messageKey}</h1>
          <Empty title="This message is parked no more">
            It was retried, edited or discarded. <a href={linkTo('errors', group)}>Its group</a>
          </Empty>
        </>
      )}
      {!isGone && <FaultNote fault={fault} retry={() => void reload()} />}
      {data === undefined && fault === undefined && <Asking what="Looking for the message" />}
      {data !== undefined && !isGone && <Message message={data} />}
    </>
  );
}

export function Way({ group, name }: { readonly group: string; readonly name: string | undefined }) {
  return (
    <nav class="way" aria-label="Way here">
      <a href={linkTo('errors')}>Errors</a> <span aria-hidden="true">›</span>{' '}
      <a href={linkTo('errors', group)}>
        <StrangerText text={name ?? 'group'} />
      </a>
    </nav>
  );
}

function Message({ message }: { readonly message: MessageJson }) {
  const who = useStore(session);
  const { key, queue, group, failure, body, target, noTarget } = message;
  const name = message.messageId ?? key;
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>
          <StrangerText text={name} />
        </h1>
        {mayOperate(who) && (
          <ScopeActs
            scope={{ selection: [key], queues: [queue], count: 1, what: `message ${name}` }}
            onDone={() => goTo('errors', group)}
          >
            <a class="button" href={linkTo('errors', group, queue, key, 'edit')}>
              Edit…
            </a>
          </ScopeActs>
        )}
      </div>
      {failure.errorMessage !== undefined && (
        <p class="message">
          <strong>
            <StrangerText text={failure.errorName ?? 'Error'} />
          </strong>{' '}
          <StrangerText text={failure.errorMessage} />
        </p>
      )}
      {noTarget !== undefined && <WarnNote>{noTarget}</WarnNote>}
      <div class="columns">
        <div>
          <Body body={body} />
          {failure.stack !== undefined && (
            <section>
              <h2>Stack trace</h2>
              <CodeText text={failure.stack} label="Stack trace" />
            </section>
          )}
        </div>
        <div>
          <section>
            <h2>What became of it</h2>
            <Timeline steps={message.timeline} />
          </section>
          <section>
            <h2>Failure</h2>
            <Facts
              facts={[
                ['Listener', failure.listener && <StrangerText key="listener" isName text={failure.listener} />],
                ['Service', failure.service],
                ['Failed in', failure.queue && <StrangerText key="queue" isName text={failure.queue} />],
                ['Reason', failure.reason],
                ['Attempts', failure.attempts],
                ['Redeliveries', failure.redeliveries],
                ['Parked in', `${queue}, place ${message.position + 1}`],
                ['Goes back to', target === undefined ? 'has to be said' : targetText(target)],
                ['Failed', <Ago key="at" at={failure.lastFailedAt} />],
              ]}
            />
          </section>
          <Values title="Headers" values={message.headers} />
          <Values
            title="Properties"
            values={{ exchange: message.exchange, routingKey: message.routingKey, ...message.properties }}
          />
        </div>
      </div>
    </>
  );
}

function Body({ body }: { readonly body: BodyJson }) {
  const { kind, text, bytes, truncated, masked } = body;
  return (
    <section>
      <h2>
        Body <span class="dim">{kind === 'empty' ? '' : `${kind}, ${bytesText(bytes)}`}</span>
      </h2>
      {truncated && (
        <WarnNote>Only its beginning is shown. The command line has the whole: leveret errors export.</WarnNote>
      )}
      {masked.length > 0 && <p class="dim">Masked: {masked.join(', ')}</p>}
      {kind === 'empty' ? (
        <p class="dim">It is empty.</p>
      ) : (
        <CodeText text={text} label="Body" isJson={kind === 'json'} />
      )}
    </section>
  );
}

/** Values of strangers by their names. Long ones, such as a stack trace, are shown where they belong. */
function Values({ title, values }: { readonly title: string; readonly values: Readonly<Record<string, unknown>> }) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return (
    <section>
      <h2>
        {title} <span class="dim">{entries.length}</span>
      </h2>
      {entries.length === 0 && <p class="dim">None.</p>}
      <dl class="values">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>
              <StrangerText text={name} />
            </dt>
            <dd>
              <StrangerText text={shortText(value)} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const SHOWN = 400;

function shortText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === '') return '(empty)';
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${bytesText(text.length)})` : text;
}
