import { useEffect, useState } from 'preact/hooks';
import { resumeSession } from './data/api.js';
import { followEvents } from './data/live.js';
import { route, takeToken } from './data/route.js';
import { useStore } from './data/store.js';
import { now, session } from './data/stores.js';
import { Asking, FaultNote } from './parts/notes.js';
import { Frame } from './views/frame.js';
import { LoginView } from './views/login-view.js';

/** The page: whoever has no session logs in first. */
export function App() {
  const who = useStore(session);
  const [fault, setFault] = useState<Error>();
  const begin = (token: string | undefined, name?: string) => {
    setFault(undefined);
    return resumeSession(token, name).catch((error: Error) => setFault(error));
  };
  useEffect(() => {
    void begin(takeToken());
    // A login link that is opened in this tab changes the fragment alone.
    const taking = () => {
      const token = takeToken();
      if (token !== undefined) void begin(token);
    };
    window.addEventListener('hashchange', taking);
    const timer = window.setInterval(() => now.set(Date.now()), 1000);
    return () => {
      window.removeEventListener('hashchange', taking);
      window.clearInterval(timer);
    };
  }, []);
  const isIn = typeof who === 'object';
  useEffect(() => (isIn ? followEvents() : undefined), [isIn]);
  const words = useStore(route);
  if (who === 'asking') return <Asking what="Asking who you are" />;
  if (who === 'none') return <LoginView fault={fault} onToken={begin} />;
  return (
    <Frame who={who} words={words}>
      <FaultNote fault={fault} />
    </Frame>
  );
}
