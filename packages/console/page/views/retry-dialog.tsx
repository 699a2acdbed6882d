import { useState } from 'preact/hooks';
import type { JobJson, RetryPlanJson, RetryRequest } from '../../src/contract/contract.js';
import { countText } from '../../src/page/count-text.js';
import { act } from '../data/api.js';
import { keepJob } from '../data/live.js';
import { notice } from '../data/stores.js';
import { ActButton } from '../parts/act-button.js';
import { Dialog } from '../parts/dialog.js';
import { FaultNote } from '../parts/notes.js';
import { RetryPlan } from './retry-plan.js';
import type { Scope } from './scope.js';

interface RetryDialogProps {
  readonly scope: Scope;
  onClose(): void;
  onDone(): void;
}

/** How a retry is to be done, as it stands in the form. */
interface Choice {
  readonly canary: string;
  readonly rate: string;
  readonly way: 'queue' | 'exchange' | 'to';
  readonly to: string;
}

/** A canary is worth its wait from so many messages on. */
const CANARY_FROM = 10;
const CANARY = 5;

/** Sends messages back: how, then what would happen, then it happens. */
export function RetryDialog({ scope, onClose, onDone }: RetryDialogProps) {
  const [choice, setChoice] = useState<Choice>({
    canary: scope.count >= CANARY_FROM ? String(CANARY) : '',
    rate: '',
    way: 'queue',
    to: '',
  });
  const [plan, setPlan] = useState<RetryPlanJson>();
  const [fault, setFault] = useState<Error>();
  const request = requestOf(scope, choice);
  const ask = async () => setPlan(await act<RetryPlanJson>('api/errors/retry/plan', request));
  const send = async () => {
    keepJob(await act<JobJson>('api/errors/retry', request));
    notice.set('');
    onDone();
  };
  return (
    <Dialog title={`Retry ${scope.what}`} onClose={onClose}>
      <p class="dim">
        {countText(scope.count, 'message')}. Each goes back with its id, and is confirmed there before it leaves its
        error queue.
      </p>
      {plan === undefined ? (
        <RetryForm choice={choice} count={scope.count} onChange={setChoice} />
      ) : (
        <RetryPlan plan={plan} canary={request.canary ?? 0} rate={request.rate} />
      )}
      <FaultNote fault={fault} />
      <footer>
        {plan === undefined ? (
          <ActButton kind="main" onAct={ask} onFault={setFault}>
            Show the plan
          </ActButton>
        ) : (
          <>
            <button type="button" onClick={() => setPlan(undefined)}>
              Back
            </button>
            {plan.faults.length === 0 && plan.total > 0 && (
              <ActButton kind="main" onAct={send} onFault={setFault}>
                Send {countText(plan.total, 'message')}
              </ActButton>
            )}
          </>
        )}
      </footer>
    </Dialog>
  );
}

function requestOf({ selection, queues }: Scope, { canary, rate, way, to }: Choice): RetryRequest {
  return {
    selection,
    ...(queues === undefined ? {} : { queues }),
    ...(Number(canary) > 0 ? { canary: Number(canary) } : {}),
    ...(Number(rate) > 0 ? { rate: Number(rate) } : {}),
    ...(way === 'to' && to !== '' ? { to } : {}),
    ...(way === 'exchange' ? { via: 'exchange' as const } : {}),
  };
}

interface RetryFormProps {
  readonly choice: Choice;
  readonly count: number;
  onChange(choice: Choice): void;
}

function RetryForm({ choice, count, onChange }: RetryFormProps) {
  const change = (part: Partial<Choice>) => onChange({ ...choice, ...part });
  const ways: readonly (readonly [Choice['way'], string, string])[] = [
    ['queue', 'Back to the queue that each failed in', 'nobody else gets it again'],
    ['exchange', 'To the exchange that it was first published to', 'every queue bound there gets it again'],
    ['to', 'To one queue', 'whatever it failed in'],
  ];
  return (
    <form class="fields" onSubmit={(event) => event.preventDefault()}>
      {count > 1 && (
        <div class="pair">
          <label>
            Canary
            <input
              type="number"
              min="0"
              max={count}
              value={choice.canary}
              placeholder="none"
              onInput={(event) => change({ canary: event.currentTarget.value })}
            />
            <span class="hint">go first; the others follow once listeners have handled them</span>
          </label>
          <label>
            Messages a second
            <input
              type="number"
              min="0"
              step="any"
              value={choice.rate}
              placeholder="as fast as confirmed"
              onInput={(event) => change({ rate: event.currentTarget.value })}
            />
            <span class="hint">at most, so that a service under load bears it</span>
          </label>
        </div>
      )}
      <fieldset>
        <legend>Where to</legend>
        {ways.map(([way, title, hint]) => (
          <label key={way} class="radio">
            <input type="radio" name="way" checked={choice.way === way} onChange={() => change({ way })} />
            <span>
              {title} <span class="hint">{hint}</span>
            </span>
          </label>
        ))}
        {choice.way === 'to' && (
          <input
            aria-label="Name of the queue"
            placeholder="name of the queue"
            value={choice.to}
            onInput={(event) => change({ to: event.currentTarget.value })}
          />
        )}
      </fieldset>
    </form>
  );
}
