import { useState } from 'preact/hooks';
import type { DiscardJson } from '../../src/contract/contract.js';
import { countText } from '../../src/page/count-text.js';
import { act } from '../data/api.js';
import { refreshDiscards } from '../data/live.js';
import { notice } from '../data/stores.js';
import { ActButton } from '../parts/act-button.js';
import { Dialog } from '../parts/dialog.js';
import { FaultNote } from '../parts/notes.js';
import type { Scope } from './scope.js';

interface DiscardDialogProps {
  readonly scope: Scope;
  onClose(): void;
  onDone(): void;
}

/** Throws messages away, after asking. For a while they can be had back. */
export function DiscardDialog({ scope, onClose, onDone }: DiscardDialogProps) {
  const [fault, setFault] = useState<Error>();
  const discard = async () => {
    const { selection, queues } = scope;
    await act<DiscardJson>('api/errors/discard', { selection, ...(queues === undefined ? {} : { queues }) });
    notice.set('');
    await refreshDiscards();
    onDone();
  };
  return (
    <Dialog title={`Discard ${countText(scope.count, 'message')}?`} onClose={onClose}>
      <p>
        {scope.what[0]?.toUpperCase()}
        {scope.what.slice(1)}: {countText(scope.count, 'message')} {scope.count === 1 ? 'leaves its' : 'leave their'}{' '}
        error queue and nobody handles {scope.count === 1 ? 'it' : 'them'}.
      </p>
      <p>
        It can be undone for some minutes; a bar at the top of the page counts them. Then{' '}
        {scope.count === 1 ? 'it is' : 'they are'} gone.
      </p>
      <FaultNote fault={fault} />
      <footer>
        <button type="button" onClick={onClose}>
          Keep
        </button>
        <ActButton kind="danger" onAct={discard} onFault={setFault}>
          Discard {countText(scope.count, 'message')}
        </ActButton>
      </footer>
    </Dialog>
  );
}
