import { useState } from 'preact/hooks';
import type { EditJson, EditRequest, MessageJson } from '../../src/contract/contract.js';
import { headerEdit } from '../../src/page/header-edit.js';
import { act, queryOf } from '../data/api.js';
import { goTo, linkTo } from '../data/route.js';
import { useStore } from '../data/store.js';
import { mayOperate, notice, session } from '../data/stores.js';
import { useAnswer } from '../data/use-answer.js';
import { ActButton } from '../parts/act-button.js';
import { Diff } from '../parts/diff.js';
import { Facts } from '../parts/facts.js';
import { Asking, Empty, FaultNote, WarnNote } from '../parts/notes.js';
import { type MessagePlace, Way } from './message-view.js';
import { targetText } from './target-text.js';

/** Changes a message and sends it, as a new one that names the old. */
export function EditView({ group, queue, messageKey }: MessagePlace) {
  const { data, fault, reload } = useAnswer<MessageJson>(
    `api/errors/messages/${encodeURIComponent(messageKey)}${queryOf({ queue })}`,
  );
  const who = useStore(session);
  return (
    <>
      <Way group={group} name={data?.failure.errorName} />
      <h1 tabIndex={-1}>Edit {data?.messageId ?? messageKey}</h1>
      <FaultNote fault={fault} retry={() => void reload()} />
      {data === undefined && fault === undefined && <Asking what="Looking for the message" />}
      {!mayOperate(who) && <Empty title="You may look, not edit">Log in with a token of the role operate.</Empty>}
      {mayOperate(who) && data !== undefined && whyNot(data) !== undefined && (
        <Empty title="It cannot be edited here">{whyNot(data)}</Empty>
      )}
      {mayOperate(who) && data !== undefined && whyNot(data) === undefined && <Editor message={data} />}
    </>
  );
}

function whyNot({ body }: MessageJson): string | undefined {
  if (body.truncated) return 'Only the beginning of its body is here. The command line edits it: leveret errors edit.';
  return body.kind === 'binary' ? 'Its body is no text. The command line edits it: leveret errors edit.' : undefined;
}

function Editor({ message }: { readonly message: MessageJson }) {
  const { key, queue, group, body } = message;
  const own = Object.fromEntries(message.ownHeaders.map((name) => [name, message.headers[name]]));
  const [text, setText] = useState(body.text);
  const [headers, setHeaders] = useState(JSON.stringify(own, undefined, 2));
  const [to, setTo] = useState('');
  const [plan, setPlan] = useState<EditJson>();
  const [fault, setFault] = useState<Error>();
  const edited = headerEdit(own, headers);
  const notJson = body.kind === 'json' ? jsonFault(text) : undefined;
  const request: EditRequest = {
    key,
    queue,
    ...(text === body.text ? {} : { body: text }),
    ...(edited.headers === undefined ? {} : { headers: edited.headers }),
    ...(to.trim() === '' ? {} : { to: to.trim() }),
  };
  const changing = (change: () => void) => {
    change();
    setPlan(undefined);
  };
  const ask = async () => setPlan(await act<EditJson>('api/errors/edit/plan', request));
  const send = async () => {
    const sent = await act<EditJson>('api/errors/edit', request);
    notice.set(
      `Sent as ${sent.messageId} to ${targetText(sent.target)}. It names ${message.messageId ?? key} as what it was made of.`,
    );
    goTo('errors', group);
  };
  return (
    <div class="columns">
      <form class="fields" onSubmit={(event) => event.preventDefault()}>
        {body.masked.length > 0 && (
          <WarnNote>Masked values ({body.masked.join(', ')}) stay as they are where their placeholder stays.</WarnNote>
        )}
        <label>
          Body
          <textarea
            class="code"
            rows={18}
            spellcheck={false}
            value={text}
            onInput={(event) => changing(() => setText(event.currentTarget.value))}
          />
        </label>
        {notJson !== undefined && <p class="note warn">It was JSON, and is none now: {notJson}</p>}
        <label>
          Headers, as JSON
          <textarea
            class="code"
            rows={6}
            spellcheck={false}
            value={headers}
            onInput={(event) => changing(() => setHeaders(event.currentTarget.value))}
          />
        </label>
        {edited.fault !== undefined && (
          <p class="note bad" role="alert">
            {edited.fault}
          </p>
        )}
        <label>
          To another queue
          <input
            value={to}
            placeholder={message.target === undefined ? 'has to be said' : targetText(message.target)}
            onInput={(event) => changing(() => setTo(event.currentTarget.value))}
          />
        </label>
      </form>
      <section class="plan" aria-label="What changes">
        <h2>What changes</h2>
        {plan === undefined ? (
          <Empty title="Not looked at yet">Nothing is sent before you have seen it.</Empty>
        ) : (
          <>
            <Diff label="Body" before={plan.before} after={plan.after} />
            <Diff label="Headers" before={pretty(plan.headersBefore)} after={pretty(plan.headersAfter)} />
            <Facts
              facts={[
                ['New id', <code key="id">{plan.messageId}</code>],
                ['Goes to', targetText(plan.target)],
                ['Made of', message.messageId ?? key],
              ]}
            />
            <p>{plan.idempotency}</p>
          </>
        )}
        <FaultNote fault={fault} />
        <footer>
          <a class="button" href={linkTo('errors', group, queue, key)}>
            Leave it
          </a>
          {plan === undefined ? (
            edited.fault === undefined && (
              <ActButton kind="main" onAct={ask} onFault={setFault}>
                Show what changes
              </ActButton>
            )
          ) : (
            <ActButton kind="main" onAct={send} onFault={setFault}>
              Send the edited message
            </ActButton>
          )}
        </footer>
      </section>
    </div>
  );
}

function pretty(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}

function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
