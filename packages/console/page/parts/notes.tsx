import type { ComponentChildren } from 'preact';
import { ApiFault } from '../data/api.js';

/** What went wrong, and what to do. */
export function FaultNote({ fault, retry }: { readonly fault: Error | undefined; retry?: () => void }) {
  if (fault === undefined) return null;
  return (
    <div class="note bad" role="alert">
      <p>
        {fault.message} {fault instanceof ApiFault && <span class="fault-code">{fault.code}</span>}
      </p>
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Ask again
        </button>
      )}
    </div>
  );
}

/** A sentence that somebody has to know before they go on. */
export function WarnNote({ children }: { readonly children: ComponentChildren }) {
  return <div class="note warn">{children}</div>;
}

/** Why there is nothing here, and what would change that. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

/** While the first answer is on its way. */
export function Asking({ what }: { readonly what: string }) {
  return (
    <p class="asking" role="status">
      {what} …
    </p>
  );
}
