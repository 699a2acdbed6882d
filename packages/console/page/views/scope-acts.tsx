import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { DiscardDialog } from './discard-dialog.js';
import { RetryDialog } from './retry-dialog.js';
import type { Scope } from './scope.js';

interface ScopeActsProps {
  readonly scope: Scope;
  readonly names?: { readonly retry: string; readonly discard: string };
  /** Between the two. */
  readonly children?: ComponentChildren;
  onDone(): void;
}

/** The buttons that send messages back, or throw them away. */
export function ScopeActs({
  scope,
  names = { retry: 'Retry…', discard: 'Discard…' },
  children,
  onDone,
}: ScopeActsProps) {
  const [open, setOpen] = useState<'retry' | 'discard'>();
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    onDone();
  };
  return (
    <div class="acts">
      <button type="button" class="main" onClick={() => setOpen('retry')}>
        {names.retry}
      </button>
      {children}
      <button type="button" class="danger" onClick={() => setOpen('discard')}>
        {names.discard}
      </button>
      {open === 'retry' && <RetryDialog scope={scope} onClose={close} onDone={done} />}
      {open === 'discard' && <DiscardDialog scope={scope} onClose={close} onDone={done} />}
    </div>
  );
}
