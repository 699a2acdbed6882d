import { useState } from 'preact/hooks';
import type { DiscardJson } from '../../src/contract/contract.js';
import { countText } from '../../src/page/count-text.js';
import { countdownText } from '../../src/page/time-text.js';
import { act } from '../data/api.js';
import { refreshDiscards } from '../data/live.js';
import { useStore } from '../data/store.js';
import { discards, mayOperate, notice, now, session } from '../data/stores.js';
import { ActButton } from '../parts/act-button.js';
import { FaultNote } from '../parts/notes.js';

/** What was discarded and can still be had back, with the time that is left. */
export function UndoStrip() {
  const known = useStore(discards);
  const current = useStore(now);
  const open = known.filter(({ undoUntil }) => undoUntil > current);
  return (
    <>
      {open.map((each) => (
        <Undo key={each.undo} discard={each} leftMs={each.undoUntil - current} />
      ))}
    </>
  );
}

function Undo({ discard, leftMs }: { readonly discard: DiscardJson; readonly leftMs: number }) {
  const [fault, setFault] = useState<Error>();
  const who = useStore(session);
  const undo = async () => {
    const { back } = await act<{ readonly back: number }>('api/errors/discard/undo', { undo: discard.undo });
    notice.set(`${countText(back, 'message')} ${back === 1 ? 'is' : 'are'} parked again.`);
    await refreshDiscards();
  };
  return (
    <div class="strip">
      <p>
        <strong>{countText(discard.discarded, 'message')}</strong> of {discard.queues.join(', ')} discarded
        {discard.who === undefined ? '' : ` by ${discard.who}`}.{' '}
        <span class="dim">
          Gone for good in <span class="countdown">{countdownText(leftMs)}</span>.
        </span>
      </p>
      {mayOperate(who) && (
        <ActButton onAct={undo} onFault={setFault}>
          Undo
        </ActButton>
      )}
      <FaultNote fault={fault} />
    </div>
  );
}
