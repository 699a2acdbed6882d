import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

interface ActButtonProps {
  readonly children: ComponentChildren;
  readonly kind?: 'main' | 'danger' | 'quiet';
  readonly label?: string;
  /** Resolves when it is done; a rejection is shown by `onFault`. */
  onAct(): Promise<void>;
  onFault(fault: Error | undefined): void;
}

/** A button whose act takes a while: it cannot be pressed twice. */
export function ActButton({ children, kind, label, onAct, onFault }: ActButtonProps) {
  const [isActing, setActing] = useState(false);
  const press = async () => {
    if (isActing) return;
    setActing(true);
    onFault(undefined);
    try {
      await onAct();
    } catch (error) {
      onFault(error as Error);
    } finally {
      setActing(false);
    }
  };
  return (
    <button type="button" class={kind} aria-label={label} aria-busy={isActing} onClick={() => void press()}>
      {children}
    </button>
  );
}
