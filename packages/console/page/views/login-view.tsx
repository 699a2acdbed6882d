import { useRef, useState } from 'preact/hooks';
import { FaultNote } from '../parts/notes.js';

interface LoginViewProps {
  readonly fault: Error | undefined;
  onToken(token: string, name: string): Promise<void>;
}

/** Asks for the token that the console has printed. */
export function LoginView({ fault, onToken }: LoginViewProps) {
  const input = useRef<HTMLInputElement>(null);
  const name = useRef<HTMLInputElement>(null);
  const [isEmpty, setEmpty] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const token = input.current?.value.trim() ?? '';
    setEmpty(token === '');
    if (token !== '') void onToken(token, name.current?.value.trim() ?? '');
  };
  return (
    <main class="login">
      <form onSubmit={submit}>
        <h1>
          <img src="icon.svg" alt="" width="28" height="28" /> leveret
        </h1>
        <p>Failed messages of RabbitMQ: see them, understand them, send them back.</p>
        <label>
          Token
          <input ref={input} type="password" name="token" autocomplete="off" spellcheck={false} autofocus />
        </label>
        <label>
          Your name
          <input
            ref={name}
            name="name"
            autocomplete="name"
            maxLength={64}
            placeholder="for the audit log, if you like"
          />
        </label>
        {isEmpty && (
          <p class="note warn" role="alert">
            Paste the token first.
          </p>
        )}
        <FaultNote fault={fault} />
        <button type="submit" class="main">
          Log in
        </button>
        <p class="dim">
          <code>leveret console</code> prints it once, in a link that logs in by itself. Where the console is part of an
          application, its configuration names the tokens. A session ends when it is not used.
        </p>
      </form>
    </main>
  );
}
