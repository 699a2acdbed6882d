import { useState } from 'preact/hooks';
import type { JobJson } from '../../src/contract/contract.js';
import { countText } from '../../src/page/count-text.js';
import { act } from '../data/api.js';
import { keepJob } from '../data/live.js';
import { useStore } from '../data/store.js';
import { jobs, mayOperate, session } from '../data/stores.js';
import { ActButton } from '../parts/act-button.js';
import { FaultNote } from '../parts/notes.js';

/** Messages that a retry had on their way when its process ended. */
export function StagedNote({ queue, count }: { readonly queue: string; readonly count: number }) {
  const [fault, setFault] = useState<Error>();
  const who = useStore(session);
  // While one is at work here, that is as it should be.
  if (useStore(jobs).some(({ endedAt }) => endedAt === undefined)) return null;
  const goOn = async () => keepJob(await act<JobJson>('api/errors/resume', { queues: [queue] }));
  return (
    <div class="note warn">
      <p>
        {queue}: {countText(count, 'message')} of a retry that was ended in the middle {count === 1 ? 'is' : 'are'}{' '}
        still on the way.
        {mayOperate(who) ? '' : ' Whoever may operate can go on with it.'}
      </p>
      {mayOperate(who) && (
        <ActButton onAct={goOn} onFault={setFault}>
          Go on with it
        </ActButton>
      )}
      <FaultNote fault={fault} />
    </div>
  );
}
